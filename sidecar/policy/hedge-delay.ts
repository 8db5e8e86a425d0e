import type { Policy } from '../../control-plane/contract/policy.ts';
import { Latencies } from '../io/latencies.ts';

/** A percentile by its name, or ms. */
type HedgeAfter = NonNullable<Policy['hedge']>['after'];

const PARTS = { p50: 0.5, p75: 0.75, p90: 0.9, p95: 0.95, p99: 0.99 } as const;

/** Half of what is remembered is forgotten in so many ms: what is older than 10 s hardly counts. */
const HALF_MS = 5_000;
/** The percentile is computed anew after so many ms. */
const STALE_MS = 100;
/** A percentile is known from so many answers on; and where one of them is beyond it. */
const ENOUGH = 20;

/**
 * How long the first attempt of a request may be silent before another one is sent beside it: a fixed time, or a percentile of how
 * long first attempts took in the last seconds (as in Dean and Barroso, The Tail at Scale, 2013, which proposes the 95th, so that
 * one request in twenty is sent twice). Up to a quarter too long, never too short.
 *
 * All times are monotonic ms.
 */
export class HedgeDelay {
  private after: HedgeAfter;
  private readonly latencies = new Latencies();
  private fadesAt = Number.NEGATIVE_INFINITY;
  /** The percentile, or null; and until when that is taken for it. */
  private known: number | null = null;
  private knownUntil = Number.NEGATIVE_INFINITY;

  constructor(after: HedgeAfter) {
    this.after = after;
  }

  /** Whether it wants to be told how long attempts take. */
  get learns(): boolean {
    return typeof this.after === 'string';
  }

  /** Another time, or percentile; what is known of latencies stays. */
  configure(after: HedgeAfter): void {
    if (after === this.after) return;
    this.after = after;
    this.knownUntil = Number.NEGATIVE_INFINITY;
  }

  /**
   * A first attempt was answered after `ms`, or had waited so long when another one was answered: were these left out, the percentile
   * would be one of the fast requests alone, and fall.
   */
  add(ms: number, now: number): void {
    this.fade(now);
    this.latencies.add(ms);
  }

  /** The time in ms; null while too few answers are known to tell the percentile. */
  at(now: number): number | null {
    if (typeof this.after === 'number') return this.after;
    if (now < this.knownUntil) return this.known;
    this.fade(now);
    this.knownUntil = now + STALE_MS;
    const part = PARTS[this.after];
    const isKnown = this.latencies.count >= Math.max(ENOUGH, 1 / (1 - part) - ROUNDING);
    this.known = isKnown ? this.latencies.quantile(part) : null;
    return this.known;
  }

  private fade(now: number): void {
    if (this.fadesAt === Number.NEGATIVE_INFINITY) this.fadesAt = now + HALF_MS;
    for (; now >= this.fadesAt && this.latencies.count > 0; this.fadesAt += HALF_MS) this.latencies.fade();
    if (now >= this.fadesAt) this.fadesAt = now + HALF_MS;
  }
}

/** 1 / (1 - 0.99) is a little more than 100. */
const ROUNDING = 1e-6;
