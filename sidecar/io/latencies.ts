/** Buckets per octave. */
const PARTS = 4;
/** Latencies are counted in units of so many milliseconds; those below are one. */
const UNIT_MS = 1 / 8;
const BUCKETS = 32 * PARTS;

/**
 * How long recent answers took: counts in buckets that grow by a quarter, of which half is forgotten at each {@link fade}. To add
 * one costs a few operations on integers; what a quantile costs is paid when one is asked for.
 */
export class Latencies {
  private readonly counts = new Float64Array(BUCKETS);
  private sum = 0;

  /** How many are remembered; what has faded counts in part. */
  get count(): number {
    return this.sum;
  }

  /** @param ms 0 and more */
  add(ms: number): void {
    const units = Math.min(ms / UNIT_MS, 2 ** 30) | 0;
    const octave = 31 - Math.clz32(units | 1);
    const part = octave < 2 ? 0 : (units >> (octave - 2)) & (PARTS - 1);
    this.counts[octave * PARTS + part]++;
    this.sum++;
  }

  /** The latency that the given part of answers did not exceed, in ms, up to a quarter too long; 0 where there is none. */
  quantile(part: number): number {
    let left = this.sum * part;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.counts[bucket];
      if (left <= 0 && this.counts[bucket] > 0) return upperBound(bucket);
    }
    return 0;
  }

  /** Half of what is remembered is forgotten. */
  fade(): void {
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const left = this.counts[bucket] / 2;
      // So little counts for nothing, and must not stay for ever.
      this.counts[bucket] = left < 0.01 ? 0 : left;
      sum += this.counts[bucket];
    }
    this.sum = sum;
  }
}

function upperBound(bucket: number): number {
  const octave = Math.floor(bucket / PARTS);
  const part = bucket % PARTS;
  return (octave < 2 ? 2 ** (octave + 1) : 2 ** octave * (1 + (part + 1) / PARTS)) * UNIT_MS;
}
