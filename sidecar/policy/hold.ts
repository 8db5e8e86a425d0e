import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Layer, type Reply, type Service } from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';

/** How requests are held. */
export interface HoldSettings {
  /** How long after the upstream became empty, in ms; above 0. */
  readonly ms: number;
  /** How many may wait for the upstream in all, for an endpoint or for a connection; more are refused. */
  readonly pending: number;
  /** For the person who reads the failure. */
  readonly upstream: string;
}

/**
 * Where requests wait for an upstream that has no endpoint: one whose last instance has just left and is about to be back, or
 * whose endpoints nobody has told of yet. One room per upstream, whatever becomes of its policy meanwhile.
 *
 * `empty` since a time, or `open`: nothing else is known here. The time counts from when the upstream became empty, not from
 * when a request came, so that one which stays empty fails at once.
 */
export class HoldRoom {
  private emptySince: number | null;
  /** Oldest first. */
  private readonly waiting = new Set<HeldCall>();

  /** @param now monotonic ms at which the upstream was made, with no endpoint yet */
  constructor(now: number) {
    this.emptySince = now;
  }

  /** Whether an attempt would find an endpoint. */
  get isOpen(): boolean {
    return this.emptySince === null;
  }

  /** The upstream's endpoints have changed. Lets those who wait go, in the order in which they came, if there is one now. */
  update(isEmpty: boolean, now: number): void {
    if (isEmpty) {
      this.emptySince ??= now;
      return;
    }
    this.emptySince = null;
    for (const call of this.waiting) {
      // What goes first may have changed the endpoints again.
      if (!this.isOpen) return;
      call.release();
    }
  }

  /** How many ms are left of `holdMs`; 0 and less: none. */
  left(holdMs: number, now: number): number {
    return this.emptySince === null ? 0 : this.emptySince + holdMs - now;
  }

  enter(call: HeldCall): void {
    this.waiting.add(call);
  }

  leave(call: HeldCall): void {
    this.waiting.delete(call);
  }
}

/**
 * Holds a request while the room is empty, as long as it may, instead of failing it with `no-endpoint`. Only what can still be
 * sent from its first byte on: what was sent in part went to somebody, and is for `retry` to judge.
 */
export function holdLayer(
  settings: HoldSettings,
  room: HoldRoom,
  counters: UpstreamCounters,
  wheel: TimerWheel,
): Layer {
  return next => new HoldService(next, settings, room, counters, wheel);
}

class HoldService implements Service {
  readonly next: Service;
  readonly settings: HoldSettings;
  readonly room: HoldRoom;
  readonly counters: UpstreamCounters;
  readonly wheel: TimerWheel;

  constructor(
    next: Service,
    settings: HoldSettings,
    room: HoldRoom,
    counters: UpstreamCounters,
    wheel: TimerWheel,
  ) {
    this.next = next;
    this.settings = settings;
    this.room = room;
    this.counters = counters;
    this.wheel = wheel;
  }

  call(exchange: Exchange, reply: Reply): Call {
    if (this.room.isOpen || !exchange.isReplayable) return this.next.call(exchange, reply);
    const now = this.wheel.now();
    const left = this.room.left(this.settings.ms, now);
    if (left <= 0) return this.next.call(exchange, reply);
    const { pending, upstream } = this.settings;
    if (this.counters.pendingWaiting >= pending) {
      this.counters.overflowed++;
      const waiting = `${this.counters.pendingWaiting} requests wait already (limits.pending)`;
      reply.fail(failure('overflow', `${upstream} has no endpoint right now and ${waiting}`, true));
      return ENDED_CALL;
    }
    return new HeldCall(this, exchange, reply, left, now);
  }
}

/** A request that waits, and then the attempt that it became. */
class HeldCall implements Call, TimerOwner {
  private readonly service: HoldService;
  private readonly exchange: Exchange;
  private readonly reply: Reply;
  private readonly timer = new Timer(this);
  /** Null while it waits. */
  private inner: Call | null = null;
  private isPaused = false;

  constructor(service: HoldService, exchange: Exchange, reply: Reply, leftMs: number, now: number) {
    this.service = service;
    this.exchange = exchange;
    this.reply = reply;
    service.room.enter(this);
    service.counters.held++;
    service.counters.pendingWaiting++;
    service.wheel.start(this.timer, leftMs, now);
  }

  /** There is an endpoint. */
  release(): void {
    this.leave();
    const call = this.service.next.call(this.exchange, this.reply);
    this.inner = call;
    if (this.isPaused) call.pause();
  }

  onTimer(): void {
    const { ms, upstream } = this.service.settings;
    this.leave();
    const detail = `${upstream} has had no endpoint for ${ms} ms (limits.hold); start an instance of it, or check its configuration`;
    this.reply.fail(failure('no-endpoint', detail, true));
  }

  pause(): void {
    this.isPaused = true;
    this.inner?.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.inner?.resume();
  }

  cancel(reason: Failure): void {
    if (this.inner !== null) return this.inner.cancel(reason);
    this.leave();
    this.reply.fail(reason);
  }

  private leave(): void {
    const { room, counters, wheel } = this.service;
    this.inner = ENDED_CALL;
    room.leave(this);
    counters.pendingWaiting--;
    wheel.stop(this.timer);
  }
}
