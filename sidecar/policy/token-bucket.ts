/** How fast a bucket fills, and how much it holds. */
interface BucketSettings {
  /** Tokens per ms, above 0. */
  readonly rate: number;
  /** Tokens that it holds at most, 1 and more. */
  readonly burst: number;
}

/** A token bucket (RFC 2697 section 1 calls it so): it fills at a steady rate up to what it holds, and each request takes a token out. */
export class TokenBucket {
  private settings: BucketSettings;
  private tokens: number;
  /** Monotonic ms at which it was filled last. */
  private filledAt: number;

  /** Begins full. */
  constructor(settings: BucketSettings, now: number) {
    this.settings = settings;
    this.tokens = settings.burst;
    this.filledAt = now;
  }

  /** Takes other settings over; what is in it stays, as far as it fits. */
  configure(settings: BucketSettings, now: number): void {
    this.fill(now);
    this.settings = settings;
    this.tokens = Math.min(this.tokens, settings.burst);
  }

  /** Takes a token. @returns 0, or where there is none in how many ms there will be one */
  take(now: number): number {
    this.fill(now);
    if (this.tokens < 1) return (1 - this.tokens) / this.settings.rate;
    this.tokens--;
    return 0;
  }

  private fill(now: number): void {
    const { rate, burst } = this.settings;
    if (now <= this.filledAt) return;
    this.tokens = Math.min(burst, this.tokens + (now - this.filledAt) * rate);
    this.filledAt = now;
  }
}

/** A bucket for each key, such as a header's value: for so many keys that were used last. One that is forgotten begins full again. */
export class KeyedBuckets {
  private settings: BucketSettings;
  private readonly maxKeys: number;
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(settings: BucketSettings, maxKeys: number) {
    this.settings = settings;
    this.maxKeys = maxKeys;
  }

  configure(settings: BucketSettings, now: number): void {
    this.settings = settings;
    for (const bucket of this.buckets.values()) bucket.configure(settings, now);
  }

  /** As {@link TokenBucket.take}, of the key's bucket. */
  take(key: string, now: number): number {
    const bucket = this.buckets.get(key) ?? new TokenBucket(this.settings, now);
    // Put in again, a map has those that were used last at its end.
    this.buckets.delete(key);
    if (this.buckets.size >= this.maxKeys) {
      const [oldest] = this.buckets.keys();
      this.buckets.delete(oldest);
    }
    this.buckets.set(key, bucket);
    return bucket.take(now);
  }
}
