/** Told when a connection that was counted has gone, after it asked for one in vain. */
export interface Starved {
  onConnectionFreed(): void;
}

/** A bound on open connections, the idle ones included; who finds it reached is told, in order, when there is room again. */
export class ConnectionLimit {
  /** Closes a connection that nobody uses, if there is one; called when the limit is reached. */
  reclaim: () => boolean = () => false;
  private bound: number;
  private used = 0;
  private readonly starved = new Set<Starved>();

  constructor(max: number) {
    this.bound = max;
  }

  get max(): number {
    return this.bound;
  }

  /** Whoever waits for a connection is told when the bound rises. */
  set max(max: number) {
    this.bound = max;
    this.tellStarved();
  }

  get isReached(): boolean {
    return this.used >= this.bound;
  }

  /** Whether somebody was left without a connection and waits for one to be closed. */
  get isWaitedFor(): boolean {
    return this.starved.size > 0;
  }

  /** Counts a connection that is about to be opened. */
  take(): void {
    this.used++;
  }

  /** A connection is closed. */
  give(): void {
    this.used--;
    this.tellStarved();
  }

  /** Asks to be told when there is room. Asking twice is the same as asking once. */
  wait(starved: Starved): void {
    this.starved.add(starved);
  }

  forget(starved: Starved): void {
    this.starved.delete(starved);
  }

  private tellStarved(): void {
    for (const first of this.starved) {
      if (this.isReached) return;
      this.starved.delete(first);
      first.onConnectionFreed();
    }
  }
}
