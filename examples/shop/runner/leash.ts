import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./leash-process.js', import.meta.url));

/**
 * Makes sure that nothing outlives the runner: a small process that learns of each child, and that ends them and
 * removes the run's folder once the runner is gone, even if that was by a SIGKILL.
 */
export class Leash {
  private readonly process: ChildProcess;

  /** @param folder what to remove at the end */
  constructor(folder: string) {
    // Detached: a Ctrl-C in the terminal is for the runner alone.
    this.process = spawn(process.execPath, [PROGRAM, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.process.stdin?.on('error', () => {});
  }

  hold(pid: number): void {
    this.process.stdin?.write(`+${pid}\n`);
  }

  release(pid: number): void {
    this.process.stdin?.write(`-${pid}\n`);
  }

  /** Ends whoever is still held, removes the folder, and is done when both have happened. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    await ended;
  }
}
