import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { WaitingCall } from '../exchange/waiting-call.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { AdaptiveLimit, type AdaptiveSettings } from './adaptive-limit.ts';
import { type Waiter, WaitingRoom } from './waiting-room.ts';

interface ConcurrencySettings {
  /** How many requests may be under way at once, 1 and more; or the bounds within which that is found out. */
  readonly max: number | AdaptiveSettings;
  /** How many more may wait for a place, and how long, in ms. */
  readonly pending: number;
  readonly pendingFor: number;
}

type Counters = Pick<UpstreamCounters, 'waitingForPlace' | 'overflowed' | 'shed' | 'concurrencyLimit'>;

/**
 * How many requests are under way to an upstream, and how many may be (a bulkhead); in front of it the {@link WaitingRoom} of those
 * that would be too many.
 */
export class ConcurrencyLimit implements TimerOwner {
  readonly room: WaitingRoom<WaitingForPlace>;
  readonly counters: Counters;
  readonly wheel: TimerWheel;
  inFlight = 0;
  /** Finds out the limit; null where it is told. */
  adaptive: AdaptiveLimit | null = null;
  private readonly timer = new Timer(this);
  private isFilling = false;

  constructor(settings: ConcurrencySettings, counters: Counters, wheel: TimerWheel) {
    this.room = new WaitingRoom(1, settings);
    this.counters = counters;
    this.wheel = wheel;
    this.configure(settings);
  }

  get max(): number {
    return this.room.places;
  }

  /** Changes the bounds; who is under way stays so, and who waits may get a place that is new. */
  configure({ max, pending, pendingFor }: ConcurrencySettings): void {
    this.room.settings = { pending, pendingFor };
    if (typeof max === 'number') {
      this.adaptive = null;
      // Nobody is left who would find out whether a lower limit is needed.
      this.room.decide(false, this.wheel.now());
    } else if (this.adaptive === null) this.adaptive = new AdaptiveLimit(max);
    else this.adaptive.configure(max);
    this.setPlaces(typeof max === 'number' ? max : (this.adaptive?.limit ?? max.max));
    if (this.room.length > 0) this.startTimer(this.wheel.now());
  }

  /** A request with a place is begun. @returns what the adaptive limit says that it belongs to; 0: nothing */
  onBegin(now: number): number {
    const { adaptive } = this;
    if (adaptive === null) return 0;
    const cohort = adaptive.onBegin(now, this.inFlight);
    if (adaptive.limit !== this.max) this.adapt(adaptive, now);
    return cohort;
  }

  /** A request that has a place was answered. @param cohort what the adaptive limit has said when it was begun */
  onAnswer(cohort: number, latency: number): void {
    const now = this.wheel.now();
    if (this.adaptive?.onAnswer(cohort, latency, now)) this.adapt(this.adaptive, now);
  }

  /** It ended otherwise. */
  onOther(cohort: number): void {
    const now = this.wheel.now();
    if (this.adaptive?.onOther(cohort, now)) this.adapt(this.adaptive, now);
  }

  /** Takes a place, unless all are taken or others wait for one. */
  take(now: number): boolean {
    if (this.room.length > 0) this.fill(now);
    if (this.inFlight >= this.max) return false;
    this.inFlight++;
    return true;
  }

  /** @param takenAt when the place was taken; null where that says nothing of how long places are taken */
  give(takenAt: number | null): void {
    const now = this.wheel.now();
    this.inFlight--;
    if (takenAt !== null) this.room.noteTaken(now - takenAt);
    if (this.room.length > 0) this.fill(now);
  }

  /** @returns false where too many wait already */
  enter(waiter: WaitingForPlace, now: number): boolean {
    if (!this.room.enter(waiter, now)) return false;
    this.counters.waitingForPlace++;
    if (!this.timer.isRunning) this.startTimer(now);
    return true;
  }

  leave(waiter: WaitingForPlace): void {
    this.room.leave(waiter);
    this.counters.waitingForPlace--;
  }

  onTimer(): void {
    const now = this.wheel.now();
    this.fill(now);
    if (this.room.length > 0) this.startTimer(now);
  }

  private adapt({ phase, limit }: AdaptiveLimit, now: number): void {
    if (phase === 'doubtful') this.room.doubt();
    else this.room.decide(phase === 'limited', now);
    this.setPlaces(limit);
  }

  private setPlaces(places: number): void {
    this.room.places = places;
    this.counters.concurrencyLimit = places;
    if (this.room.length > 0) this.fill(this.wheel.now());
  }

  /** Turns away who is overdue, and lets in as many as there are places. What is let in may end before this returns. */
  private fill(now: number): void {
    if (this.isFilling) return;
    this.isFilling = true;
    const { room, counters } = this;
    for (let late = room.overdue(now); late !== null; late = room.overdue(now)) {
      counters.overflowed++;
      const waited = now - late.enteredAt;
      if (waited < room.settings.pendingFor) counters.shed++;
      late.turnAway(waited);
    }
    while (this.inFlight < this.max) {
      const next = room.next(now);
      if (next === null) break;
      this.inFlight++;
      next.letIn(now);
    }
    this.isFilling = false;
  }

