import type { TrafficLog } from '../../../examples/shop/runner/traffic.ts';

/** What the customers saw of an event. */
export interface Figures {
  readonly sent: number;
  readonly failed: number;
  /** The longest wait for a good answer, in ms. */
  readonly longest: number;
  /** How long after the event the last one ended that failed or took longer than {@link SLOW_MS}; in ms. */
  readonly troubledFor: number;
  readonly complaints: readonly string[];
}

/** What takes longer was held up by the event: usually an answer takes some 20 ms. */
const SLOW_MS = 1000;

interface Answered {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly complaint: string | null;
}

/** Remembers what became of every request. */
export class EventLog implements TrafficLog {
  heldBack = 0;
  private readonly answers: Answered[] = [];

  success(tookMs: number): void {
    this.add(tookMs, null);
  }

  failure(what: string, tookMs: number): void {
    this.add(tookMs, what);
  }

  /** @param from monotonic ms, as is `to`: requests that were under way at a time between count */
  between(from: number, to: number): Figures {
    const answers = this.answers.filter(({ startedAt, endedAt }) => startedAt < to && endedAt >= from);
    const failures = answers.filter(({ complaint }) => complaint !== null);
    const good = answers.filter(({ complaint }) => complaint === null);
    const troubled = [...failures, ...good.filter(answer => tookOf(answer) > SLOW_MS)];
    return {
      sent: answers.length,
      failed: failures.length,
      longest: Math.max(0, ...good.map(tookOf)),
      troubledFor: Math.max(0, ...troubled.map(({ endedAt }) => endedAt - from)),
      complaints: failures.map(answer => {
        const when = `${Math.round(answer.startedAt - from)} ms after it, for ${Math.round(tookOf(answer))} ms`;
        return `${answer.complaint} (${when})`;
      }),
    };
  }

  private add(tookMs: number, complaint: string | null): void {
    const endedAt = performance.now();
    this.answers.push({ startedAt: endedAt - tookMs, endedAt, complaint });
  }
}

function tookOf({ startedAt, endedAt }: Answered): number {
  return endedAt - startedAt;
}
