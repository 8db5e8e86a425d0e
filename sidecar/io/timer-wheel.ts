/**
 * One coarse shared timer for every timeout of the data path: a hashed timing wheel (Varghese and Lauck, 1987, scheme 6).
 * Starting and stopping a timer link and unlink a list node, so a timeout that never fires costs a few nanoseconds. A timer
 * fires at the first turn at or after its deadline: up to one tick late, never early. The wheel turns only while something is on it.
 */
export class TimerWheel {
  /**
   * The time at the last turn, in milliseconds: for what may be a tick off and is asked for on the data path. Stands still
   * while nothing is on the wheel.
   */
  coarseNow: number;
  private readonly tickMs: number;
  private readonly clock: () => number;
  private readonly slots: Timer[] = [];
  /** Timers that fire in this turn. */
  private readonly due = new Timer(NOBODY);
  /** The tick of the last turn. Its slot is visited again by the next one: it may hold what was not due yet. */
  private tick: number;
  private count = 0;
  private interval: NodeJS.Timeout | null = null;

  /**
   * @param clock monotonic milliseconds
   * @param tickMs how late a timer may fire at most
   */
  constructor(clock: () => number, tickMs = 10) {
    this.clock = clock;
    this.tickMs = tickMs;
    this.coarseNow = clock();
    this.tick = Math.floor(this.coarseNow / tickMs);
    for (let i = 0; i < SLOTS; i++) this.slots.push(new Timer(NOBODY));
  }

  /** Monotonic milliseconds, read from the clock. */
  now(): number {
    return this.clock();
  }

  /**
   * Starts the timer, or starts it anew.
   * @param now what {@link now} said; callers that have just read the clock pass it on
   */
  start(timer: Timer, delayMs: number, now: number): void {
    this.stop(timer);
    if (now > this.coarseNow) this.coarseNow = now;
    if (this.count === 0) this.tick = Math.floor(now / this.tickMs);
    timer.deadline = now + delayMs;
    const tick = Math.max(Math.floor(timer.deadline / this.tickMs), this.tick);
    timer.insertBefore(this.slots[tick & (SLOTS - 1)]);
    this.count++;
    this.interval ??= setInterval(() => setImmediate(this.turnNow), this.tickMs).unref();
  }

  /** Stops the timer; does nothing when it is not running. */
  stop(timer: Timer): void {
    if (!timer.isRunning) return;
    timer.unlink();
    this.count--;
    // The interval is stopped by the next turn, not here: the next request would start it again at once.
  }

  /**
   * Runs after the sockets were looked at, not before: after a stall of the process, what has come in meanwhile counts as in
   * time.
   */
  private readonly turnNow = (): void => this.turn(this.clock());

  /** Fires what is due at `now`. Called by the wheel's own interval; tests call it with a time of their own. */
  turn(now: number): void {
    if (now > this.coarseNow) this.coarseNow = now;
    const until = Math.floor(now / this.tickMs);
    // After a stall of more than a round every slot is visited once: each timer knows its own deadline.
    const first = Math.max(this.tick, until - SLOTS + 1);
    this.tick = Math.max(this.tick, until);
    for (let tick = first; tick <= until; tick++) this.collect(this.slots[tick & (SLOTS - 1)], now);
    this.fire();
    if (this.count === 0) this.close();
  }

  /** Stops the wheel's interval; timers that are still on it fire no more until another one is started. */
  close(): void {
    if (this.interval !== null) clearInterval(this.interval);
    this.interval = null;
  }

  private collect(slot: Timer, now: number): void {
    for (let timer = slot.next; timer !== slot; ) {
      const { next } = timer;
      if (timer.deadline <= now) {
        timer.unlink();
        timer.insertBefore(this.due);
      }
      timer = next;
    }
  }

  /** A handler may start and stop any timer. Should one throw, the rest is fired by the next turn. */
  private fire(): void {
    const { due } = this;
    while (due.next !== due) {
      const timer = due.next;
      this.stop(timer);
      timer.owner.onTimer(timer);
    }
  }
}

const SLOTS = 1024;

/** Told when its timer fires. */
export interface TimerOwner {
  onTimer(timer: Timer): void;
}

/** A timer to put on a {@link TimerWheel}; made once per owner and started as often as needed. */
export class Timer {
  readonly owner: TimerOwner;
  next: Timer = this;
  prev: Timer = this;
  /** When it fires, in milliseconds of the wheel's clock. */
  deadline = 0;

  constructor(owner: TimerOwner) {
    this.owner = owner;
  }

  get isRunning(): boolean {
    return this.next !== this;
  }

  insertBefore(other: Timer): void {
    this.prev = other.prev;
    this.next = other;
    other.prev.next = this;
    other.prev = this;
  }

  unlink(): void {
    this.prev.next = this.next;
    this.next.prev = this.prev;
    this.next = this;
    this.prev = this;
  }
}

const NOBODY: TimerOwner = { onTimer() {} };
