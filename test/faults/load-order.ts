/** What the load generator of `npm run faults` is asked to do, and what it tells. */
export interface LoadOrder {
  readonly port: number;
  /** `both`: by turns. */
  readonly method: 'GET' | 'POST' | 'both';
  /** What is asked for: `/long` takes 2 s. */
  readonly path: '/work' | '/long';
  /** Of the answer's body, in bytes. */
  readonly length: number;
  /** When a caller gives up; null: never. */
  readonly hangUpAfterMs: number | null;
  readonly pace: Pace;
}

/** When requests are due, whatever became of those before. */
export type Pace =
  | { readonly kind: 'steady'; readonly perSecond: number }
  /** `size` requests within the first `withinMs` of each `everyMs`. */
  | {
      readonly kind: 'bursts';
      readonly size: number;
      readonly everyMs: number;
      readonly withinMs: number;
    };

/**
 * What a caller saw: a whole answer of 200 with the right body; one that is whole and wrong, so torn and passed on as whole, or another
 * request's; one that broke off; no answer; a status other than 200. `left`: the caller hung up, as it was told to.
 */
export type Result = 'good' | 'wrong' | 'torn' | 'none' | 'left' | number;

/** One request as its caller saw it. Times in ms of the machine's monotonic clock, so that processes can compare them. */
export interface SentRequest {
  readonly id: number;
  readonly isPost: boolean;
  readonly sentAt: number;
  readonly tookMs: number;
  readonly result: Result;
}

export interface LoadReport {
  readonly requests: readonly SentRequest[];
  /** The longest time for which the generator itself was held up. */
  readonly heldUpMs: number;
}

export type ToLoad =
  | { readonly kind: 'begin'; readonly order: LoadOrder }
  | { readonly kind: 'pace'; readonly pace: Pace }
  | { readonly kind: 'end' };

export type FromLoad =
  | { readonly kind: 'ready' | 'done' }
  | { readonly kind: 'report'; readonly report: LoadReport };

/** How many requests are due after this time. */
export function requestsDue(pace: Pace, elapsedMs: number): number {
  if (pace.kind === 'steady') return Math.floor((elapsedMs * pace.perSecond) / 1000);
  const { size, everyMs, withinMs } = pace;
  const whole = Math.floor(elapsedMs / everyMs);
  const part = Math.min(1, (elapsedMs - whole * everyMs) / withinMs);
  return size * whole + Math.floor(size * part);
}
