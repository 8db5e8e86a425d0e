/** Somebody who waits in the room. */
export interface Waiting {
  /** Monotonic ms at which its request came. */
  readonly startedAt: number;
  /** There is an endpoint to send to. */
  release(): void;
  /** There will be none. */
  giveUp(): void;
}

/** Looks for an endpoint that can be connected to; both may be called again. */
interface EndpointSearch {
  begin(): void;
  end(): void;
}

/**
 * Where requests wait for an upstream that nothing can be sent to: one whose last instance has just left and is about to be back,
 * whose endpoints nobody has told of yet, or whose endpoints all can't be connected to any more. One room per upstream, whatever
 * becomes of its policy meanwhile.
 *
 * `open`, or `empty` or `lost` since a time: nothing else is known here. The time counts from when the upstream was left
 * without, not from when a request came, so that one which stays so fails at once. Who knows better may wait in the open room too.
 */
export class HoldRoom {
  private state: 'open' | 'empty' | 'lost' = 'empty';
  private closedSince: number;
  private isShut = false;
  private search: EndpointSearch = { begin() {}, end() {} };
  private readonly waiting = new Set<Waiting>();

  /** @param now monotonic ms at which the upstream was made, with no endpoint yet */
  constructor(now: number) {
    this.closedSince = now;
  }

  /** Whether an attempt would find an endpoint. */
  get isOpen(): boolean {
    return this.state === 'open';
  }

  get isEmpty(): boolean {
    return this.state === 'empty';
  }

  /** How many wait. */
  get length(): number {
    return this.waiting.size;
  }

  /** What is under way while anybody waits. */
  searchBy(search: EndpointSearch): void {
    this.search = search;
  }

  /** The upstream has changed. Lets those who wait go if it was closed and is not any more. */
  update(state: 'open' | 'empty' | 'lost', now: number): void {
    const wasOpen = this.isOpen;
    this.state = state;
    if (wasOpen) this.closedSince = now;
    else if (this.isOpen) this.release();
  }

  /** An endpoint can be connected to. Lets those who wait go, whose requests came first before the others. */
  release(): void {
    const inOrder = [...this.waiting].sort((a, b) => a.startedAt - b.startedAt);
    for (const one of inOrder) {
      // What goes first may have changed the endpoints again, or have ended another.
      if (!this.isOpen) return;
      if (this.waiting.has(one)) one.release();
    }
  }

  /** From now on nobody waits. */
  shut(): void {
    this.isShut = true;
    for (const one of this.waiting) one.giveUp();
  }

  /**
   * How many ms are left of `holdMs`; 0 and less: none.
   * @param since when it was known otherwise that there is nothing to send to; null: it was not
   */
  left(holdMs: number, now: number, since: number | null): number {
    if (this.isShut) return 0;
    const closedSince = this.isOpen ? now : this.closedSince;
    return Math.min(closedSince, since ?? now) + holdMs - now;
  }

  enter(one: Waiting): void {
    this.waiting.add(one);
    this.search.begin();
  }

  leave(one: Waiting): void {
    this.waiting.delete(one);
    if (this.waiting.size === 0) this.search.end();
  }
}
