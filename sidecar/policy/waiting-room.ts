/** Somebody who waits, and whom the room keeps in a list. */
export interface Waiter<W extends Waiter<W>> {
  /** Monotonic ms at which it entered. */
  enteredAt: number;
  line: Line<W> | null;
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
 * queue has stood for an interval, whoever comes from then on may only wait for a short while, and whoever came last goes first, as in
 * "Fail at Scale" (Maurer, ACM Queue 2015), since the others may have too little time left. It is over once nobody had to be shed for
 * an interval. Who has waited before it began is served first: to wait and be refused then would be the worst of both.
 *
 * CoDel's 5 and 100 ms are for networks. Here both follow from how long a place is usually taken. A place comes free each
 * `usual / places`, and three of those are enough to have somebody at hand for each, where requests come one by one; an eighth of `usual`
 * more than makes up for those that come in clumps, and is hardly noticed by who is served. The interval is a little more than the time in
 * which all places come free, which is how long a full house may stand still without anything being wrong.
 *
 * The time is passed in, monotonic ms; every call that takes it looks at the queue first.
 */
export class WaitingRoom<W extends Waiter<W>> {
  settings: WaitingRoomSettings;
  /** How many there are; 1 and more. */
  places: number;
  /** Whether the queue stands, so that it sheds. */
  isShedding = false;
  private isUndecided = false;
  /** How long a place is usually taken, in ms; 0 where nobody has left one yet. */
  usual = 0;
  /** Who may wait for long. */
  private calm = new Line<W>();
  /** Who has come since the queue stands; empty where it does not. */
  private hurried = new Line<W>();
  /** When the interval began, and how long the queue was at most since then, and when that was last. */
  private begunAt = 0;
  private peak = 0;
  private peakAt = 0;
  /** Whether anybody was shed in it. */
  private hasShed = false;

  constructor(places: number, settings: WaitingRoomSettings) {
    this.places = places;
    this.settings = settings;
  }

  get length(): number {
    return this.calm.length + this.hurried.length;
  }

  /** How long one may wait who comes right now, in ms. */
  get patience(): number {
    const { pendingFor } = this.settings;
    if (!this.isShedding || this.isUndecided) return pendingFor;
    return Math.min(pendingFor, Math.max(LEAST_MS, this.turn));
  }

  /** Somebody wants to wait. @returns false where too many do */
  enter(waiter: W, now: number): boolean {
    this.look(now);
    if (this.length >= this.settings.pending) return false;
    if (this.length === 0 && !this.isShedding) this.begin(now);
    waiter.enteredAt = now;
    (this.isShedding ? this.hurried : this.calm).push(waiter);
    if (this.length >= this.peak) {
      this.peak = this.length;
      this.peakAt = now;
    }
    return true;
  }

  /** It is not known yet if there have to be so few places: whoever came last goes first, but nobody is shed. */
  doubt(): void {
    this.isUndecided = true;
    this.isShedding = true;
  }

  /** Now it is. */
  decide(isNeeded: boolean, now: number): void {
    if (!this.isUndecided) return;
    this.isUndecided = false;
    this.isShedding = isNeeded;
    this.begin(now);
  }

  /** Somebody waits no more. */
  leave(waiter: W): void {
    waiter.line?.remove(waiter);
  }

  /** Who gets the place that has come free, and has to leave; null where nobody waits. Those who are overdue have to leave before. */
  next(now: number): W | null {
    this.look(now);
    const waiter = this.calm.oldest ?? this.hurried.newest;
    if (waiter !== null && !this.isShedding && now - waiter.enteredAt < this.usual * SHORT_WAIT)
      this.begin(now);
    return waiter;
  }

  /** Somebody who has waited for too long, and has to leave; null where nobody has. To be called again until it is null. */
  overdue(now: number): W | null {
    this.look(now);
    const { oldest: longest } = this.calm;
    if (longest !== null && now - longest.enteredAt >= this.settings.pendingFor) return longest;
    const { oldest } = this.hurried;
    if (oldest === null || now - oldest.enteredAt < this.patience) return null;
    this.hasShed = true;
    return oldest;
  }

  /** In how many ms somebody may become overdue. */
  checkIn(now: number): number {
    const { calm, hurried, settings, patience, interval } = this;
    let at = this.begunAt + interval;
    if (calm.oldest !== null) at = Math.min(at, calm.oldest.enteredAt + settings.pendingFor);
    if (hurried.oldest !== null) at = Math.min(at, hurried.oldest.enteredAt + patience);
    return Math.max(LEAST_MS, at - now);
  }

  /** Somebody has left a place. @param ms how long it was taken; one that was taken for very long counts as ten usual ones */
  noteTaken(ms: number): void {
    if (this.usual === 0) this.usual = ms;
    else this.usual += (Math.min(ms, 10 * this.usual + LEAST_MS) - this.usual) / 16;
  }

  /** In how many ms three places usually come free, or an eighth of all, whichever is longer. */
  private get turn(): number {
    return this.usual * Math.max(3 / this.places, 1 / 8);
  }

  /** For how long a queue has to stand; without end where nothing is known of the places. */
  private get interval(): number {
    if (this.usual === 0) return Number.POSITIVE_INFINITY;
    return Math.max(LEAST_INTERVAL_MS, 1.25 * this.usual + this.turn);
  }

  /** Ends an interval that is over. */
  private look(now: number): void {
    const { interval } = this;
    if (this.isUndecided || now - this.begunAt < interval) return;
    // It stands where it was as long as ever a moment ago; whoever gets a place soon begins another interval.
    if (!this.isShedding) this.isShedding = this.length > 0 && now - this.peakAt < interval / 2;
    else if (!this.hasShed && this.calm.length === 0) this.calmDown();
    this.begin(now);
  }

  private calmDown(): void {
    this.isShedding = false;
    const { calm, hurried } = this;
    this.calm = hurried;
    this.hurried = calm;
  }

  private begin(now: number): void {
    this.begunAt = now;
    this.peak = this.length;
    this.peakAt = now;
    this.hasShed = false;
  }
}

/** A list whose items know their neighbours. */
class Line<W extends Waiter<W>> {
  length = 0;
  oldest: W | null = null;
  newest: W | null = null;

  push(waiter: W): void {
    waiter.line = this;
    waiter.older = this.newest;
    waiter.newer = null;
    if (this.newest === null) this.oldest = waiter;
    else this.newest.newer = waiter;
    this.newest = waiter;
    this.length++;
  }

  remove(waiter: W): void {
    if (waiter.older === null) this.oldest = waiter.newer;
    else waiter.older.newer = waiter.newer;
    if (waiter.newer === null) this.newest = waiter.older;
    else waiter.newer.older = waiter.older;
    waiter.older = waiter.newer = waiter.line = null;
    this.length--;
  }
}

/** What timers and clocks can tell apart. */
const LEAST_MS = 1;
/** Below that the runtime's own pauses would look like a queue. */
const LEAST_INTERVAL_MS = 10;
/** A queue in which one waits for less than this part of what a request takes is not worth to be shed. */
const SHORT_WAIT = 0.25;
