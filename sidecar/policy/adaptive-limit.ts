/** Within which bounds the limit is. */
export interface AdaptiveSettings {
  /** It is never lower; 1 and more. */
  readonly min: number;
  /** It is never higher, and that high while nothing speaks against it. */
  readonly max: number;
}

/** `open`: nothing speaks against as many as come; `doubtful`: a lower limit is tried; `limited`: it has turned out to be right. */
type Phase = 'open' | 'doubtful' | 'limited';

/**
 * Finds how many requests an upstream can have under way before they queue there: a gradient of the latency, as in Netflix'
 * `Gradient2Limit` (concurrency-limits) and Envoy's gradient controller. What is usual is compared with what is now; where it has doubled
 * and more is under way, the limit becomes what is under way times that gradient, and it grows while requests ask for more and are
 * answered in time. There are three differences, since a sidecar does not know whom it calls:
 *
 * - It begins with no limit but `max`, and comes back to it: where requests are simply slow (long polls, a service that waits for
 *   another) there is nothing to be gained. Netflix begins with 20, Envoy goes down to 3 now and then to measure.
 * - A lower limit has to prove itself. Where requests had queued, as many are answered per second as before; where they had not, fewer
 *   are. Then the latency is what is usual from now on, and the limit is lifted.
 * - What is usual goes up with time only while nothing is limited, so that a queue which stays is not taken for usual.
 *
 * Latencies are medians of windows, so that a few slow ones count for nothing. All times are monotonic ms.
 */
export class AdaptiveLimit {
  limit: number;
  phase: Phase = 'open';
  /** The usual latency, in ms; 0 where it is not known yet. */
  usual = 0;
  /** The latency in the last window. */
  current = 0;
  private settings: AdaptiveSettings;
  /** How many are usually under way at most, within a window. */
  private usualPeak = 0;
  /** The cohort that is measured: requests that were begun one after another, and the latencies of those that are answered. */
  private cohort = 1;
  private isGathering = true;
  private size = 0;
  private readonly latencies = new Float64Array(MAX_SAMPLES);
  private answered = 0;
  private begunAt = 0;
  private peak = 0;
  /** The limit and the latency before it was lowered last; null where it was not, or where the latency was about another limit. */
  private before: { readonly limit: number; readonly latency: number } | null = null;
  private isLowered = false;
  /** How often in a row a lower limit has not helped. */
  private misses = 0;
  private isProbed = false;
  private probedAt = 0;
  private lastReachedAt = 0;

  constructor(settings: AdaptiveSettings) {
    this.settings = settings;
    this.limit = settings.max;
  }

  /** Takes over other bounds; what was found out stays. */
  configure(settings: AdaptiveSettings): void {
    this.settings = settings;
    if (this.phase === 'open') this.limit = settings.max;
    else this.limit = this.bounded(this.limit);
  }

  /**
   * A request is begun. The limit may have changed thereafter.
   * @param inFlight how many are under way, it included
   * @returns what it belongs to; 0: nothing
   */
  onBegin(now: number, inFlight: number): number {
    if (!this.isGathering) {
      if (now - this.begunAt < Math.max(GIVE_UP_MS, 8 * this.usual)) return 0;
      this.noteReach(now);
      this.gather();
    }
    if (this.size === 0) {
      this.begunAt = now;
      this.peak = 0;
    }
    this.size++;
    if (inFlight > this.peak) this.peak = inFlight;
    const took = now - this.begunAt;
    const isEnough = this.size >= MIN_SAMPLES && took >= MIN_WINDOW_MS;
    if (isEnough || this.size === MAX_SAMPLES || took > MAX_WINDOW_MS) this.isGathering = false;
    return this.cohort;
  }

  /**
   * The head of an answer is there.
   * @param cohort what {@link onBegin} has said
   * @returns whether the limit may have changed
   */
  onAnswer(cohort: number, latency: number, now: number): boolean {
    if (cohort !== this.cohort) return false;
    this.latencies[this.answered++] = latency;
    return this.judgeIfKnown(now);
  }

  /** It ended without an answer that would say anything. */
  onOther(cohort: number, now: number): boolean {
    if (cohort !== this.cohort) return false;
    this.size--;
    return this.judgeIfKnown(now);
  }

  /** Those without an answer take longer than the others: where three of four have one, the median is known. */
  private judgeIfKnown(now: number): boolean {
    if (this.isGathering || this.answered < 0.75 * this.size) return false;
    const isReached = this.noteReach(now);
    if (this.size >= LEAST_SAMPLES) {
      const sorted = this.latencies.subarray(0, this.answered).sort();
      this.current = sorted[this.size >> 1];
      // Where requests queue, those that are fast by nature wait too.
      const isSlow = this.current > TOLERANCE * this.usual && sorted[this.size >> 2] > this.usual;
      this.judge(now, isSlow, isReached);
    }
    this.gather();
    return true;
  }

