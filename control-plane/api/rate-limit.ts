/** Calls that one address may make, as a bucket that fills with time. */
export interface RateLimitSettings {
  /** Calls a second that may go on for ever. */
  readonly perSecond: number;
  /** Calls that may come at once. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** Monotonic ms. */
  filledAt: number;
}

/** Buckets are looked through for full ones when there are more than this. */
const MANY = 10_000;

/** Bounds the calls of each address, so that one that runs wild does not take the API from the others. */
export class RateLimit {
  private readonly settings: RateLimitSettings;
  private readonly buckets = new Map<string, Bucket>();

  constructor(settings: RateLimitSettings) {
    this.settings = settings;
  }

  /** @param now monotonic ms @returns after how many seconds to come again; null: the call may be made */
  take(address: string, now: number): number | null {
    const { perSecond, burst } = this.settings;
    let bucket = this.buckets.get(address);
    if (bucket === undefined) {
      if (this.buckets.size >= MANY) this.forgetFull(now);
      bucket = { tokens: burst, filledAt: now };
      this.buckets.set(address, bucket);
    }
    bucket.tokens = this.fill(bucket, now);
    bucket.filledAt = now;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return null;
    }
    return Math.ceil((1 - bucket.tokens) / perSecond);
  }

  private fill({ tokens, filledAt }: Bucket, now: number): number {
    const { perSecond, burst } = this.settings;
    return Math.min(burst, tokens + ((now - filledAt) / 1000) * perSecond);
  }

  private forgetFull(now: number): void {
    for (const [address, bucket] of this.buckets) {
      if (this.fill(bucket, now) >= this.settings.burst) this.buckets.delete(address);
    }
    // Whoever has that many addresses is not to fill the memory with them.
    if (this.buckets.size >= MANY) this.buckets.clear();
  }
}
