import { RETRY_REFUSALS, type RetryRefusal } from './retry-refusal.ts';

/**
 * Why an attempt or an exchange did not succeed: a closed list, so that the access log, metrics, retries and the
 * answer to the application all speak of the same things. Failures are data; exceptions are for bugs and start-up.
 */
export type FailureKind = keyof typeof FAILURES;

/** What is fixed about a kind of failure. */
interface FailureTraits {
  /** The status of the answer that the sidecar makes of it; 0 where no answer can be given. */
  readonly status: number;
  /** The flag in the access log, as in Envoy's `%RESPONSE_FLAGS%`. */
  readonly flag: string;
  /**
   * When the same request may be sent to an endpoint again: `always` (it reached nobody), `idempotent` (it may have
   * been acted upon, RFC 9110 section 9.2.2), `never` (another attempt would not help or is not wanted).
   */
  readonly retry: 'always' | 'idempotent' | 'never';
  /** Whether an attempt that ends so counts against its endpoint; what the sidecar or the application did, does not. */
  readonly blamesEndpoint: boolean;
}

export const FAILURES = {
  'no-route': { status: 404, flag: 'NR', retry: 'never', blamesEndpoint: false },
  'no-endpoint': { status: 503, flag: 'UH', retry: 'never', blamesEndpoint: false },
  'connect-failure': { status: 503, flag: 'UF', retry: 'always', blamesEndpoint: true },
  'connect-timeout': { status: 503, flag: 'UF', retry: 'always', blamesEndpoint: true },
  reset: { status: 503, flag: 'UC', retry: 'idempotent', blamesEndpoint: true },
  'attempt-timeout': { status: 504, flag: 'UT', retry: 'idempotent', blamesEndpoint: true },
  deadline: { status: 504, flag: 'DT', retry: 'never', blamesEndpoint: false },
  'breaker-open': { status: 503, flag: 'UO', retry: 'never', blamesEndpoint: false },
  overflow: { status: 503, flag: 'UO', retry: 'never', blamesEndpoint: false },
  'rate-limited': { status: 429, flag: 'RL', retry: 'never', blamesEndpoint: false },
  'retry-exhausted': { status: 503, flag: 'URX', retry: 'never', blamesEndpoint: false },
  'bad-response': { status: 502, flag: 'UPE', retry: 'never', blamesEndpoint: true },
  'bad-request': { status: 400, flag: 'DPE', retry: 'never', blamesEndpoint: false },
  'fault-injected': { status: 503, flag: 'FI', retry: 'never', blamesEndpoint: false },
  'client-gone': { status: 0, flag: 'DC', retry: 'never', blamesEndpoint: false },
} as const satisfies Record<string, FailureTraits>;

/** The kinds that another attempt may follow. */
type RetriableKind = {
  [K in FailureKind]: (typeof FAILURES)[K]['retry'] extends 'never' ? never : K;
}[FailureKind];

export function isRetriable(kind: FailureKind): kind is RetriableKind {
  return FAILURES[kind].retry !== 'never';
}

/** One failure. */
export interface Failure {
  readonly kind: FailureKind;
  /** The status to answer with: the kind's own, save where the kind has several (`bad-request`, `retry-exhausted`). */
  readonly status: number;
  /** One sentence for a person: what happened, to which upstream and endpoint, and what to do about it. */
  readonly detail: string;
  /** True when it is certain that no byte of the request reached an endpoint, so any method may be sent again. */
  readonly reachedNobody: boolean;
  /** For `retry-exhausted`: the failure of the last attempt. */
  readonly last: Failure | null;
  /** After how many ms it is worth to ask again, where that is known; else null. */
  readonly retryAfterMs: number | null;
  /** Whether retries have done what they can: whoever gets the answer should not send the request again. */
  readonly isExhausted: boolean;
}

/** Makes a failure with the kind's own status. */
export function failure(
  kind: FailureKind,
  detail: string,
  reachedNobody = FAILURES[kind].retry === 'always',
): Failure {
  return {
    kind,
    status: FAILURES[kind].status,
    detail,
    reachedNobody,
    last: null,
    retryAfterMs: null,
    isExhausted: false,
  };
}

/** What attempts are cancelled with because another attempt of their exchange was answered first. Nobody above hears of it. */
export const OUTRUN = failure('reset', 'Another attempt was answered first.', false);

/** A request that was refused for its form, with the status that fits (RFC 9110 section 15.5). */
export function badRequest(status: number, detail: string): Failure {
  return { ...failure('bad-request', detail, true), status };
}

/** What is left when no further attempt will be made: it keeps the status and the story of the last one. */
export function retryExhausted(last: Failure, attempts: number): Failure {
  return {
    kind: 'retry-exhausted',
    status: last.status,
    detail: `${last.detail} This was attempt ${attempts}.`,
    reachedNobody: last.reachedNobody,
    last,
    retryAfterMs: last.retryAfterMs,
    isExhausted: false,
  };
}

/** The failure with why no attempt follows it. @param isExhausted whether whoever gets it should not retry either */
export function notRetried(last: Failure, refusal: RetryRefusal, isExhausted: boolean): Failure {
  const detail = `${last.detail} ${RETRY_REFUSALS[refusal]}, so it is not sent again.`;
  return { ...last, detail, isExhausted };
}
