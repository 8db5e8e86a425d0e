import type { TimerWheel } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import type { Attempt } from './attempt.ts';

/** Where those who wait are counted. */
type Waiting = Pick<UpstreamCounters, 'pendingWaiting'>;

/** Attempts that wait because a limit is reached, oldest first, each for a bounded time and counted meanwhile. */
export class PendingQueue {
  private readonly wheel: TimerWheel;
  private readonly counters: Waiting;
  private readonly attempts: Attempt[] = [];

  constructor(wheel: TimerWheel, counters: Waiting) {
    this.wheel = wheel;
    this.counters = counters;
  }

  get length(): number {
    return this.attempts.length;
  }

  /** Whoever has waited longest, or null. */
  get first(): Attempt | null {
    return this.attempts.length > 0 ? this.attempts[0] : null;
  }

  /** Lets an attempt wait in last place. @param ms how long at most; the attempt's own timer tells of it */
  push(attempt: Attempt, ms: number): void {
    this.insert(attempt, this.attempts.length, ms);
  }

  /** Lets an attempt wait in first place. */
  unshift(attempt: Attempt, ms: number): void {
    this.insert(attempt, 0, ms);
  }

  /** Takes whoever has waited longest out, or null. */
  shift(): Attempt | null {
    const { first } = this;
    if (first !== null) this.remove(first);
    return first;
  }

  /** Takes all out, oldest first. */
  empty(): Attempt[] {
    const all = [...this.attempts];
    for (const attempt of all) this.remove(attempt);
    return all;
  }

  /** Takes the attempt out, if it waits here. */
  remove(attempt: Attempt): void {
    const index = this.attempts.indexOf(attempt);
    if (index < 0) return;
    this.attempts.splice(index, 1);
    this.counters.pendingWaiting--;
    this.wheel.stop(attempt.timer);
  }

  private insert(attempt: Attempt, at: number, ms: number): void {
    attempt.noteQueued();
    this.attempts.splice(at, 0, attempt);
    this.counters.pendingWaiting++;
    this.wheel.start(attempt.timer, ms, this.wheel.now());
  }
}
