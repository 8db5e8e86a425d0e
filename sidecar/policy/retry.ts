import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure, isRetriable, notRetried, retryExhausted } from '../exchange/failure.ts';
import { type Fields, getField } from '../exchange/fields.ts';
import { RETRY_FIELD } from '../exchange/own-head.ts';
import type { RetryRefusal } from '../exchange/retry-refusal.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { markFurtherAttempt, outerAttempt } from './attempt-number.ts';
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

interface RetryOptions {
  readonly settings: RetrySettings;
  readonly alternatives: Alternatives;
  /** Null where nothing waits. */
  readonly shelter: Shelter | null;
  readonly budget: RetryBudget;
  readonly counters: UpstreamCounters;
  readonly wheel: TimerWheel;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** The retry that a failure or an answer may be followed by. */
interface NextAttempt {
  /** How long to wait before it, in ms. */
  readonly wait: number;
  /** Whether it counts neither for the budget nor among those under way, since nobody did any work for the one before. */
  readonly isFree: boolean;
}

const EXHAUSTED: Fields = [RETRY_FIELD, 'exhausted'];

/**
 * Sends a request again after an attempt that failed or was answered badly, as long as it has told the application nothing of an
 * answer. What certainly reached nobody may be sent again whatever its method, and free of charge (gRPC's transparent retries, A6):
 * neither the budget nor a retry further up holds it back, since nobody did any work for it. Anything else only where doing it
 * twice is the same as doing it once, and within the budget.
 */
export function retryLayer(options: RetryOptions): Layer {
  return next => new RetryService(next, options);
}

class RetryService implements Service {
  readonly next: Service;
  readonly options: RetryOptions;
  readonly conditions: RetryConditions;

  constructor(next: Service, options: RetryOptions) {
    this.next = next;
    this.options = options;
    this.conditions = new RetryConditions(options.settings.on);
  }

  call(exchange: Exchange, reply: Reply): Call {
    this.options.budget.onRequest(exchange.begunAt);
    const call = new RetriedCall(this, exchange, reply);
    call.attempt();
    return call;
  }

  /** Whether an exchange is sent again after an attempt that failed, or why not. @param started attempts so far @param isCounted whether it is being sent again already */
  afterFailure(
    exchange: Exchange,
    reason: Failure,
    started: number,
    isNested: boolean,
    isCounted: boolean,
  ): NextAttempt | RetryRefusal {
    const { reachedNobody } = reason;
    if (this.hasNoAttemptLeft(exchange)) return 'attempts';
    if (isNested && !reachedNobody) return 'nested';
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
    exchange: Exchange,
    head: ResponseHead,
    started: number,
    isNested: boolean,
    isCounted: boolean,
  ): NextAttempt | RetryRefusal {
    const { settings, alternatives } = this.options;
    if (this.hasNoAttemptLeft(exchange)) return 'attempts';
    if (isNested) return 'nested';
    if (settings.oneLayer && getField(head.fields, RETRY_FIELD) === 'exhausted') return 'exhausted';
    if (!this.mayBeDoneTwice(exchange)) return 'method';
    if (!exchange.isReplayable) return 'body';
    const isBinding = head.status === 429 || !alternatives.hasUntried(exchange);
    const asked = isBinding ? askedToWait(head) : 0;
    if (asked > settings.retryAfter) return 'retry-after';
    return this.within(exchange, Math.max(asked, this.backoff(started)), false, isCounted);
  }

  /**
   * Whether the exchange may wait until an endpoint can be connected to, the same one too, and then be sent again, where
   * {@link afterFailure} has nowhere to send it now. What reached nobody may where its endpoint is lost, and that is no question
   * of how many attempts there were. A lost connection may be the first sign that the endpoint is gone: the next one will show.
   * But a request that ends whoever gets it must not be given to each that comes back.
   * @param received how many attempts may have reached somebody
   */
  waits(exchange: Exchange, reason: Failure, received: number, isNested: boolean): boolean | 'budget' {
    const { shelter, settings, alternatives, budget, wheel } = this.options;
    if (shelter === null || !exchange.isReplayable) return false;
    if (reason.reachedNobody && alternatives.hasLost(exchange)) return shelter.take(exchange, reason);
    if (reason.kind !== 'reset' || !this.conditions.isMetByFailure(reason)) return false;
    if (received >= settings.attempts) return false;
    if (reason.reachedNobody) return !this.hasNoAttemptLeft(exchange) && shelter.take(exchange, reason);
    if (isNested || !this.mayBeDoneTwice(exchange)) return false;
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

  private mayBeDoneTwice(exchange: Exchange): boolean {
    return mayBeDoneTwice(exchange, this.options.settings.methods);
  }
}

/** What an exchange does right now, as far as retries are concerned. */
type Phase = 'attempting' | 'discarding' | 'pausing' | 'passing' | 'cancelled';

class RetriedCall extends PassReply implements Call, TimerOwner {
  private readonly service: RetryService;
  private readonly exchange: Exchange;
  private current: Call = ENDED_CALL;
  private phase: Phase = 'attempting';
  private started = 0;
  /** Attempts that may have reached somebody. */
  private received = 0;
  private isPaused = false;
  /** How long to wait behind the answer that is discarded, in ms. */
  private wait = 0;
  private timer: Timer | null = null;
  /** Whether it is among those that are being sent again. */
  private isCounted = false;

