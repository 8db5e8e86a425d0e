import type { MeshEvent, Revision } from '../contract/resources.ts';

/** The most recent events, oldest first: what is more than `capacity` is forgotten. */
export class EventLog {
  private readonly capacity: number;
  private readonly events: MeshEvent[] = [];
  private next = 0;

  /** @param capacity at least 1 */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(event: MeshEvent): void {
    this.events[this.next] = event;
    this.next = (this.next + 1) % this.capacity;
  }

  /**
   * The oldest events after a revision, in their order.
   * @param since 0 for all that are remembered
   * @param limit how many at most, save that the events of one revision are never cut apart, so that the last one's
   * revision is where the next page begins
   */
  after(since: Revision, limit: number): readonly MeshEvent[] {
    const events = this.inOrder().filter(event => event.revision > since);
    let end = Math.min(limit, events.length);
    while (end > 0 && end < events.length && events[end].revision === events[end - 1].revision) end++;
    return events.slice(0, end);
  }

  /** The most recent events, in their order. */
  latest(limit: number): readonly MeshEvent[] {
    return limit === 0 ? [] : this.inOrder().slice(-limit);
  }

  private inOrder(): MeshEvent[] {
    const start = this.events.length < this.capacity ? 0 : this.next;
    return [...this.events.slice(start), ...this.events.slice(0, start)];
  }
}
