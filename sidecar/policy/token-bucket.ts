import { detached } from '../exchange/fields.ts';

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

  /** Tokens that are in it. */
  left(now: number): number {
    this.fill(now);
    return this.tokens;
  }

  private fill(now: number): void {
    const { rate, burst } = this.settings;
    if (now <= this.filledAt) return;
    this.tokens = Math.min(burst, this.tokens + (now - this.filledAt) * rate);
    this.filledAt = now;
  }
}

/** A bucket with the key that it stands under. */
interface Entry {
  readonly key: string;
  readonly bucket: TokenBucket;
}

/** A bucket for each key, such as a header's value: for so many keys that were used last. One that is forgotten begins full again. */
export class KeyedBuckets {
  private settings: BucketSettings;
  private readonly maxKeys: number;
  private readonly entries = new Map<string, Entry>();

  constructor(settings: BucketSettings, maxKeys: number) {
    this.settings = settings;
    this.maxKeys = maxKeys;
  }

  configure(settings: BucketSettings, now: number): void {
    this.settings = settings;
    for (const { bucket } of this.entries.values()) bucket.configure(settings, now);
  }

  /** Keys that are told apart. */
  get size(): number {
    return this.entries.size;
  }

  /** Tokens in the bucket that has least. */
  least(now: number): number {
    let least = this.settings.burst;
    for (const { bucket } of this.entries.values()) least = Math.min(least, bucket.left(now));
    return least;
  }

  /**
   * As {@link TokenBucket.take}, of the key's bucket.
   * @param key of latin1 characters, as header fields are
   */
  take(key: string, now: number): number {
    const { entries } = this;
    const entry = entries.get(key) ?? { key: detached(key), bucket: new TokenBucket(this.settings, now) };
    // Put in again, a map has those that were used last at its end.
    entries.delete(key);
    if (entries.size >= this.maxKeys) {
      const [oldest] = entries.keys();
      entries.delete(oldest);
    }
    entries.set(entry.key, entry);
    return entry.bucket.take(now);
  }
}
