/** Each bucket is this much wider than the one before, so a percentile is off by 2 % at most. */
const GROWTH = 1.02;
const SMALLEST_MS = 0.05;
/** The last bucket begins at 66 s. */
const BUCKETS = 713;

/** How long things took, kept in buckets of fixed relative width: the memory does not grow with what is recorded. */
export class Latencies {
  private readonly buckets = new Uint32Array(BUCKETS);
  private recorded = 0;
  private longest = 0;

  get count(): number {
    return this.recorded;
  }

  /** Milliseconds; 0 where nothing was recorded. */
  get max(): number {
    return this.longest;
  }

  record(ms: number): void {
    const bucket =
      ms <= SMALLEST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / SMALLEST_MS) / Math.log(GROWTH)));
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    this.recorded += 1;
    this.longest = Math.max(this.longest, ms);
  }

  /**
   * The time within which this share of all was done.
   * @param share above 0, up to 1: 0.99 is p99
   * @returns milliseconds; 0 where nothing was recorded
   */
  percentile(share: number): number {
    let left = Math.ceil(share * this.recorded);
    if (left === 0) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.buckets[bucket] ?? 0;
      if (left <= 0) return Math.min(this.longest, SMALLEST_MS * GROWTH ** bucket);
    }
    return this.longest;
  }

  /** Takes over all that `other` has. */
  add(other: Latencies): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.buckets[bucket] = (this.buckets[bucket] ?? 0) + (other.buckets[bucket] ?? 0);
    }
    this.recorded += other.recorded;
    this.longest = Math.max(this.longest, other.longest);
  }
}
