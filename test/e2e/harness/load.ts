import type { Message } from './message.ts';
import { get, RawClient } from './raw-client.ts';

export interface LoadOptions {
  readonly port: number;
  /** Applications that call at the same time, each on a connection of its own that it keeps as long as it may. */
  readonly workers: number;
  /** The request with this id, which is unique. */
  readonly request?: (id: string) => string;
  /** Why the answer is not the right one, or null. */
  readonly judge?: (answer: Message, id: string) => string | null;
  /** The time between an answer and the next request, in milliseconds. */
  readonly think?: number;
}

/** Applications that call without a pause. Every answer is judged: it has to be the one to the request that was made. */
export class Load {
  /** Requests that were answered as they should be. */
  succeeded = 0;
  /** What went wrong, a line each. */
  readonly failures: string[] = [];
  /** Connections that were opened. */
  connections = 0;
  private readonly options: Required<LoadOptions>;
  private readonly workers: Promise<void>[];
  private isOver = false;

  constructor(options: LoadOptions) {
    this.options = { request: id => get(`/${id}`), judge: echoes, think: 0, ...options };
    this.workers = Array.from({ length: options.workers }, (_, worker) => this.work(worker));
  }

  /** Lets every worker finish what it asked for last. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.workers);
  }

  private async work(worker: number): Promise<void> {
    const { port, request, judge, think } = this.options;
    let client: RawClient | null = null;
    for (let i = 0; !this.isOver; i++) {
      const id = `${worker}-${i}`;
      try {
        if (client === null) {
          client = await RawClient.connect(port);
          this.connections++;
        }
        const answer: Message = await client.ask(request(id), 30_000);
        const complaint = answer.isComplete ? judge(answer, id) : 'broke off';
        if (complaint === null) this.succeeded++;
        else this.failures.push(`${id}: ${complaint}: ${answer.line} ${answer.text.slice(0, 300)}`);
        if (answer.field('connection') !== 'close' && answer.isComplete) {
          if (think > 0) await new Promise(resolve => setTimeout(resolve, think));
          continue;
        }
      } catch (error) {
        this.failures.push(`${id}: ${error}`);
      }
      client?.close();
      client = null;
    }
    client?.close();
  }
}

/** The upstream sends back the path of the request. */
function echoes(answer: Message, id: string): string | null {
  if (answer.status !== 200) return 'failed';
  return answer.text === `/${id}` ? null : 'the answer to another request';
}
