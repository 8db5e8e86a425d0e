import type { Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure, retryExhausted } from '../exchange/failure.ts';
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
  /** Failures that reached somebody and may be followed by another attempt, where the method permits it. */
  readonly on: readonly RetryCondition[];
  /** Methods that may be sent again after they reached an endpoint; `idempotent` is RFC 9110 section 9.2.2. */
  readonly methods: 'idempotent' | 'any' | readonly string[];
}

/** Where else an attempt could go. */
export interface Alternatives {
  /** Whether there is an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean;
}

export type RetryCondition = 'connect-failure' | 'reset' | 'attempt-timeout';

/**
 * Whether the exchange may be sent again after `reason`, on another endpoint: the one that has just failed would fail again. A request that certainly reached nobody may be, whatever its
 * method; one that may have been acted upon only if doing it twice is the same as doing it once.
 */
export function mayRetry(
  exchange: Exchange,
  reason: Failure,
  settings: RetrySettings,
  alternatives: Alternatives,
): boolean {
  if (exchange.attempts >= settings.attempts || !exchange.isReplayable) return false;
  if (FAILURES[reason.kind].retry === 'never') return false;
  if (!settings.on.includes(conditionOf(reason))) return false;
  if (!reason.reachedNobody && !isMethodSafe(exchange, settings.methods)) return false;
  return alternatives.hasOther(exchange);
}

/** Makes another attempt where {@link mayRetry}. Sees an answer's head pass and from then on does nothing. */
export function retryLayer(settings: RetrySettings, alternatives: Alternatives): Layer {
  return next => new RetryService(next, settings, alternatives);
}

class RetryService implements Service {
  readonly next: Service;
  readonly settings: RetrySettings;
  readonly alternatives: Alternatives;

  constructor(next: Service, settings: RetrySettings, alternatives: Alternatives) {
    this.next = next;
    this.settings = settings;
    this.alternatives = alternatives;
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
  private hasHead = false;

  constructor(service: RetryService, exchange: Exchange, reply: Reply) {
    super(reply);
    this.service = service;
    this.exchange = exchange;
  }

  attempt(): void {
    const number = ++this.started;
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
    this.hasHead = true;
    this.exchange.body?.release();
    this.reply.head(head);
  }

  override fail(reason: Failure): void {
    const { settings, alternatives } = this.service;
    if (!this.hasHead && mayRetry(this.exchange, reason, settings, alternatives)) return this.attempt();
    const isLast = this.started > 1 && FAILURES[reason.kind].retry !== 'never';
    this.reply.fail(isLast && !this.hasHead ? retryExhausted(reason, this.started) : reason);
  }
}

function conditionOf(reason: Failure): RetryCondition {
  switch (reason.kind) {
    case 'connect-failure':
    case 'connect-timeout':
      return 'connect-failure';
    case 'attempt-timeout':
      return 'attempt-timeout';
    default:
      return 'reset';
  }
}

function isMethodSafe(exchange: Exchange, methods: RetrySettings['methods']): boolean {
  if (methods === 'idempotent') return exchange.isIdempotent;
  return methods === 'any' || methods.includes(exchange.head.method);
}
