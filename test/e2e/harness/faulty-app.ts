import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { endsWithTests } from './ends-with-tests.ts';
import { within } from './until.ts';

const PROGRAM = fileURLToPath(new URL('faulty-app.js', import.meta.url));

/**
 * What it does with requests: `flaky` answers 30 % with 503, `failing` all and `half-failing` half of them with 500, `reset` reads
 * them and resets the connection, `slow` takes a second longer, `hiccups` 300 ms for one in six, `trickle` sends a byte per 100 ms,
 * `tear` breaks off in the middle of the body; `workers` does ten at a time, 20 ms each, and lets the others wait, `short-idle`
 * closes idle connections after 1 s.
 */
export type FaultyMode =
  | 'ok'
  | 'unavailable'
  | 'flaky'
  | 'failing'
  | 'half-failing'
  | 'close'
  | 'reset'
  | 'slow'
  | 'hiccups'
  | 'trickle'
  | 'tear'
  | 'workers'
  | 'short-idle';

interface FaultyAppOptions {
  /** Where it listens; 0: any port. */
  readonly port?: number;
  /** Whether it listens once {@link FaultyApp.listen} tells it to, so that no core is busy with its start then. */
  readonly listensLater?: boolean;
  /** Is told what becomes of requests with an id, a line each; see faulty-app.js. */
  readonly onReport?: (line: string) => void;
}

/** The body of its answer to a request with an id, of at least this length. */
export function answerOf(id: number, length: number): string {
  return `answer to ${id}.`.padEnd(length, '.');
}

/** An endpoint as a process of its own that answers after 5 ms, until it is told otherwise. */
export class FaultyApp {
  readonly name: string;
  port = 0;
  private readonly child: ChildProcess;
  /** Ends when everything that it had told was passed on. */
  private readonly reported: Promise<unknown>;

  static async start(name: string, options: FaultyAppOptions = {}): Promise<FaultyApp> {
    const app = new FaultyApp(name, options);
    const said = await app.line();
    app.port = options.listensLater ? (options.port ?? 0) : Number(said);
    return app;
  }

  private constructor(name: string, { port = 0, listensLater = false, onReport }: FaultyAppOptions) {
    this.name = name;
    const told = [...(listensLater ? ['later'] : []), ...(onReport === undefined ? [] : ['reports'])];
    this.child = spawn(process.execPath, [PROGRAM, name, String(port), ...told], {
      stdio: ['pipe', 'pipe', 'inherit', onReport === undefined ? 'ignore' : 'pipe'],
    });
    endsWithTests(this.child);
    if (onReport === undefined) {
      this.reported = Promise.resolve();
    } else {
      const lines = createInterface({ input: this.child.stdio[3] as Readable });
      lines.on('line', onReport);
      this.reported = once(lines, 'close');
    }
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Begins to listen, where it did not at its start. */
  async listen(): Promise<void> {
    this.port = Number(await this.tell('listen'));
  }

  async become(mode: FaultyMode): Promise<void> {
    await this.tell(mode);
  }

  /** The process stands still; the kernel goes on accepting connections for it. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Ends it, after what it has been asked is answered. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
    await this.reported;
  }

  private async tell(word: string): Promise<string> {
    const answer = this.line();
    this.child.stdin!.write(`${word}\n`);
    return await answer;
  }

  private async line(): Promise<string> {
    const [text] = await within(once(this.child.stdout!, 'data'), `a word of ${this.name}`);
    return String(text).trim();
  }
}
