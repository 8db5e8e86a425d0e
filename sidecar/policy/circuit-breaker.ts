import { isDeepStrictEqual } from 'node:util';
import type { BREAKER_STATES } from '../telemetry/counters.ts';
import { type CallWindow, createWindow, type WindowSize, type WindowTotals } from './call-window.ts';

/** When a circuit breaker opens, and how it tries again. Durations in ms, rates from 0 to 1. */
export interface BreakerSettings {
  readonly window: WindowSize;
  /** Calls in the window below which it stays closed; of a window of calls no more than it has. */
  readonly minimumCalls: number;
  /** It opens at this part of failed calls, and at that of slow ones. */
  readonly failureRate: number;
  readonly slowCallRate: number;
  /** A call that takes longer is slow. */
  readonly slowCall: number;
  /** How long it stays open. */
  readonly openFor: number;
  /** What that is multiplied by each time it opens again without having closed, 1 and more; and what it grows to at most. */
  readonly openForGrowth: number;
  readonly openForMax: number;
  /** Calls that are let through to try. */
  readonly halfOpenCalls: number;
  /** How long such a call may go without a result until another one is let through in its place. */
  readonly permitFor: number;
  /** Over which time the part of calls that is let through grows to all of them again once it has closed; 0: at once. */
  readonly rampUp: number;
  /** What it is held at whatever happens; null: nothing. `off` counts nothing either. */
  readonly forced: 'open' | 'closed' | 'off' | null;
}

/** As Resilience4j names them: `open` lets nothing through, `half-open` a few calls to try, the others everything. */
type BreakerState = (typeof BREAKER_STATES)[number];

/** How a call ended. `ignored` says nothing about the upstream: it was not sent, or nobody waited for its answer. */
export type BreakerResult = 'success' | 'failure' | 'ignored';

/** What a call may be made with; they count up. */
export type Permit = number;

/** No call is to be made. */
export const REFUSED: Permit = -1;

/** The last change of state, and the numbers that led to it. */
export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** Monotonic ms. */
  readonly at: number;
  /** The calls that were judged; zeros where it was not calls that changed it. */
  readonly calls: WindowTotals;
}

/** How long it usually takes at most, in ms, until it is known what becomes of the calls that are tried. */
const TRIAL_MS = 1_000;

/** No calls were judged. */
export const NO_CALLS: WindowTotals = { calls: 0, failed: 0, slow: 0 };

/**
 * A circuit breaker: stops the calls to an upstream that mostly fails or is mostly slow, and tries a few after a while. The states
 * and their changes are those of Resilience4j's CircuitBreaker (resilience4j.readme.io/docs/circuitbreaker). Three things differ:
 * a result that comes after the state has changed is not counted (there it counts in the state it comes in); a call that was let
 * through to try and has no result in time does not hold it half-open; and it opens again as soon as no further result could
 * close it.
 */
export class CircuitBreaker {
  private settings: BreakerSettings;
  private readonly random: () => number;
  private readonly onChange: (change: BreakerChange) => void;
  private window: CallWindow;
  private current: 'closed' | 'open' | 'half-open' = 'closed';
  /** The first permit since the last change of state: what was begun under an earlier one is not counted. */
  private first: Permit = 0;
  private last: Permit = 0;
  private openUntil = 0;
  /** How often it has opened without having closed. */
  private openings = 0;
  private closedAt = Number.NEGATIVE_INFINITY;
  /** The calls that were let through to try, and when they lose their place; oldest first. */
  private readonly trials = new Map<Permit, number>();
  private change: BreakerChange | null = null;

  /** @param random from 0 to below 1, for what is let through while it ramps up */
  constructor(settings: BreakerSettings, random: () => number, onChange: (change: BreakerChange) => void) {
    this.settings = settings;
    this.random = random;
    this.onChange = onChange;
    this.window = createWindow(settings.window);
  }

  /** What it is at now. One that could try again is `half-open` from the next call on. */
  get state(): BreakerState {
    const { forced } = this.settings;
    if (forced === null) return this.current;
    return forced === 'off' ? 'off' : `forced-${forced}`;
  }

  /** The last change; null where there was none. */
  get lastChange(): BreakerChange | null {
    return this.change;
  }

  /** The calls that will be judged. */
  totals(now: number): WindowTotals {
    return this.window.totals(now);
  }

  /** How long, in ms, until calls may be let through again; 0 where they are. While some are tried, a guess. */
  retryAfter(now: number): number {
    if (this.settings.forced === 'open') return this.settings.openFor;
    if (this.settings.forced !== null) return 0;
    if (this.current === 'open') return Math.max(0, this.openUntil - now);
    if (this.current === 'closed' || this.hasRoom(now)) return 0;
    const [oldest = now] = this.trials.values();
    return Math.min(oldest - now, TRIAL_MS);
  }

