/** How many retries there may be beside the requests of the last {@link WINDOW_MS}. */
interface BudgetSettings {
  /** Retries per request, 0 to 1. */
  readonly ratio: number;
  /** Retries per second that are permitted beside that, however few requests there are. */
  readonly floor: number;
}

/**
 * How many retries an upstream's requests may have in all, so that retries can't multiply an overload. In any window of 10 s there
 * are at most `ratio` retries per request, and `floor` per second: Finagle's `RetryBudget` (a leaky token bucket whose tokens live
 * for 10 s, with a reserve of the floor times 10), with a floor of 3 instead of 10 for upstreams as small as those of one host.
 *
 * Beside that, what was saved up is bounded: 30 retries, or the floor of ten seconds, or what half a second of requests earns, whichever
 * is most. Else an upstream that begins to fail would get the retries of ten good seconds at once.
 *
 * Counted in slots of half a second, so that what is remembered is between 9.5 and 10 s old. All times are monotonic ms.
 */
export class RetryBudget {
  private settings: BudgetSettings;
  private readonly requestsIn: number[] = new Array(SLOTS).fill(0);
  private readonly retriesIn: number[] = new Array(SLOTS).fill(0);
  private requests = 0;
  private retries = 0;
  /** Retries that were earned before this slot and not made; those that were made in it are taken off. */
  private saved = MIN_SAVED;
  /** The number of the slot that is counted into, and when the next one begins. */
  private slot = 0;
  private nextAt = 0;
  /** Requests that are being sent again now, and how many may be. */
  running = 0;
  private maxRunning = Number.POSITIVE_INFINITY;

  constructor(settings: BudgetSettings) {
    this.settings = settings;
  }

  /** Changes the bounds; what was counted stays. */
  configure(settings: BudgetSettings, maxRunning = Number.POSITIVE_INFINITY): void {
    this.settings = settings;
    this.maxRunning = maxRunning;
  }

  /** Whether no further request may be sent again beside those that are. */
  get isFull(): boolean {
    return this.running >= this.maxRunning;
  }

  /** A request begins: its first attempt. */
  onRequest(now: number): void {
    if (now >= this.nextAt) this.moveTo(now);
    this.requestsIn[this.slot % SLOTS]++;
    this.requests++;
  }

  /** Takes one retry out of the budget. @returns false where none is left; nothing is taken then */
  take(now: number): boolean {
    if (this.left(now) < 1) return false;
    this.retriesIn[this.slot % SLOTS]++;
    this.retries++;
    this.saved--;
    return true;
  }

  /** How many retries may be made now; 0 and more. */
  left(now: number): number {
    if (now >= this.nextAt) this.moveTo(now);
    const { ratio, floor } = this.settings;
    const permitted = Math.floor(ratio * this.requests + ROUNDING) + (floor * WINDOW_MS) / 1000;
    const atOnce = Math.floor(this.saved + ratio * this.inSlot + ROUNDING);
    return Math.max(0, Math.min(permitted - this.retries, atOnce));
  }

  /** What the window holds, for whoever wants to know why. */
  describe(now: number): { readonly left: number; readonly requests: number; readonly retries: number } {
    return { left: this.left(now), requests: this.requests, retries: this.retries };
  }

  private get inSlot(): number {
    return this.requestsIn[this.slot % SLOTS];
  }

  /** Saves what the slot has earned, and forgets those that have become too old. */
  private moveTo(now: number): void {
    const slot = Math.floor(now / SLOT_MS);
    const { ratio, floor } = this.settings;
    const earned = ratio * this.inSlot;
    const most = Math.max(MIN_SAVED, (floor * WINDOW_MS) / 1000, earned);
    const passed = Math.min(SLOTS, slot - this.slot);
    this.saved = Math.min(most, this.saved + earned + (passed * floor * SLOT_MS) / 1000);
    for (let i = Math.max(this.slot + 1, slot - SLOTS + 1); i <= slot; i++) {
      this.requests -= this.requestsIn[i % SLOTS];
      this.retries -= this.retriesIn[i % SLOTS];
      this.requestsIn[i % SLOTS] = 0;
      this.retriesIn[i % SLOTS] = 0;
    }
    this.slot = slot;
    this.nextAt = (slot + 1) * SLOT_MS;
  }
}

const WINDOW_MS = 10_000;
const SLOT_MS = 500;
const SLOTS = WINDOW_MS / SLOT_MS;
/** So many retries may be saved up in any case: where one of few requests fails, each of them should have its retry. */
const MIN_SAVED = 30;
/** 0.07 × 100 is a little less than 7. */
const ROUNDING = 1e-9;
