import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure, OUTRUN } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { HedgeRefusal, UpstreamCounters } from '../telemetry/counters.ts';
import { markFurtherAttempt, outerAttempt } from './attempt-number.ts';
import { mayBeDoneTwice } from './done-twice.ts';
import type { HedgeDelay } from './hedge-delay.ts';
import type { RetryBudget } from './retry-budget.ts';
import { RetryConditions } from './retry-conditions.ts';

/** Where a further attempt could go while others are under way. */
export interface Spares {
  /** Whether there is an endpoint of use that the exchange was not sent to yet. */
  hasSpare(exchange: Exchange): boolean;
}

interface HedgeOptions {
  /** How many further attempts there may be beside the first. */
  readonly max: number;
  readonly retry: Pick<Policy['retry'], 'attempts' | 'on' | 'methods' | 'oneLayer'>;
  readonly delay: HedgeDelay;
  readonly spares: Spares;
  readonly budget: RetryBudget;
  readonly counters: UpstreamCounters;
  readonly wheel: TimerWheel;
}

/**
 * Sends a request to a further endpoint while the first one is silent for longer than is usual, and takes the answer that comes first;
 * the other attempts are cancelled (hedged requests: Dean and Barroso, The Tail at Scale, 2013; gRPC's retry design A6, `hedgingPolicy`).
 * As there, an attempt that fails, or is answered by what a retry would follow, is no failure of the whole while another is under way;
 * unlike there, it is made only where doing a request twice is the same as doing it once, and within the retry budget.
 */
export function hedgeLayer(options: HedgeOptions): Layer {
  return next => new HedgeService(next, options);
}

class HedgeService implements Service {
  readonly next: Service;
  readonly options: HedgeOptions;
  readonly conditions: RetryConditions;

  constructor(next: Service, options: HedgeOptions) {
    this.next = next;
    this.options = options;
    this.conditions = new RetryConditions(options.retry.on);
  }

  call(exchange: Exchange, reply: Reply): Call {
    const mayBeSent = exchange.isIdempotent && mayBeDoneTwice(exchange, this.options.retry.methods);
    if (!mayBeSent || !exchange.isReplayable) return this.next.call(exchange, reply);
    const call = new HedgedCall(this, exchange, reply);
    call.begin();
    return call;
  }

  /** Why the exchange, which has all of its body, gets no further attempt now; null where it does. */
  refusal(exchange: Exchange, now: number): HedgeRefusal | null {
    const { retry, spares, budget } = this.options;
    if (exchange.attempts >= retry.attempts) return 'attempts';
    if (retry.oneLayer && outerAttempt(exchange) > 1) return 'nested';
    if (!exchange.isReplayable) return 'body';
    if (!spares.hasSpare(exchange)) return 'no-other';
    if (exchange.timeLeft(now) <= 0) return 'deadline';
    return budget.take(now) ? null : 'budget';
  }
}

class HedgedCall implements Call, TimerOwner {
  private readonly service: HedgeService;
  private readonly exchange: Exchange;
  private readonly reply: Reply;
  private readonly legs: Leg[] = [];
  private readonly timer = new Timer(this);
  /** Monotonic ms. */
  private readonly begunAt: number;
  /** How long the latest attempt may be silent, in ms. */
  private delay = 0;
  /** Attempts that may still be answered. */
  private racing = 0;
  private winner: Leg | null = null;
  /** What it was cancelled with before it had an answer, or null. */
  private cancelled: Failure | null = null;
  /** What is told if all fail. */
  private worst: Failure | null = null;
  private reachedNobody = true;
  private isPaused = false;

  constructor(service: HedgeService, exchange: Exchange, reply: Reply) {
    this.service = service;
    this.exchange = exchange;
    this.reply = reply;
    this.begunAt = service.options.wheel.now();
  }

  begin(): void {
    const { delay, wheel } = this.service.options;
    const { begunAt } = this;
    const ms = delay.at(begunAt);
    if (ms !== null) {
      this.delay = ms;
      wheel.start(this.timer, ms, begunAt);
    }
    this.send();
  }

  onTimer(): void {
    const { service, exchange } = this;
    const { wheel, counters, max } = service.options;
    const now = wheel.now();
    const left = this.left(now);
    if (left > 0) return wheel.start(this.timer, left, now);
    const refusal = service.refusal(exchange, now);
    if (refusal !== null) {
      counters.hedgesRefused[refusal]++;
      return;
    }
    counters.hedges++;
    exchange.hedges++;
    if (service.options.retry.oneLayer) markFurtherAttempt(exchange);
    if (this.legs.length < max) wheel.start(this.timer, this.delay, now);
    this.send();
  }

  pause(): void {
    this.isPaused = true;
    for (const leg of this.legs) leg.call.pause();
  }

  resume(): void {
    this.isPaused = false;
    for (const leg of this.legs) leg.call.resume();
  }