  private gather(): void {
    this.cohort++;
    this.isGathering = true;
    this.size = 0;
    this.answered = 0;
  }

  /** Lifts a limit that was not reached for long, also where too little comes to be judged. @returns whether the cohort has reached it */
  private noteReach(now: number): boolean {
    const isReached = this.peak >= 0.9 * this.limit;
    if (isReached) this.lastReachedAt = now;
    else if (this.phase !== 'open' && now - this.lastReachedAt > FORGET_MS) this.open();
    return isReached;
  }

  private judge(now: number, isSlow: boolean, isReached: boolean): void {
    const { current, peak } = this;
    const wasProbed = this.isProbed;
    this.isProbed = false;
    if (this.usual === 0) {
      this.usual = current;
      return this.learn(now - this.begunAt);
    }
    if (this.isLowered && isSlow && isReached && !this.hasHelped) this.miss();
    else if (isSlow && peak >= this.leastQueue) this.lower(isReached);
    else if (this.phase === 'open') this.learn(now - this.begunAt);
    else {
      this.phase = 'limited';
      this.isLowered = false;
      this.misses = 0;
      if (isReached && now - this.probedAt > PROBE_MS) this.probe(now);
      else if (isReached) this.grow();
    }
    if (current < this.usual) this.usual += (current - this.usual) / (wasProbed ? 4 : 16);
  }

  /** Faster where there seems to be no queue at all. */
  private grow(): void {
    const growth = this.current < 1.25 * this.usual ? 0.25 : 0.1;
    this.limit = this.bounded(this.limit + Math.max(1, this.limit * growth));
  }

  /** Whether the latency has fallen by half as much as the limit, where both are known. */
  private get hasHelped(): boolean {
    const { before, limit, current } = this;
    if (before === null) return true;
    return current < before.latency * (1 - (1 - limit / before.limit) / 2);
  }

  /** From how many on there may be a queue. */
  private get leastQueue(): number {
    return this.phase === 'open'
      ? Math.max(2 * this.settings.min, 1.5 * this.usualPeak)
      : this.settings.min + 1;
  }

  private learn(took: number): void {
    const part = 1 - Math.exp(-took / LEARN_MS);
    this.usual += (this.current - this.usual) * part;
    this.usualPeak += (this.peak - this.usualPeak) * (this.usualPeak === 0 ? 1 : part);
  }

  /** While it is limited, its capacity may just have fallen, and latencies still follow: that proves nothing at first. */
  private miss(): void {
    if (this.phase === 'doubtful' || ++this.misses === 3) this.takeBack();
    else this.lower(true);
  }

  /** What is usual may have been told while requests queued: with half as many it is looked at anew. */
  private probe(now: number): void {
    this.probedAt = now;
    this.limit = this.bounded(this.limit / 2);
    this.isProbed = true;
  }

  private lower(isReached: boolean): void {
    const gradient = (TOLERANCE * this.usual) / this.current;
    this.before = isReached ? { limit: this.limit, latency: this.current } : null;
    this.limit = this.bounded(Math.min(this.limit, this.peak) * Math.min(0.75, Math.max(0.5, gradient)));
    if (this.phase === 'open') {
      this.phase = 'doubtful';
      this.probedAt = this.begunAt;
      this.lastReachedAt = this.begunAt;
    }
    this.isLowered = true;
  }

  /** Nothing had queued: it is slow by itself. */
  private takeBack(): void {
    this.usual = this.current;
    this.isLowered = false;
    this.misses = 0;
    if (this.phase === 'doubtful') this.open();
    else if (this.before !== null) this.limit = this.bounded(2 * this.before.limit);
  }

  private open(): void {
    this.phase = 'open';
    this.limit = this.settings.max;
    this.usualPeak = this.peak;
    this.isLowered = false;
  }

  private bounded(limit: number): number {
    return Math.max(this.settings.min, Math.min(this.settings.max, Math.floor(limit)));
  }
}

const MIN_SAMPLES = 20;
const LEAST_SAMPLES = 5;
const MAX_SAMPLES = 128;
const MIN_WINDOW_MS = 10;
const MAX_WINDOW_MS = 500;
/** Where a quarter of a cohort has no answer by then, such as that of a frozen endpoint, the next one is measured. */
const GIVE_UP_MS = 1_000;
/** What is less than twice as slow as usual is left alone. */
const TOLERANCE = 2;
/** What is usual follows what is with this time constant. */
const LEARN_MS = 10_000;
/** How often it is looked at what is usual. */
const PROBE_MS = 10_000;
/** A limit that was not reached for so long is lifted. */
const FORGET_MS = 10_000;
