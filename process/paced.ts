import { setTimeout as sleep } from 'node:timers/promises';

/** Between two makings there is a pause of so many times what the last one took: a fifth of the time at most goes into them. */
const PAUSE = 4;

/**
 * Makes something costly for whoever asks, and bounds what that costs: all who ask before a making begins share it, and
 * makings follow one another with pauses. What is given is never older than the question.
 */
export class Paced<T> {
  private readonly make: () => T | Promise<T>;
  private readonly clock: () => number;
  private readonly wait: (ms: number) => Promise<unknown>;
  /** The making that has not begun yet. */
  private next: Promise<T> | null = null;
  /** Settles when the making that has begun is done. */
  private running: Promise<unknown> = Promise.resolve();
  private permittedAt = Number.NEGATIVE_INFINITY;

  /** @param clock monotonic ms */
  constructor(
    make: () => T | Promise<T>,
    clock: () => number = () => performance.now(),
    wait: (ms: number) => Promise<unknown> = ms => sleep(ms, undefined, { ref: false }),
  ) {
    this.make = make;
    this.clock = clock;
    this.wait = wait;
  }

  /** Rejects where the making throws. */
  get(): Promise<T> {
    this.next ??= this.makeNext();
    return this.next;
  }

  private async makeNext(): Promise<T> {
    await this.running;
    const pause = this.permittedAt - this.clock();
    if (pause > 0) await this.wait(pause);
    this.next = null;
    const begunAt = this.clock();
    const made = (async () => await this.make())();
    this.running = made.then(
      () => this.pauseAfter(begunAt),
      () => this.pauseAfter(begunAt),
    );
    return await made;
  }

  private pauseAfter(begunAt: number): void {
    const now = this.clock();
    this.permittedAt = now + PAUSE * (now - begunAt);
  }
}
