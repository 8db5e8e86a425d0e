import assert from 'node:assert/strict';

/** Wakes those who wait for something to have changed, at once. */
export class Changes {
  private waiting: (() => void)[] = [];

  /** Something has changed. */
  notify(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /** Waits until the condition holds, looking at each change; fails where it does not within `ms`. */
  async until(condition: () => unknown, what: string, ms = 20_000): Promise<void> {
    if (condition()) return;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.notify();
    }, ms);
    try {
      while (!condition()) {
        assert.ok(!isLate, `not within ${ms} ms: ${what}`);
        await new Promise<void>(wake => this.waiting.push(wake));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
