import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Layer, type Reply, type Service } from '../exchange/service.ts';
import { WaitingCall } from '../exchange/waiting-call.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import type { HoldRoom, Waiting } from './hold-room.ts';

/** How requests are held. */
interface HoldSettings {
  /** How long after the upstream was left without an endpoint that can be connected to, in ms; above 0. */
  readonly ms: number;
  /** How many may wait for the upstream in all, for an endpoint or for a connection; more are refused. */
  readonly pending: number;
  /** For the person who reads the failure. */
  readonly upstream: string;
  /** Why no endpoint can be connected to, as far as that is known. */
  readonly loss: () => Failure | null;
  /** What to do where there is no endpoint, a sentence. */
  readonly remedy: () => string;
}

/**
 * Holds a request while there is nobody to send it to, as long as it may, instead of failing it. Only what can still be sent from
 * its first byte on: what was sent in part went to somebody, and is for `retry` to judge.
 */
export class Hold {
  readonly settings: HoldSettings;
  readonly room: HoldRoom;
  readonly counters: UpstreamCounters;
  readonly wheel: TimerWheel;

  constructor(settings: HoldSettings, room: HoldRoom, counters: UpstreamCounters, wheel: TimerWheel) {
    this.settings = settings;
    this.room = room;
    this.counters = counters;
    this.wheel = wheel;
  }

  readonly layer: Layer = next => new HoldService(next, this);

  /**
   * Makes the exchange wait, at its next call, until an endpoint can be connected to.
   * @param reason what the last attempt ended in
   * @returns false where it has waited, or the upstream was lost, for as long as may be
   */
  take(exchange: Exchange, reason: Failure): boolean {
    const now = this.wheel.now();
    exchange.waitsSince ??= now;
    if (this.left(exchange, now) <= 0) return false;
    exchange.waitsFor = reason;
    return true;
  }

  left(exchange: Exchange, now: number): number {
    return this.room.left(this.settings.ms, now, exchange.waitsSince);
  }
}

class HoldService implements Service {
  readonly next: Service;
  private readonly hold: Hold;

  constructor(next: Service, hold: Hold) {
    this.next = next;
    this.hold = hold;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { hold } = this;
    if ((hold.room.isOpen && exchange.waitsFor === null) || !exchange.isReplayable) {
      return this.next.call(exchange, reply);
    }
    const reason = exchange.waitsFor;
    exchange.waitsFor = null;
    const now = hold.wheel.now();
    const left = hold.left(exchange, now);
    if (left <= 0) return this.next.call(exchange, reply);
    const { counters, settings, room } = hold;
    if (counters.pendingWaiting >= settings.pending) {
      counters.overflowed++;
      const waiting = `${counters.pendingWaiting} requests wait already (limits.pending).`;
      const lacks = room.isEmpty ? 'has no endpoint' : 'can not be connected to';
      reply.fail(failure('overflow', `${settings.upstream} ${lacks} right now and ${waiting}`, true));
      return ENDED_CALL;
    }
    const held = new HeldCall(this.next, hold, exchange, reply, reason);
    held.enter(left, now);
    return held;
  }
}

/** A request that waits, and then the attempt that it became. */
class HeldCall extends WaitingCall implements TimerOwner, Waiting {
  private readonly next: Service;
  private readonly hold: Hold;
  /** What the attempt before ended in; null where there was none. */
  private readonly reason: Failure | null;
  private readonly timer = new Timer(this);

  constructor(next: Service, hold: Hold, exchange: Exchange, reply: Reply, reason: Failure | null) {
    super(exchange, reply);
    this.next = next;
    this.hold = hold;
    this.reason = reason;
  }

  get startedAt(): number {
    return this.exchange.startedAt;
  }

  enter(leftMs: number, now: number): void {
    const { room, counters, wheel } = this.hold;
    counters.held++;
    counters.pendingWaiting++;
    wheel.start(this.timer, leftMs, now);
    room.enter(this);
  }

  release(): void {
    this.leave();
    this.goOn(this.next);
  }

  onTimer(): void {
    this.giveUp();
  }

  giveUp(): void {
    this.failWith(this.nobody());
  }

  protected override failed(reason: Failure): void {
    if (reason.kind !== 'deadline') return super.failed(reason);
    super.failed({ ...reason, detail: `${reason.detail} It was held (limits.hold). ${this.why()}` });
  }

  private nobody(): Failure {
    const { ms, upstream } = this.hold.settings;
    const lacks = this.hold.room.isEmpty ? 'no endpoint' : 'no endpoint that can be connected to';
    const detail = `${upstream} has had ${lacks} for ${ms} ms (limits.hold). ${this.why()}`;
    return failure('no-endpoint', detail, this.reason?.reachedNobody ?? true);
  }

  /** A sentence on what is missing. */
  private why(): string {
    const { room, settings } = this.hold;
    if (room.isEmpty) return settings.remedy();
    return settings.loss()?.detail ?? this.reason?.detail ?? 'An endpoint was looked for.';
  }

  protected override leave(): void {
    const { room, counters, wheel } = this.hold;
    counters.pendingWaiting--;
    wheel.stop(this.timer);
    room.leave(this);
  }
}
