/** A longer gap between two readings was a stall. */
const STALL_MS = 1_000;
const READ_EVERY_MS = 200;

/**
 * Monotonic time in which the process could work. The time in which it was stopped, frozen or starved does not pass here: otherwise
 * every timeout would seem to have run out after a stall, before anybody could look at what had come in meanwhile.
 */
export class ActiveClock {
  private readonly clock: () => number;
  private readonly onStall: (ms: number) => void;
  private lastRead: number;
  private lost = 0;
  private interval: NodeJS.Timeout | null = null;

  /**
   * @param clock monotonic milliseconds
   * @param onStall told after a stall how long it was, in ms
   */
  constructor(clock: () => number, onStall: (ms: number) => void) {
    this.clock = clock;
    this.onStall = onStall;
    this.lastRead = clock();
  }

  /** Milliseconds; never less than before. */
  readonly now = (): number => {
    const time = this.clock();
    const gap = time - this.lastRead;
    this.lastRead = time;
    if (gap > STALL_MS) {
      this.lost += gap;
      this.onStall(gap);
    }
    return time - this.lost;
  };

  /** Reads the clock now and then from here on, so that a gap is a stall and not idleness. */
  start(): void {
    this.lastRead = this.clock();
    this.interval ??= setInterval(this.now, READ_EVERY_MS).unref();
  }

  stop(): void {
    if (this.interval !== null) clearInterval(this.interval);
    this.interval = null;
  }
}
