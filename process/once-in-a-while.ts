/** What happens again and again is told of once in so long, in ms. */
const PAUSE_MS = 10_000;

/** Keeps the log readable while the same thing happens again and again. */
export class OnceInAWhile {
  private readonly clock: () => number;
  private toldAt = Number.NEGATIVE_INFINITY;

  /** @param clock monotonic ms */
  constructor(clock: () => number = () => performance.now()) {
    this.clock = clock;
  }

  /** Whether it is to be told of now; if so, then not again for 10 s. */
  isDue(): boolean {
    const now = this.clock();
    if (now - this.toldAt < PAUSE_MS) return false;
    this.toldAt = now;
    return true;
  }
}