  /** Where much happens, `take` and `give` look sooner than the timer. */
  private startTimer(now: number): void {
    this.wheel.start(this.timer, this.room.checkIn(now), now);
  }
}

/**
 * Lets as many requests through at once as the limit has places, makes others wait for one, and refuses what would wait for too long.
 * Around the retries: a request that is tried again, or waits to be, keeps the place that it has.
 */
export function concurrencyLayer(limit: ConcurrencyLimit, upstream: string): Layer {
  return next => new LimitedService(next, limit, upstream);
}

class LimitedService implements Service {
  readonly next: Service;
  readonly limit: ConcurrencyLimit;
  private readonly upstream: string;

  constructor(next: Service, limit: ConcurrencyLimit, upstream: string) {
    this.next = next;
    this.limit = limit;
    this.upstream = upstream;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { limit } = this;
    const now = limit.wheel.now();
    if (limit.take(now)) return this.next.call(exchange, placed(exchange, reply, limit, now));
    const waiting = new WaitingForPlace(this, exchange, reply);
    if (limit.enter(waiting, now)) return waiting;
    limit.counters.overflowed++;
    reply.fail(this.refusal(null));
    return ENDED_CALL;
  }

  /** @param waited for how many ms it has waited; null: there is no room to wait in */
  refusal(waited: number | null): Failure {
    const { max, room } = this.limit;
    const setting = this.limit.adaptive === null ? 'limits.concurrency' : 'limits.concurrency: adaptive';
    const full = `All ${max} requests that may be under way to ${this.upstream} at once are (${setting})`;
    return failure('overflow', `${full}${why(room, waited)}.`, true);
  }
}

function why({ patience, settings, length }: ConcurrencyLimit['room'], waited: number | null): string {
  const { pending, pendingFor } = settings;
  if (waited === null) return pending === 0 ? '' : `, and ${length} more wait already (limits.pending)`;
  if (waited >= pendingFor) return `, and no place came free within ${pendingFor} ms (limits.pendingFor)`;
  return `, and so many come that none waits for longer than ${Math.ceil(patience)} ms`;
}

/** A request that waits for a place, and then has one. */
class WaitingForPlace extends WaitingCall implements Waiter<WaitingForPlace> {
  enteredAt = 0;
  line: Waiter<WaitingForPlace>['line'] = null;
  older: WaitingForPlace | null = null;
  newer: WaitingForPlace | null = null;
  private readonly service: LimitedService;

  constructor(service: LimitedService, exchange: Exchange, reply: Reply) {
    super(exchange, reply);
    this.service = service;
  }

  /** It has a place. */
  letIn(now: number): void {
    const { limit, next } = this.service;
    this.leave();
    this.goOn(next, placed(this.exchange, this.reply, limit, now));
  }

  /** It has waited for too long. */
  turnAway(waited: number): void {
    this.failWith(this.service.refusal(waited));
  }

  protected override failed(reason: Failure): void {
    if (reason.kind !== 'deadline') return super.failed(reason);
    super.failed({ ...reason, detail: `${reason.detail} It waited for a place (limits.concurrency).` });
  }

  protected override leave(): void {
    const { limit } = this.service;
    this.exchange.waited = limit.wheel.now() - this.enteredAt;
    limit.leave(this);
  }
}

function placed(exchange: Exchange, reply: Reply, limit: ConcurrencyLimit, now: number): PlacedReply {
  const cohort = limit.onBegin(now);
  return cohort === 0
    ? new PlacedReply(reply, limit, now)
    : new MeasuredReply(reply, limit, now, exchange, cohort);
}

class PlacedReply extends PassReply {
  protected readonly limit: ConcurrencyLimit;
  protected readonly takenAt: number;

  constructor(reply: Reply, limit: ConcurrencyLimit, takenAt: number) {
    super(reply);
    this.limit = limit;
    this.takenAt = takenAt;
  }

  override end(trailers: Fields | null): void {
    this.limit.give(this.takenAt);
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    // That does not tell how long the upstream takes: an open breaker refuses within microseconds.
    this.limit.give(reason.reachedNobody ? null : this.takenAt);
    this.reply.fail(reason);
  }
}

/** Tells the adaptive limit how long the upstream took, where that says something about it. */
class MeasuredReply extends PlacedReply {
  private readonly exchange: Exchange;
  private cohort: number;

  constructor(reply: Reply, limit: ConcurrencyLimit, takenAt: number, exchange: Exchange, cohort: number) {
    super(reply, limit, takenAt);
    this.exchange = exchange;
    this.cohort = cohort;
  }

  override head(head: ResponseHead): void {
    const { attempts, waitsSince } = this.exchange;
    // Failures may be fast, and what was held or sent again was not under way all the time.
    if (head.status < 500 && attempts <= 1 && waitsSince === null) {
      const { cohort, limit } = this;
      this.cohort = 0;
      limit.onAnswer(cohort, limit.wheel.now() - this.takenAt);
    }
    this.reply.head(head);
  }

  override end(trailers: Fields | null): void {
    this.noteOther();
    super.end(trailers);
  }

  override fail(reason: Failure): void {
    this.noteOther();
    super.fail(reason);
  }

  private noteOther(): void {
    if (this.cohort !== 0) this.limit.onOther(this.cohort);
  }
}
