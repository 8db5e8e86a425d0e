import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';

/** What an application's connection may be waiting for. */
export type Wait = 'use' | 'rest-of-head' | 'answer-after-half-close' | 'last-answer' | 'close';

/** Told when a wait has taken as long as it may. */
export interface DeadlineOwner {
  /** Whether an exchange is under way: then the connection does not count as unused. */
  readonly isBusy: boolean;
  onDeadline(wait: Wait): void;
}

/** Read anew each time: a new configuration may change it. */
interface IdleBounds {
  /** How long the connection may be unused, in ms. */
  readonly limits: { readonly idleTimeout: number };
}

/**
 * The one timer of an application's connection. That a connection is unused is judged by coarse time when the timer fires, so
 * that a request neither starts nor stops a timer.
 */
export class ConnectionDeadlines implements TimerOwner {
  private readonly owner: DeadlineOwner;
  private readonly wheel: TimerWheel;
  private readonly timer = new Timer(this);
  private readonly bounds: IdleBounds;
  private wait: Wait = 'use';
  private lastUse: number;

  constructor(owner: DeadlineOwner, wheel: TimerWheel, bounds: IdleBounds) {
    this.owner = owner;
    this.wheel = wheel;
    this.bounds = bounds;
    wheel.start(this.timer, bounds.limits.idleTimeout, wheel.now());
    this.lastUse = wheel.coarseNow;
  }

  /** Waits for something other than its next use, at most `ms`. Asking for the same again does not lengthen the wait. */
  begin(wait: Wait, ms: number): void {
    if (wait === this.wait) return;
    this.wait = wait;
    this.wheel.start(this.timer, ms, this.wheel.now());
  }

  /** The head is complete, or the exchange has ended. The timer runs on, and sees that when it fires. */
  used(): void {
    this.wait = 'use';
    this.lastUse = this.wheel.coarseNow;
  }

  stop(): void {
    this.wheel.stop(this.timer);
  }

  onTimer(): void {
    const idleFor = this.owner.isBusy ? 0 : this.wheel.coarseNow - this.lastUse;
    const { idleTimeout } = this.bounds.limits;
    if (this.wait !== 'use' || idleFor >= idleTimeout) return this.owner.onDeadline(this.wait);
    this.wheel.start(this.timer, idleTimeout - idleFor, this.wheel.now());
  }
}