  /** Takes other settings over. What was counted is forgotten only where it would be counted otherwise. */
  configure(settings: BreakerSettings, now: number): void {
    const before = this.state;
    const windowBefore = this.windowSize;
    this.settings = settings;
    if (before !== this.state) {
      // A hand on the breaker ends what was going on: once it is let go it begins anew.
      this.enter('closed');
      this.openings = 0;
      this.closedAt = Number.NEGATIVE_INFINITY;
      this.tell({ from: before, to: this.state, at: now, calls: NO_CALLS });
    } else if (!isDeepStrictEqual(windowBefore, this.windowSize)) {
      this.enter(this.current);
    }
    if (this.current === 'open') this.openUntil = Math.min(this.openUntil, now + this.openMs);
  }

  /** Whether a call that takes so long, in ms, is slow. */
  isSlow(ms: number): boolean {
    return ms > this.settings.slowCall;
  }

  /** Asks whether a call may be made. @returns what to give its result with, or {@link REFUSED} */
  tryAcquire(now: number): Permit {
    const { forced } = this.settings;
    if (forced !== null) return forced === 'open' ? REFUSED : this.first;
    if (this.current === 'closed') return this.isRampedUp(now) ? this.first : REFUSED;
    if (this.current === 'open') {
      if (now < this.openUntil) return REFUSED;
      this.moveTo('half-open', now, NO_CALLS);
    }
    if (!this.hasRoom(now)) return REFUSED;
    this.trials.set(++this.last, now + this.settings.permitFor);
    return this.last;
  }

  /**
   * A call has ended. To be told once for each permit.
   * @param ms how long it took
   */
  onResult(permit: Permit, result: BreakerResult, ms: number, now: number): void {
    const { forced } = this.settings;
    if (permit < this.first || forced === 'off') return;
    const hasLostPlace = this.current === 'half-open' && !this.trials.delete(permit);
    if (result === 'ignored' || hasLostPlace) return;
    this.window.add(result === 'failure', this.isSlow(ms), now);
    if (forced !== null) return;
    if (this.current === 'half-open') this.judgeTrials(now);
    else this.judge(now);
  }

  private judge(now: number): void {
    const { window, minimumCalls, failureRate, slowCallRate } = this.settings;
    const enough = window.kind === 'calls' ? Math.min(minimumCalls, window.calls) : minimumCalls;
    const totals = this.window.totals(now);
    if (totals.calls < enough) return;
    if (totals.failed / totals.calls >= failureRate || totals.slow / totals.calls >= slowCallRate) {
      this.open(now, totals);
    }
  }

  private judgeTrials(now: number): void {
    const { halfOpenCalls, failureRate, slowCallRate } = this.settings;
    const totals = this.window.totals(now);
    const { calls, failed, slow } = totals;
    // Of all that will be let through: what has failed by now has failed whatever follows.
    if (failed / halfOpenCalls >= failureRate || slow / halfOpenCalls >= slowCallRate) {
      return this.open(now, totals);
    }
    if (calls < halfOpenCalls) return;
    this.openings = 0;
    this.closedAt = now;
    this.moveTo('closed', now, totals);
  }

  private open(now: number, totals: WindowTotals): void {
    this.openings++;
    this.openUntil = now + this.openMs;
    this.moveTo('open', now, totals);
  }

  /** How long it stays open this time. */
  private get openMs(): number {
    const { openFor, openForGrowth, openForMax } = this.settings;
    return Math.min(openFor * openForGrowth ** (this.openings - 1), Math.max(openFor, openForMax));
  }

  private moveTo(to: 'closed' | 'open' | 'half-open', now: number, calls: WindowTotals): void {
    const from = this.current;
    this.enter(to);
    this.tell({ from, to, at: now, calls });
  }

  private enter(state: 'closed' | 'open' | 'half-open'): void {
    this.current = state;
    this.first = ++this.last;
    this.trials.clear();
    this.window = createWindow(this.windowSize);
  }

  private get windowSize(): WindowSize {
    const { window, halfOpenCalls } = this.settings;
    return this.current === 'half-open' ? { kind: 'calls', calls: halfOpenCalls } : window;
  }

  private tell(change: BreakerChange): void {
    this.change = change;
    this.onChange(change);
  }

  /** Whether another call may be let through to try. */
  private hasRoom(now: number): boolean {
    const { trials, settings } = this;
    for (const [permit, until] of trials) {
      if (until > now) break;
      trials.delete(permit);
    }
    return trials.size + this.window.totals(now).calls < settings.halfOpenCalls;
  }

  private isRampedUp(now: number): boolean {
    const { rampUp } = this.settings;
    const since = now - this.closedAt;
    return since >= rampUp || this.random() < since / rampUp;
  }
}