  constructor(service: RetryService, exchange: Exchange, reply: Reply) {
    super(reply);
    this.service = service;
    this.exchange = exchange;
  }

  attempt(): void {
    const number = ++this.started;
    this.phase = 'attempting';
    this.current = ENDED_CALL;
    const call = this.service.next.call(this.exchange, this);
    // An attempt that failed at once has been followed by another one before its call came back.
    if (number !== this.started) return;
    this.current = call;
    if (this.isPaused) call.pause();
  }

  onTimer(): void {
    this.again();
  }

  pause(): void {
    this.isPaused = true;
    this.current.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.current.resume();
  }

  cancel(reason: Failure): void {
    if (this.phase === 'pausing') {
      if (this.timer !== null) this.service.options.wheel.stop(this.timer);
      this.phase = 'cancelled';
      this.failWith(reason);
      return;
    }
    if (this.phase !== 'passing') this.phase = 'cancelled';
    this.current.cancel(reason);
  }

  override head(head: ResponseHead): void {
    const { service, exchange } = this;
    let passed = head;
    // An answer that is there before its call came back can't be cancelled: it is passed on.
    if (
      this.current !== ENDED_CALL &&
      this.phase === 'attempting' &&
      this.isWanted &&
      service.conditions.isMetByAnswer(head)
    ) {
      const next = service.afterAnswer(exchange, head, this.started, this.isNested, this.isCounted);
      if (typeof next === 'object') {
        this.count(next);
        this.phase = 'discarding';
        this.received++;
        // Others are noted by themselves.
        if (exchange.ends === null) exchange.noteEnd(exchange.tried[exchange.tried.length - 1], head.status);
        this.wait = next.wait;
        // What the application still sends would outgrow what is kept of it.
        if (!(exchange.body?.isComplete ?? true)) this.breakOff();
        return;
      }
      this.refuse(next);
      if (this.ends(next)) passed = marked(head);
    }
    this.phase = 'passing';
    this.reply.head(passed);
  }

  override data(chunk: Buffer): void {
    if (this.phase === 'passing') this.reply.data(chunk);
  }

  override flush(): void {
    if (this.phase === 'passing') return this.reply.flush();
    // The rest of it is not worth to be waited for.
    if (this.phase === 'discarding') this.breakOff();
  }

  override end(trailers: Fields | null): void {
    if (this.phase === 'discarding') return this.pauseAndGo(this.wait);
    this.uncount();
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    if (this.phase === 'discarding') return this.pauseAndGo(this.wait);
    if (this.phase !== 'attempting') return this.failWith(reason);
    if (!isRetriable(reason.kind)) {
      // The last endpoint has left while this waited for a connection to it.
      if (reason.kind === 'no-endpoint' && this.waits(reason) === true) return this.again();
      return this.failWith(reason);
    }
    if (!reason.reachedNobody) this.received++;
    const { service, exchange, started } = this;
    const isWanted = this.isWanted && service.conditions.isMetByFailure(reason);
    const next = isWanted
      ? service.afterFailure(exchange, reason, started, this.isNested, this.isCounted)
      : null;
    if (next !== null && typeof next === 'object') {
      this.count(next);
      return this.pauseAndGo(next.wait);
    }
    const waits = this.waits(reason);
    if (waits === true) return this.again();
    const last = started > 1 ? retryExhausted(reason, started) : reason;
    if (next === null) return this.failWith(last);
    const refusal = waits === 'budget' ? waits : next;
    this.refuse(refusal);
    this.failWith(notRetried(last, refusal, this.ends(refusal)));
  }

  private failWith(reason: Failure): void {
    this.uncount();
    this.reply.fail(reason);
  }

  private count({ isFree }: NextAttempt): void {
    if (isFree || this.isCounted) return;
    this.isCounted = true;
    this.service.options.budget.running++;
  }

  private uncount(): void {
    if (!this.isCounted) return;
    this.isCounted = false;
    this.service.options.budget.running--;
  }

  private breakOff(): void {
    this.current.cancel(failure('reset', 'The answer is followed by another attempt.'));
  }

  private get isWanted(): boolean {
    return this.service.options.settings.attempts > 1;
  }

  /** Whether whoever sent the request retries it already. */
  private get isNested(): boolean {
    return this.service.options.settings.oneLayer && outerAttempt(this.exchange) > 1;
  }

  /** Whether those above are told not to send it again either. A retry of their own is theirs to follow by another. */
  private ends(refusal: RetryRefusal): boolean {
    return this.service.options.settings.oneLayer && refusal !== 'nested';
  }

  private waits(reason: Failure): boolean | 'budget' {
    return this.service.waits(this.exchange, reason, this.received, this.isNested);
  }

  private refuse(refusal: RetryRefusal): void {
    this.service.options.counters.retriesRefused[refusal]++;
    this.exchange.retryRefused = refusal;
  }

  private pauseAndGo(wait: number): void {
    if (wait < 1) return this.again();
    const { wheel } = this.service.options;
    this.phase = 'pausing';
    this.current = ENDED_CALL;
    this.timer ??= new Timer(this);
    wheel.start(this.timer, wait, wheel.now());
  }

  private again(): void {
    if (this.service.options.settings.oneLayer) markFurtherAttempt(this.exchange);
    this.attempt();
  }
}

function marked(head: ResponseHead): ResponseHead {
  if (getField(head.fields, RETRY_FIELD) !== undefined) return head;
  return { ...head, fields: [...head.fields, ...EXHAUSTED] };
}
