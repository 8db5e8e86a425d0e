const TICK_MS = 20;

/** How much of the time the machine has had no processor for this process: what is on it beside the tests. */
export class LostTime {
  private readonly startedAt = performance.now();
  private readonly timer: NodeJS.Timeout;
  private due = this.startedAt + TICK_MS;
  private lost = 0;

  constructor() {
    this.timer = setInterval(() => {
      const now = performance.now();
      this.lost += Math.max(0, now - this.due);
      this.due = now + TICK_MS;
    }, TICK_MS);
    this.timer.unref();
  }

  /** @returns the share of the time since the start, 0 to 1 */
  stop(): number {
    clearInterval(this.timer);
    return this.lost / (performance.now() - this.startedAt);
  }
}