  cancel(reason: Failure): void {
    if (this.winner !== null) return this.winner.call.cancel(reason);
    if (this.racing === 0) return;
    this.cancelled = reason;
    this.stopTimer();
    // The first one tells of it.
    let teller: Leg | null = null;
    for (const leg of this.legs) {
      if (teller === null && leg.isRacing) teller = leg;
      else this.giveUp(leg, reason);
    }
    teller?.call.cancel(reason);
  }

  // What attempts tell.

  onInformational(leg: Leg, head: ResponseHead): void {
    if (leg.isRacing) this.reply.informational(head);
  }

  onHead(leg: Leg, head: ResponseHead): void {
    if (!leg.isRacing) return;
    if (head.status < 500) this.learn(leg);
    if (this.racing > 1 && this.service.conditions.isMetByAnswer(head)) return this.drop(leg);
    this.stopTimer();
    this.winner = leg;
    leg.isRacing = false;
    this.racing--;
    if (leg !== this.legs[0]) {
      this.service.options.counters.hedgesWon++;
      if (this.legs[0].isRacing) this.learn(this.legs[0]);
    }
    for (const other of this.legs) if (other !== leg) this.giveUp(other, OUTRUN);
    this.reply.head(head);
  }

  onData(leg: Leg, chunk: Buffer): void {
    if (leg === this.winner) this.reply.data(chunk);
  }

  onFlush(leg: Leg): void {
    if (leg === this.winner) return this.reply.flush();
    // The rest of it is not worth to be waited for.
    this.giveUp(leg, OUTRUN);
  }

  onEnd(leg: Leg, trailers: Fields | null): void {
    if (leg === this.winner) this.reply.end(trailers);
  }

  onFail(leg: Leg, reason: Failure): void {
    if (leg === this.winner) return this.reply.fail(reason);
    if (!leg.isRacing) return;
    leg.isRacing = false;
    this.racing--;
    if (!reason.reachedNobody) this.reachedNobody = false;
    // What the sidecar refused tells less than what an endpoint did.
    if (this.worst === null || FAILURES[reason.kind].blamesEndpoint) this.worst = reason;
    if (this.racing > 0) return;
    this.stopTimer();
    for (const other of this.legs) this.giveUp(other, OUTRUN);
    const told = this.cancelled === null ? this.worst : reason;
    this.reply.fail(told.reachedNobody === this.reachedNobody ? told : { ...told, reachedNobody: false });
  }

  private send(): void {
    const leg = new Leg(this);
    this.legs.push(leg);
    this.racing++;
    const call = this.service.next.call(this.exchange, leg);
    if (leg.isEnded) return;
    leg.call = call;
    // It was overtaken, or all was cancelled, while it began.
    if (!leg.isRacing && leg !== this.winner) call.cancel(this.cancelled ?? OUTRUN);
    else if (this.cancelled !== null && this.winner === null) call.cancel(this.cancelled);
    else if (this.isPaused) call.pause();
  }

  /** How long the latest attempt may still be silent, in ms, although its time is over. */
  private left(now: number): number {
    // Nobody is silent while it waits for somebody to be sent to.
    return this.exchange.tried.length === 0 ? this.delay : this.exchange.leftOf(this.delay, now);
  }

  /** A further attempt's answer is one that retries would follow: the others may do better. */
  private drop(leg: Leg): void {
    leg.isRacing = false;
    this.racing--;
    this.reachedNobody = false;
  }

  private giveUp(leg: Leg, reason: Failure): void {
    if (leg.isRacing) {
      leg.isRacing = false;
      this.racing--;
    }
    if (!leg.isEnded) leg.call.cancel(reason);
  }

  /** Notes how long the first attempt took, or has taken so far. */
  private learn(leg: Leg): void {
    const { delay, wheel } = this.service.options;
    if (leg !== this.legs[0] || !delay.learns) return;
    const { body } = this.exchange;
    if (body !== null && !body.isComplete) return;
    const now = wheel.now();
    const begunAt = body === null ? this.begunAt : Math.max(this.begunAt, body.completedAt);
    delay.add(Math.max(0, now - begunAt), now);
  }

  private stopTimer(): void {
    this.service.options.wheel.stop(this.timer);
  }
}

/** One of the attempts of an exchange that are under way at once. */
class Leg implements Reply {
  call: Call = ENDED_CALL;
  /** May still win. */
  isRacing = true;
  isEnded = false;
  private readonly hedged: HedgedCall;

  constructor(hedged: HedgedCall) {
    this.hedged = hedged;
  }

  informational(head: ResponseHead): void {
    this.hedged.onInformational(this, head);
  }

  head(head: ResponseHead): void {
    this.hedged.onHead(this, head);
  }

  data(chunk: Buffer): void {
    this.hedged.onData(this, chunk);
  }

  flush(): void {
    this.hedged.onFlush(this);
  }

  end(trailers: Fields | null): void {
    this.isEnded = true;
    this.hedged.onEnd(this, trailers);
  }

  fail(reason: Failure): void {
    this.isEnded = true;
    this.hedged.onFail(this, reason);
  }
}
