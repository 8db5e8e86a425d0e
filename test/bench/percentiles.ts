/** Percentiles of a set of latencies, in microseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Keeps every latency: a few million floats are cheaper than the error of any histogram's buckets. */
export class LatencyRecorder {
  private values = new Float32Array(1 << 16);
  private used = 0;

  record(us: number): void {
    if (this.used === this.values.length) {
      const grown = new Float32Array(this.values.length * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.used++] = us;
  }

  /** Null when nothing was recorded. */
  percentiles(): Percentiles | null {
    if (this.used === 0) return null;
    const sorted = this.values.subarray(0, this.used).sort();
    return {
      p50: quantile(sorted, 0.5),
      p90: quantile(sorted, 0.9),
      p99: quantile(sorted, 0.99),
      p999: quantile(sorted, 0.999),
      max: sorted[sorted.length - 1],
    };
  }
}

/** The smallest value that at least the share `q` of the values does not exceed (nearest rank). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new Error('no values');
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

/** The middle value, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
