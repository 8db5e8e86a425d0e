/** Somebody who waits, and whom the room keeps in a list. */
export interface Waiter<W> {
  /** Monotonic ms at which it entered. */
  enteredAt: number;
  older: W | null;
  newer: W | null;
}

/** How many may wait, and how long. */
interface WaitingRoomSettings {
  /** Who comes beyond that is turned away at once; 0: nobody waits. */
  readonly pending: number;
  /** Milliseconds that anybody waits at most, however short the queue. */
  readonly pendingFor: number;
}

/**
 * A queue in front of a number of places that sheds while it stands. A queue that a burst has left behind is good, since it gets
 * shorter; one that does not get shorter helps nobody: all who are served have waited in vain, and time out at last. So, as with
 * CoDel (Nichols and Jacobson, "Controlling Queue Delay", RFC 8289), who waits may do so for `pendingFor`, oldest first; but where the
 * queue has stood for an interval, only for a short while, and whoever came last goes first, as in "Fail at Scale" (Maurer, ACM Queue
 * 2015), since the others may have too little time left. It is over once nobody had to be shed for an interval.
 *
 * CoDel's 5 and 100 ms are for networks. Here both follow from how long a place is usually taken: a place comes free each
 * `usual / places`, and two of those are enough to have somebody at hand for each. The interval is a little more than the time in
 * which all places come free, which is how long a full house may stand still without anything being wrong.
 *
 * The time is passed in, monotonic ms; every call that takes it looks at the queue first.
 */
export class WaitingRoom<W extends Waiter<W>> {
  settings: WaitingRoomSettings;
  /** How many there are; 1 and more. */
  places: number;
  length = 0;
  /** Whether the queue stands, so that it sheds. */
  isShedding = false;
  /** How long a place is usually taken, in ms; 0 where nobody has left one yet. */
  usual = 0;
  private oldest: W | null = null;
  private newest: W | null = null;
  /** When the interval began, and how long the queue was at most since then, and when that was last. */
  private begunAt = 0;
  private peak = 0;
  private peakAt = 0;
  /** Whether anybody got a place in this interval who had hardly waited, or was shed in it. */
  private hasMoved = false;
  private hasShed = false;

  constructor(places: number, settings: WaitingRoomSettings) {
    this.places = places;
    this.settings = settings;
  }

  /** How long one may wait right now, in ms. */
  get patience(): number {
    const { pendingFor } = this.settings;
    return this.isShedding ? Math.min(pendingFor, Math.max(LEAST_MS, this.turn)) : pendingFor;
  }

  /** Somebody wants to wait. @returns false where too many do */
  enter(waiter: W, now: number): boolean {
    this.look(now);
    if (this.length >= this.settings.pending) return false;
    if (this.length === 0 && !this.isShedding) this.begin(now);
    waiter.enteredAt = now;
    waiter.older = this.newest;
    waiter.newer = null;
    if (this.newest === null) this.oldest = waiter;
    else this.newest.newer = waiter;
    this.newest = waiter;
    this.length++;
    this.notePeak(now);
    return true;
  }

  /** Somebody waits no more. */
  leave(waiter: W): void {
    if (waiter.older === null) this.oldest = waiter.newer;
    else waiter.older.newer = waiter.newer;
    if (waiter.newer === null) this.newest = waiter.older;
    else waiter.newer.older = waiter.older;
    waiter.older = waiter.newer = null;
    this.length--;
  }

  /** Who gets the place that has come free, and has to leave; null where nobody waits. Those who are overdue have to leave before. */
  next(now: number): W | null {
    this.look(now);
    const waiter = this.isShedding ? this.newest : this.oldest;
    if (waiter === null) return null;
    if (now - waiter.enteredAt < this.usual * SHORT_WAIT) this.hasMoved = true;
    return waiter;
  }

  /** Somebody who has waited for too long, and has to leave; null where nobody has. To be called again until it is null. */
  overdue(now: number): W | null {
    this.look(now);
    const { oldest } = this;
    if (oldest === null || now - oldest.enteredAt < this.patience) return null;
    if (this.isShedding) this.hasShed = true;
    return oldest;
  }

  /** In how many ms somebody may become overdue; only while somebody waits. */
  checkIn(now: number): number {
    const waited = this.oldest === null ? 0 : now - this.oldest.enteredAt;
    return Math.max(1, Math.min(this.patience - waited, this.interval - (now - this.begunAt)));
  }

  /** Somebody has left a place. @param ms how long it was taken; one that was taken for very long counts as ten usual ones */
  noteTaken(ms: number): void {
    if (this.usual === 0) this.usual = ms;
    else this.usual += (Math.min(ms, 10 * this.usual + LEAST_MS) - this.usual) / 16;
  }

  /** In how many ms three places usually come free. */
  private get turn(): number {
    return (3 * this.usual) / this.places;
  }

  /** For how long a queue has to stand; without end where nothing is known of the places. */
  private get interval(): number {
    if (this.usual === 0) return Number.POSITIVE_INFINITY;
    return Math.max(LEAST_INTERVAL_MS, 1.25 * this.usual + this.turn);
  }

  /** Ends an interval that is over. */
  private look(now: number): void {
    const { interval } = this;
    if (now - this.begunAt < interval) return;
    if (this.isShedding) this.isShedding = this.hasShed;
    // It stands where nobody got a place soon, and it was as long as ever a moment ago.
    else this.isShedding = this.length > 0 && !this.hasMoved && now - this.peakAt < interval / 2;
    this.begin(now);
  }

  private begin(now: number): void {
    this.begunAt = now;
    this.peak = this.length;
    this.peakAt = now;
    this.hasMoved = false;
    this.hasShed = false;
  }

  private notePeak(now: number): void {
    if (this.length < this.peak) return;
    this.peak = this.length;
    this.peakAt = now;
  }
}

/** What timers and clocks can tell apart. */
const LEAST_MS = 1;
/** Below that the runtime's own pauses would look like a queue. */
const LEAST_INTERVAL_MS = 10;
/** A queue in which one waits for less than this part of what a request takes is not worth to be shed. */
const SHORT_WAIT = 0.25;
