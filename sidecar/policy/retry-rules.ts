import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { getField } from '../exchange/fields.ts';
import { RETRY_FIELD } from '../exchange/own-head.ts';
import type { RetryRefusal } from '../exchange/retry-refusal.ts';
import type { ResponseHead } from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import { outerAttempt } from './attempt-number.ts';
import { backoff } from './backoff.ts';
import { mayBeDoneTwice } from './done-twice.ts';
import { askedToWait } from './retry-after.ts';
import type { RetryBudget } from './retry-budget.ts';
import { RetryConditions } from './retry-conditions.ts';

/** When a request is sent again. */
export type RetrySettings = Policy['retry'];

/** Where else an attempt could go. */
export interface Alternatives {
  /** Whether there is an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean;
  /** Whether there is an endpoint that the exchange was not sent to yet. */
  hasUntried(exchange: Exchange): boolean;
  /** Whether the endpoint that the exchange was sent to last is gone, or can't be connected to any more. */
  hasLost(exchange: Exchange): boolean;
  /** Whether that endpoint can be connected to, as far as is known. */
  isReached(exchange: Exchange): boolean;
}

/** Where an exchange can wait until some endpoint can be connected to. */
interface Shelter {
  /** Makes the exchange's next attempt wait. @returns false where it has to wait no longer */
  take(exchange: Exchange, reason: Failure): boolean;
}

export interface RetryRulesOptions {
  readonly settings: RetrySettings;
  readonly alternatives: Alternatives;
  /** Null where nothing waits. */
  readonly shelter: Shelter | null;
  readonly budget: RetryBudget;
  readonly wheel: TimerWheel;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A request, and what became of it so far. */
interface TriedRequest {
  readonly exchange: Exchange;
  /** Attempts that were started. */
  readonly started: number;
  /** Those of them that may have reached somebody. */
  readonly received: number;
  /** Whether it is among those that are being sent again. */
  readonly isCounted: boolean;
}

/** The retry that a failure or an answer may be followed by. */
export interface NextAttempt {
  /** How long to wait before it, in ms. */
  readonly wait: number;
  /** Whether it counts neither for the budget nor among those under way, since nobody did any work for the one before. */
  readonly isFree: boolean;
}

/**
 * Whether a request is sent again. What certainly reached nobody may be whatever its method, and free of charge (gRPC's transparent
 * retries, A6): neither the budget nor a retry further up holds it back, since nobody did any work for it. Anything else only where doing
 * it twice is the same as doing it once, and within the budget, out of which a retry that is granted has been taken.
 */
export class RetryRules {
  readonly conditions: RetryConditions;
  private readonly options: RetryRulesOptions;

  constructor(options: RetryRulesOptions) {
    this.options = options;
    this.conditions = new RetryConditions(options.settings.on);
  }

  /** Whether there are retries at all. */
  get areWanted(): boolean {
    return this.options.settings.attempts > 1;
  }

  /** Whether those above are told not to send it again either. A retry of their own is theirs to follow by another. */
  isFinal(refusal: RetryRefusal): boolean {
    return this.options.settings.oneLayer && refusal !== 'nested';
  }

  /** Whether a request is sent again after an attempt that failed, or why not. */
  afterFailure({ exchange, started, isCounted }: TriedRequest, reason: Failure): NextAttempt | RetryRefusal {
    const { reachedNobody } = reason;
    if (this.hasNoAttemptLeft(exchange)) return 'attempts';
    if (!reachedNobody && this.isNested(exchange)) return 'nested';
    if (!reachedNobody && !this.mayBeDoneTwice(exchange)) return 'method';
    if (!exchange.isReplayable) return 'body';
    // The one that has just failed would fail again, save where a packet was lost on the way to it.
    const { alternatives } = this.options;
    const isReached = reason.kind === 'connect-timeout' && alternatives.isReached(exchange);
    if (!isReached && !alternatives.hasOther(exchange)) return 'no-other';
    const wait = reachedNobody && started === 1 ? 0 : this.backoff(started);
    return this.within(exchange, wait, reachedNobody, isCounted);
  }

  /** The same after an answer. One that is the only endpoint's may be another one a little later. */
  afterAnswer(
    { exchange, started, isCounted }: TriedRequest,
    head: ResponseHead,
  ): NextAttempt | RetryRefusal {
    const { settings, alternatives } = this.options;
    if (this.hasNoAttemptLeft(exchange)) return 'attempts';
    if (this.isNested(exchange)) return 'nested';
    if (settings.oneLayer && getField(head.fields, RETRY_FIELD) === 'exhausted') return 'exhausted';
    if (!this.mayBeDoneTwice(exchange)) return 'method';
    if (!exchange.isReplayable) return 'body';
    const isBinding = head.status === 429 || !alternatives.hasUntried(exchange);
    const asked = isBinding ? askedToWait(head) : 0;
    if (asked > settings.retryAfter) return 'retry-after';
    return this.within(exchange, Math.max(asked, this.backoff(started)), false, isCounted);
  }

  /**
   * Whether the request may wait until an endpoint can be connected to, the same one too, and then be sent again, where
   * {@link afterFailure} has nowhere to send it now. What reached nobody may where its endpoint is lost, and that is no question
   * of how many attempts there were. A lost connection may be the first sign that the endpoint is gone: the next one will show.
   * But a request that ends whoever gets it must not be given to each that comes back.
   */
  waits({ exchange, received }: TriedRequest, reason: Failure): boolean | 'budget' {
    const { shelter, settings, alternatives, budget, wheel } = this.options;
    if (shelter === null || !exchange.isReplayable) return false;
    if (reason.reachedNobody && alternatives.hasLost(exchange)) return shelter.take(exchange, reason);
    if (reason.kind !== 'reset' || !this.conditions.isMetByFailure(reason)) return false;
    if (received >= settings.attempts) return false;
    if (reason.reachedNobody) return !this.hasNoAttemptLeft(exchange) && shelter.take(exchange, reason);
    if (this.isNested(exchange) || !this.mayBeDoneTwice(exchange)) return false;
    const now = wheel.now();
    if (budget.left(now) < 1) return 'budget';
    return shelter.take(exchange, reason) && budget.take(now);
  }

  private within(
    exchange: Exchange,
    wait: number,
    isFree: boolean,
    isCounted: boolean,
  ): NextAttempt | RetryRefusal {
    const { budget, wheel } = this.options;
    const now = wheel.now();
    if (wait >= exchange.timeLeft(now)) return 'deadline';
    if (isFree) return { wait, isFree };
    if (!isCounted && budget.isFull) return 'concurrent';
    return budget.take(now) ? { wait, isFree } : 'budget';
  }

  private backoff(started: number): number {
    const { base, max } = this.options.settings.backoff;
    return backoff(started, base, max, this.options.random());
  }

  private hasNoAttemptLeft(exchange: Exchange): boolean {
    return exchange.attempts >= this.options.settings.attempts;
  }

  /** Whether whoever sent the request retries it already. */
  private isNested(exchange: Exchange): boolean {
    return this.options.settings.oneLayer && outerAttempt(exchange) > 1;
  }

  private mayBeDoneTwice(exchange: Exchange): boolean {
    return mayBeDoneTwice(exchange, this.options.settings.methods);
  }
}
