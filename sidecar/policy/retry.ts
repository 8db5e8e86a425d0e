import type { Exchange } from '../exchange/exchange.ts';
import {
  type Failure,
  failure,
  isRetriable,
  type RetriableKind,
  retryExhausted,
} from '../exchange/failure.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';

/** When a request is sent again. */
export interface RetrySettings {
  /** Attempts in all, the first one included; 1 and more. */
  readonly attempts: number;
  /** What an attempt must have ended in to be followed by another one. */
  readonly on: readonly RetryCondition[];
  /** Methods that may be sent again after they reached an endpoint; `idempotent` is RFC 9110 section 9.2.2. */
  readonly methods: 'idempotent' | 'any' | readonly string[];
}

/** Where else an attempt could go. */
export interface Alternatives {
  /** Whether there is an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean;
  /** Whether the endpoint that the exchange was sent to last is gone, or can't be connected to any more. */
  hasLost(exchange: Exchange): boolean;
}

/** Where an exchange can wait until some endpoint can be connected to. */
interface Shelter {
  /** Makes the exchange's next attempt wait. @returns false where it has to wait no longer */
  take(exchange: Exchange, reason: Failure): boolean;
}

type RetryCondition = 'connect-failure' | 'reset' | 'attempt-timeout' | 'gateway-error' | 'server-error';

/**
 * Whether the exchange may be sent again after an attempt that ended in `condition`, on another endpoint: the one that has just
 * failed would fail again. A request that certainly reached nobody may be, whatever its method; one that may have been
 * acted upon only if doing it twice is the same as doing it once.
 */
function mayRetry(
  exchange: Exchange,
  condition: RetryCondition,
  reachedNobody: boolean,
  settings: RetrySettings,
  alternatives: Alternatives,
): boolean {
  if (exchange.attempts >= settings.attempts || !exchange.isReplayable) return false;
  if (!settings.on.includes(condition)) return false;
  if (!reachedNobody && !isMethodSafe(exchange, settings.methods)) return false;
  return alternatives.hasOther(exchange);
}

/**
 * Whether the exchange may wait until an endpoint can be connected to, the same one too, and then be sent again, where
 * {@link mayRetry} has nowhere to send it now. What reached nobody may where its endpoint is lost, and that is no question of how
 * many attempts there were. A lost connection may be the first sign that the endpoint is gone: the next one will show. But a
 * request that ends whoever gets it must not be given to each that comes back.
 * @param received how many attempts may have reached somebody
 */
function mayWait(
  exchange: Exchange,
  reason: Failure,
  received: number,
  settings: RetrySettings,
  alternatives: Alternatives,
): boolean {
  if (!exchange.isReplayable) return false;
  if (reason.reachedNobody && alternatives.hasLost(exchange)) return true;
  if (reason.kind !== 'reset' || !settings.on.includes('reset')) return false;
  if (received >= settings.attempts) return false;
  return reason.reachedNobody
    ? exchange.attempts < settings.attempts
    : isMethodSafe(exchange, settings.methods);
}

/**
 * Makes another attempt where {@link mayRetry} or {@link mayWait}. Sees an answer's head pass and from then on does nothing.
 * @param shelter null where nothing waits
 */
export function retryLayer(
  settings: RetrySettings,
  alternatives: Alternatives,
  shelter: Shelter | null = null,
): Layer {
  return next => new RetryService(next, settings, alternatives, shelter);
}

class RetryService implements Service {
  readonly next: Service;
  readonly settings: RetrySettings;
  readonly alternatives: Alternatives;
  readonly shelter: Shelter | null;

  constructor(next: Service, settings: RetrySettings, alternatives: Alternatives, shelter: Shelter | null) {
    this.next = next;
    this.settings = settings;
    this.alternatives = alternatives;
    this.shelter = shelter;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const call = new RetriedCall(this, exchange, reply);
    call.attempt();
    return call;
  }
}

class RetriedCall extends PassReply implements Call {
  private readonly service: RetryService;
  private readonly exchange: Exchange;
  private current: Call = ENDED_CALL;
  private started = 0;
  /** Attempts that may have reached somebody. */
  private received = 0;
  private hasHead = false;
  private isDiscarding = false;

  constructor(service: RetryService, exchange: Exchange, reply: Reply) {
    super(reply);
    this.service = service;
    this.exchange = exchange;
  }

  attempt(): void {
    const number = ++this.started;
    this.current = ENDED_CALL;
    const call = this.service.next.call(this.exchange, this);
    // An attempt that failed at once has been followed by another one before its call came back.
    if (number === this.started) this.current = call;
  }

  pause(): void {
    this.current.pause();
  }

  resume(): void {
    this.current.resume();
  }

  cancel(reason: Failure): void {
    this.current.cancel(reason);
  }

  override head(head: ResponseHead): void {
    // An answer that is there before its call came back can't be cancelled: it is passed on.
    const isCancellable = this.current !== ENDED_CALL;
    const condition = isCancellable ? conditionOfStatus(head.status, this.service.settings.on) : null;
    if (condition !== null && this.mayRetry(condition, false)) {
      this.isDiscarding = true;
      this.current.cancel(
        failure('reset', `The answer was ${head.status}, which is followed by another attempt.`),
      );
      return;
    }
    this.hasHead = true;
    this.exchange.body?.release();
    this.reply.head(head);
  }

  override fail(reason: Failure): void {
    if (this.isDiscarding) {
      this.isDiscarding = false;
      return this.attempt();
    }
    if (!reason.reachedNobody) this.received++;
    const condition = this.hasHead ? null : conditionOf(reason);
    if (condition === null) {
      // The last endpoint has left while this waited for a connection to it.
      if (reason.kind === 'no-endpoint' && !this.hasHead && this.waits(reason)) return this.attempt();
      return this.reply.fail(reason);
    }
    if (this.mayRetry(condition, reason.reachedNobody) || this.waits(reason)) return this.attempt();
    this.reply.fail(this.started > 1 ? retryExhausted(reason, this.started) : reason);
  }

  private mayRetry(condition: RetryCondition, reachedNobody: boolean): boolean {
    const { settings, alternatives } = this.service;
    return mayRetry(this.exchange, condition, reachedNobody, settings, alternatives);
  }

  private waits(reason: Failure): boolean {
    const { settings, alternatives, shelter } = this.service;
    if (shelter === null || !mayWait(this.exchange, reason, this.received, settings, alternatives))
      return false;
    return shelter.take(this.exchange, reason);
  }
}

/** What a status is as a condition that another attempt may follow, or null. */
function conditionOfStatus(status: number, on: readonly RetryCondition[]): RetryCondition | null {
  if (status < 500) return null;
  if (on.includes('server-error')) return 'server-error';
  return status >= 502 && status <= 504 ? 'gateway-error' : null;
}

/** The compiler asks for each kind that may be retried, and for no other. */
const CONDITIONS: Readonly<Record<RetriableKind, RetryCondition>> = {
  'connect-failure': 'connect-failure',
  'connect-timeout': 'connect-failure',
  reset: 'reset',
  'attempt-timeout': 'attempt-timeout',
};

/** What a failure is as a condition that another attempt may follow, or null where none may. */
function conditionOf({ kind }: Failure): RetryCondition | null {
  return isRetriable(kind) ? CONDITIONS[kind] : null;
}

function isMethodSafe(exchange: Exchange, methods: RetrySettings['methods']): boolean {
  if (methods === 'idempotent') return exchange.isIdempotent;
  return methods === 'any' || methods.includes(exchange.head.method);
}
