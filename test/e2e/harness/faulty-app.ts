import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endsWithTests } from './ends-with-tests.ts';
import { within } from './until.ts';

const PROGRAM = fileURLToPath(new URL('faulty-app.js', import.meta.url));

/** What it does with requests: `flaky` answers 30 % with 503, `slow` takes a second longer, `tear` breaks off in the middle. */
export type FaultyMode = 'ok' | 'unavailable' | 'flaky' | 'close' | 'slow' | 'trickle' | 'tear';

/** An endpoint as a process of its own that answers after 5 ms, until it is told otherwise. */
export class FaultyApp {
  readonly name: string;
  port = 0;
  private readonly child: ChildProcess;

  static async start(name: string): Promise<FaultyApp> {
    const app = new FaultyApp(name);
    app.port = Number(await app.line());
    return app;
  }

  private constructor(name: string) {
    this.name = name;
    this.child = spawn(process.execPath, [PROGRAM, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    endsWithTests(this.child);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async become(mode: FaultyMode): Promise<void> {
    const confirmed = this.line();
    this.child.stdin!.write(`${mode}\n`);
    await confirmed;
  }

  /** The process stands still; the kernel goes on accepting connections for it. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  private async line(): Promise<string> {
    const [text] = await within(once(this.child.stdout!, 'data'), `a word of ${this.name}`);
    return String(text).trim();
  }
}
