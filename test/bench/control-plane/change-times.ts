import { LatencyRecorder, type Percentiles } from '../percentiles.ts';

/** Where a change was answered. */
export interface Answered {
  readonly service: string;
  readonly revision: number;
  /** When it was asked for, and when the answer came. */
  readonly startedAt: number;
  readonly now: number;
  /** How many have to apply it. */
  readonly watchers: number;
  /** False while warming up. */
  readonly isCounted: boolean;
  /** Whether the answer may have waited until watchers had applied it. */
  readonly isAcknowledged: boolean;
}

/** In µs. */
export interface ChangePercentiles {
  /** Until a change is said to be kept. */
  readonly answers: Percentiles | null;
  /** Until the answer that may wait for watchers. */
  readonly acknowledged: Percentiles | null;
  /** Until the last watcher of each change has applied it. */
  readonly last: Percentiles | null;
  /** Until a watcher has applied it: all watchers of all changes. */
  readonly each: Percentiles | null;
}

/** How long a change takes until the last sidecar that uses the service has applied it. All times are monotonic ms. */
export class ChangeTimes {
  private readonly answers = new LatencyRecorder();
  private readonly acknowledged = new LatencyRecorder();
  private readonly last = new LatencyRecorder();
  private readonly each = new LatencyRecorder();
  private readonly changes = new Map<string, Applied>();

  /** Changes that were answered and have not reached every watcher yet. */
  get open(): number {
    return [...this.changes.values()].filter(({ answer }) => answer !== null).length;
  }

  /** The API has answered. Watchers may have applied it by then already, or not. */
  answered(answer: Answered): void {
    const { service, revision, startedAt, now, isCounted, isAcknowledged } = answer;
    if (isCounted) (isAcknowledged ? this.acknowledged : this.answers).record((now - startedAt) * 1000);
    const change = this.changeOf(service, revision);
    change.answer = answer;
    this.closeIfDone(change);
  }

  /** A watcher's next pick uses this revision of the service. */
  applied(service: string, revision: number, now: number): void {
    const change = this.changeOf(service, revision);
    change.times.push(now);
    this.closeIfDone(change);
  }

  percentiles(): ChangePercentiles {
    const { answers, acknowledged, last, each } = this;
    return {
      answers: answers.percentiles(),
      acknowledged: acknowledged.percentiles(),
      last: last.percentiles(),
      each: each.percentiles(),
    };
  }

  private changeOf(service: string, revision: number): Applied {
    const key = `${service} ${revision}`;
    let change = this.changes.get(key);
    if (change === undefined) {
      change = { answer: null, times: [] };
      this.changes.set(key, change);
    }
    return change;
  }

  private closeIfDone({ answer, times }: Applied): void {
    if (answer === null || times.length < answer.watchers) return;
    const { service, revision, startedAt, isCounted } = answer;
    this.changes.delete(`${service} ${revision}`);
    if (!isCounted) return;
    for (const time of times) this.each.record((time - startedAt) * 1000);
    this.last.record((Math.max(...times) - startedAt) * 1000);
  }
}

interface Applied {
  /** Null until the API has answered. */
  answer: Answered | null;
  readonly times: number[];
}
