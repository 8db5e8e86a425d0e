import type { AnswerGate } from './answer-gate.ts';
import { AnswerReader } from './answer-reader.ts';
import { type BenchRequest, REQUESTS, renderRequest } from './bench-requests.ts';
import { LoadConnection, type LoadConnectionOwner } from './load-connection.ts';
import type { LoadPlan, LoadResult } from './load-plan.ts';
import { LatencyRecorder } from './percentiles.ts';
import { UsageMeter } from './usage-meter.ts';

/** Sends requests as planned, checks every answer, and measures between the end of the warm-up and the end. */
export class LoadGenerator implements LoadConnectionOwner {
  readonly request: string;
  private readonly plan: LoadPlan;
  private readonly gate: AnswerGate;
  private readonly expected: BenchRequest;
  private readonly connections: LoadConnection[] = [];
  private readonly latency = new LatencyRecorder();
  private readonly errors: Record<string, number> = {};
  private errorCount = 0;
  private measuring = false;
  private stopped = false;
  private completed = 0;
  /** For a fixed rate: connections without a request, and the times at which the requests that wait for one were due. */
  private readonly idle: LoadConnection[] = [];
  private readonly due: number[] = [];
  private nextDue = 0;

  /** @param gate of the endpoints that the requests end up at */
  constructor(plan: LoadPlan, gate: AnswerGate) {
    this.plan = plan;
    this.gate = gate;
    this.expected = REQUESTS[plan.request];
    this.request = renderRequest(this.expected, plan.pace.kind === 'fresh');
  }

  /** Does the whole plan. Rejects when the proxy can't be reached at all. */
  async run(): Promise<LoadResult> {
    await this.connectAll();
    await this.begin();
    await delay(this.plan.warmupMs);
    const meter = new UsageMeter(this.plan.pid, this.plan.core);
    this.measuring = true;
    const startedAtUs = Number(process.hrtime.bigint() / 1000n);
    const startedAt = performance.now();
    await delay(this.plan.measureMs);
    const seconds = (performance.now() - startedAt) / 1000;
    this.measuring = false;
    const requests = this.completed;
    const usage = meter.stop();
    this.stopped = true;
    const unanswered = this.connections.filter(connection => connection.isWaitingSince(startedAt)).length;
    if (unanswered > 0) this.errors[`no answer within ${this.plan.measureMs} ms`] = unanswered;
    for (const connection of this.connections) connection.close();
    return {
      requests,
      seconds,
      startedAtUs,
      errors: this.errors,
      latency: this.latency.percentiles(),
      usage,
    };
  }

  onAnswer(connection: LoadConnection): void {
    if (this.stopped) return;
    const now = performance.now();
    if (this.measuring) {
      this.completed++;
      this.latency.record((now - connection.sentAt) * 1000);
    }
    this.next(connection, now);
  }

  onError(connection: LoadConnection, reason: string): void {
    if (this.stopped) return;
    this.errors[reason] = (this.errors[reason] ?? 0) + 1;
    // A proxy that refuses everything is not to be hammered for the rest of the time.
    if (++this.errorCount > MOST_ERRORS) this.stopped = true;
    else this.next(connection, performance.now());
  }

  private next(connection: LoadConnection, now: number): void {
    if (this.plan.pace.kind !== 'fixed') connection.send(now);
    else if (this.due.length > 0) connection.send(this.due.shift() as number);
    else this.idle.push(connection);
  }

  private async connectAll(): Promise<void> {
    const fresh = this.plan.pace.kind === 'fresh';
    for (let i = 0; i < this.plan.connections; i++) {
      const reader = new AnswerReader(this.expected.answerLength);
      this.connections.push(new LoadConnection(this, reader, this.plan.port, fresh));
    }
    if (fresh) return;
    for (let i = 0; i < this.connections.length; i += CONNECT_AT_ONCE) {
      await Promise.all(
        this.connections.slice(i, i + CONNECT_AT_ONCE).map(connection => connection.connected()),
      );
    }
  }

  /** Sends the first request on every connection, and lets the answers come when all have arrived, or no more do. */
  private async begin(): Promise<void> {
    this.gate.close();
    for (const connection of this.connections) connection.send(performance.now());
    let before = -1;
    while (this.gate.waiting > before && this.gate.waiting < this.connections.length) {
      before = this.gate.waiting;
      await delay(ARRIVE_WITHIN_MS);
    }
    this.gate.open();
    const { pace } = this.plan;
    if (pace.kind !== 'fixed') return;
    this.nextDue = performance.now();
    this.sendWhatIsDue(1000 / pace.perSecond);
  }

  /** Looks at the clock once per turn of the event loop and never sleeps: timers are too coarse for a request every 100 µs. */
  private sendWhatIsDue(intervalMs: number): void {
    if (this.stopped) return;
    const now = performance.now();
    for (; this.nextDue <= now; this.nextDue += intervalMs) {
      // The connection that has been idle longest, so that all of them are used.
      const connection = this.idle.shift();
      if (connection === undefined) this.due.push(this.nextDue);
      else connection.send(this.nextDue);
    }
    setImmediate(() => this.sendWhatIsDue(intervalMs));
  }
}

const CONNECT_AT_ONCE = 50;
const ARRIVE_WITHIN_MS = 100;
const MOST_ERRORS = 1000;

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
