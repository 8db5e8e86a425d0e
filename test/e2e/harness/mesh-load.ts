import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { until } from './until.ts';

export interface MeshLoadOptions {
  /** The sidecar's shared port. */
  readonly port: number;
  /** What is called, by host name. */
  readonly services: readonly string[];
  readonly workers?: number;
  /** POST is what must not be sent twice. */
  readonly methods?: readonly ('GET' | 'POST')[];
  /** The time between an answer and the worker's next request, in ms. */
  readonly think?: number;
}

/** A request and what became of it. */
export interface Answered {
  readonly service: string;
  /** Who answered, as `SERVICE/ID`; empty where it was no application. */
  readonly by: string;
  /** Why the answer is not the right one; null where it is. */
  readonly complaint: string | null;
  /** Monotonic ms. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Applications that call services through one sidecar without a pause. Every answer is judged. */
export class MeshLoad {
  readonly answers: Answered[] = [];
  private readonly options: Required<MeshLoadOptions>;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly workers: Promise<void>[];
  private isOver = false;

  constructor(options: MeshLoadOptions) {
    this.options = { workers: 6, methods: ['GET', 'POST'], think: 5, ...options };
    this.workers = Array.from({ length: this.options.workers }, (_, worker) => this.work(worker));
  }

  get failures(): Answered[] {
    return this.answers.filter(({ complaint }) => complaint !== null);
  }

  /** Who has answered requests that were made since then, without repetition. @param since monotonic ms */
  answeredBy(since = 0): string[] {
    const made = this.answers.filter(({ startedAt }) => startedAt >= since);
    return [...new Set(made.map(({ by }) => by))].sort();
  }

  /** Waits for so many more answers. */
  async more(count: number, ms = 60_000): Promise<void> {
    const goal = this.answers.length + count;
    await until(() => this.answers.length >= goal || this.failures.length > 0, `${count} more answers`, ms);
    this.assertNoneFailed();
  }

  /** Waits until requests are answered by this one. */
  async reaches(by: string): Promise<void> {
    const since = performance.now();
    await until(() => this.answeredBy(since).includes(by), `an answer of ${by}`);
  }

  /** Lets every worker finish what it asked for last. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.workers);
    this.agent.destroy();
  }

  assertNoneFailed(): void {
    const told = this.failures.slice(0, 5).map(({ complaint }) => complaint);
    assert.equal(
      told.length,
      0,
      `${this.failures.length} of ${this.answers.length} failed: ${told.join('; ')}`,
    );
  }

  private async work(worker: number): Promise<void> {
    const { services, methods, think } = this.options;
    for (let i = 0; !this.isOver; i++) {
      const service = services[(worker + i) % services.length]!;
      const method = methods[(worker + (i >> 1)) % methods.length]!;
      this.answers.push(await this.ask(service, method, `/${worker}-${i}`));
      await new Promise(resolve => setTimeout(resolve, think));
    }
  }

  private ask(service: string, method: string, path: string): Promise<Answered> {
    const startedAt = performance.now();
    return new Promise(resolve => {
      const settle = (by: string, complaint: string | null) =>
        resolve({ service, by, complaint, startedAt, endedAt: performance.now() });
      const fail = (error: Error) => settle('', `${method} ${service}${path}: ${error.message}`);
      const { port } = this.options;
      const headers = { host: service };
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: this.agent }, answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', chunk => {
          text += chunk;
        });
        answer.on('error', fail);
        answer.on('end', () => {
          const [by = ''] = text.split(' ');
          const isRight = text === `${by} ${method} ${path}` && by.startsWith(`${service}/`);
          if (answer.statusCode === 200 && isRight) settle(by, null);
          else settle('', `${method} ${service}${path}: ${answer.statusCode} ${text}`);
        });
      });
      sent.setTimeout(30_000, () => sent.destroy(new Error('no answer within 30 s')));
      sent.on('error', fail);
      sent.end(method === 'POST' ? 'x' : undefined);
    });
  }
}
