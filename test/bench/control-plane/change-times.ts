import { LatencyRecorder, type Percentiles } from '../percentiles.ts';

/** How long a change takes until the last sidecar that uses the service has applied it. All times are monotonic ms. */
export class ChangeTimes {
  private readonly answers = new LatencyRecorder();
  private readonly last = new LatencyRecorder();
  private readonly each = new LatencyRecorder();
  private readonly changes = new Map<string, Applied>();

  /** Changes that were answered and have not reached every watcher yet. */
  get open(): number {
    return [...this.changes.values()].filter(({ watchers }) => watchers !== null).length;
  }

  /**
   * The API has answered. Watchers may have applied it by then already, or not.
   * @param startedAt when it was asked
   * @param watchers how many have to apply it
   * @param isCounted false while warming up
   */
  answered(
    service: string,
    revision: number,
    startedAt: number,
    now: number,
    watchers: number,
    isCounted: boolean,
  ): void {
    if (isCounted) this.answers.record((now - startedAt) * 1000);
    const change = this.changeOf(service, revision);
    change.startedAt = startedAt;
    change.watchers = watchers;
    change.isCounted = isCounted;
    this.closeIfDone(service, revision, change);
  }

  /** A watcher's next pick uses this revision of the service. */
  applied(service: string, revision: number, now: number): void {
    const change = this.changeOf(service, revision);
    change.times.push(now);
    this.closeIfDone(service, revision, change);
  }

  /** In µs: of the API's answers, of the last watcher of each change, and of every watcher of each change. */
  percentiles(): { answers: Percentiles | null; last: Percentiles | null; each: Percentiles | null } {
    const { answers, last, each } = this;
    return { answers: answers.percentiles(), last: last.percentiles(), each: each.percentiles() };
  }

  private changeOf(service: string, revision: number): Applied {
    const key = `${service} ${revision}`;
    let change = this.changes.get(key);
    if (change === undefined) {
      change = { startedAt: 0, watchers: null, isCounted: false, times: [] };
      this.changes.set(key, change);
    }
    return change;
  }

  private closeIfDone(service: string, revision: number, change: Applied): void {
    const { watchers, times, startedAt, isCounted } = change;
    if (watchers === null || times.length < watchers) return;
    this.changes.delete(`${service} ${revision}`);
    if (!isCounted) return;
    for (const time of times) this.each.record((time - startedAt) * 1000);
    this.last.record((Math.max(...times) - startedAt) * 1000);
  }
}

interface Applied {
  startedAt: number;
  /** Null until the API has answered. */
  watchers: number | null;
  isCounted: boolean;
  readonly times: number[];
}
