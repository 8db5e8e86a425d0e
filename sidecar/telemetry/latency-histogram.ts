/** Upper bounds of the buckets in milliseconds, inclusive; what is above the last one is counted in a bucket of its own. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];

/** Counts durations by bucket. Plain numbers: to observe is a few compares and two additions, nothing is allocated. */
export class LatencyHistogram {
  /** How many durations fell into each bucket (not cumulative); one more bucket than there are bounds. */
  readonly counts = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  /** All durations together, in milliseconds. */
  sumMs = 0;

  /** @param ms a duration in milliseconds, 0 or more */
  observe(ms: number): void {
    // Most durations are in the first buckets: a scan from below beats a binary search.
    let bucket = 0;
    while (bucket < BOUNDS.length && ms > BOUNDS[bucket]) bucket++;
    this.counts[bucket]++;
    this.sumMs += ms;
  }

  /** How many durations were observed. */
  get count(): number {
    let count = 0;
    for (const inBucket of this.counts) count += inBucket;
    return count;
  }
}

const BOUNDS = Float64Array.from(LATENCY_BOUNDS_MS);
