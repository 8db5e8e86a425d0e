import { Latencies } from './latencies.ts';

/** How many whole seconds "recent" looks back. */
const RECENT_SECONDS = 10;
const KEPT_EVENTS = 200;
/** Beyond these, failures are counted but not told one by one. */
const TOLD_FAILURES = 20;

/** Something that happened, in words. */
export interface ShopEvent {
  /** Milliseconds since the run began. */
  readonly atMs: number;
  readonly text: string;
}

interface Second {
  readonly number: number;
  readonly latencies: Latencies;
  answered: number;
}

/** What a run has seen so far. The clock is passed in: milliseconds, monotonic. */
export class Tally {
  succeeded = 0;
  failed = 0;
  /** Requests that were not sent, because too many were waiting for an answer. */
  heldBack = 0;
  /** Instances that were killed or stopped on purpose. */
  kills = 0;
  readonly latencies = new Latencies();
  readonly events: ShopEvent[] = [];
  private readonly now: () => number;
  private readonly onEvent: (event: ShopEvent) => void;
  private readonly startedAt: number;
  private readonly seconds: Second[] = [];

  constructor(now: () => number, onEvent: (event: ShopEvent) => void = () => {}) {
    this.now = now;
    this.onEvent = onEvent;
    this.startedAt = now();
  }

  get elapsedMs(): number {
    return this.now() - this.startedAt;
  }

  get answered(): number {
    return this.succeeded + this.failed;
  }

  /** A request ended well. */
  success(tookMs: number): void {
    this.succeeded += 1;
    const second = this.currentSecond();
    second.answered += 1;
    second.latencies.record(tookMs);
    this.latencies.record(tookMs);
  }

  /** A request ended otherwise; its time counts in no percentile. */
  failure(what: string): void {
    this.failed += 1;
    this.currentSecond().answered += 1;
    if (this.failed <= TOLD_FAILURES) this.event(`FAILED ${what}`);
    if (this.failed === TOLD_FAILURES) this.event('further failures are counted, but not told one by one');
  }

  event(text: string): void {
    const event = { atMs: this.elapsedMs, text };
    this.events.push(event);
    if (this.events.length > KEPT_EVENTS) this.events.shift();
    this.onEvent(event);
  }

  /** The last ten seconds, the current one included. */
  recent(): { perSecond: number; latencies: Latencies } {
    const current = Math.floor(this.elapsedMs / 1000);
    const latencies = new Latencies();
    let answered = 0;
    for (const second of this.seconds) {
      if (second.number <= current - RECENT_SECONDS) continue;
      latencies.add(second.latencies);
      answered += second.answered;
    }
    const spanMs = Math.min(this.elapsedMs, (RECENT_SECONDS - 1) * 1000 + (this.elapsedMs % 1000));
    return { perSecond: spanMs > 0 ? (answered * 1000) / spanMs : 0, latencies };
  }

  private currentSecond(): Second {
    const number = Math.floor(this.elapsedMs / 1000);
    let second = this.seconds.at(-1);
    if (second?.number !== number) {
      second = { number, latencies: new Latencies(), answered: 0 };
      this.seconds.push(second);
      if (this.seconds.length > RECENT_SECONDS) this.seconds.shift();
    }
    return second;
  }
}
