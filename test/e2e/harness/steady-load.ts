import { get, RawClient } from './raw-client.ts';

interface SteadyLoadOptions {
  readonly port: number;
  readonly perSecond: number;
  /** The request with this number. */
  readonly request?: (number: number) => string;
}

/** Requests at a steady rate, whatever becomes of those before: each on a connection that is free, else on a new one. */
export class SteadyLoad {
  sent = 0;
  answered = 0;
  /** What went wrong, a line each. */
  readonly failures: string[] = [];
  /** How long each answer took, in ms. */
  readonly latencies: number[] = [];
  private readonly options: SteadyLoadOptions;
  private readonly free: RawClient[] = [];
  private readonly under = new Set<Promise<void>>();
  private readonly timer: NodeJS.Timeout;
  private readonly startedAt = performance.now();

  constructor(options: SteadyLoadOptions) {
    this.options = options;
    this.timer = setInterval(() => this.send(), 3);
  }

  /** How many answers took longer. */
  longerThan(ms: number): number {
    return this.latencies.filter(latency => latency > ms).length;
  }

  /** Waits for every answer. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.under);
    for (const client of this.free) client.close();
  }

  private send(): void {
    const due = ((performance.now() - this.startedAt) * this.options.perSecond) / 1000;
    // What was missed because the test itself was held up is not made up for all at once.
    for (let i = 0; i < 3 && this.sent < due; i++) {
      const asked = this.ask(this.sent++).finally(() => this.under.delete(asked));
      this.under.add(asked);
    }
  }

  private async ask(number: number): Promise<void> {
    const { port, request = () => get(`/${number}`) } = this.options;
    const begun = performance.now();
    try {
      const client = this.free.pop() ?? (await RawClient.connect(port));
      const answer = await client.ask(request(number), 30_000);
      this.latencies.push(performance.now() - begun);
      if (answer.status === 200 && answer.isComplete) this.answered++;
      else this.failures.push(`${number}: ${answer.line} ${answer.text.slice(0, 200)}`);
      if (answer.isComplete && answer.field('connection') !== 'close') this.free.push(client);
      else client.close();
    } catch (error) {
      this.failures.push(`${number}: ${error}`);
    }
  }
}
