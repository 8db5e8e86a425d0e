import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endsWithTests } from '../e2e/harness/ends-with-tests.ts';

const PROGRAM = fileURLToPath(new URL('endpoint.mjs', import.meta.url));

/** An endpoint that can be killed, stopped and restarted, always at the same address. */
export class EndpointProcess {
  readonly port: number;
  private readonly file: string;
  private child: ChildProcess | null = null;

  /** @param file where it notes the POSTs that it has acted on */
  constructor(port: number, file: string) {
    this.port = port;
    this.file = file;
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, String(this.port), this.file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    endsWithTests(child);
    this.child = child;
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error('the endpoint did not start'))),
    ]);
  }

  /** Ends it, and waits until it has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = this;
    if (child === null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    this.child = null;
  }

  /** Freezes it: its kernel goes on taking connections and bytes. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }
}
