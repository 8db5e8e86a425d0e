import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leash } from './leash.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;

/** A program to run. */
interface ChildSpec {
  readonly name: string;
  /** The arguments of `node`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Its output is appended here. */
  readonly logFile: string;
  /** Answers 200 as soon as the program does its work. */
  readonly readyUrl: string;
  /** How long that may take, in ms; a minute where it is not said. */
  readonly readyWithinMs?: number;
}

/** `down` is asked for by {@link Child.kill}; an end that nobody asked for is a `crashed`. */
export type ChildState = 'starting' | 'up' | 'down' | 'crashed';

/** A process that can be started again, at the same address, after it was killed. */
export class Child {
  readonly spec: ChildSpec;
  state: ChildState = 'down';
  private readonly leash: Leash;
  private readonly onCrash: (child: Child, how: string) => void;
  private process: ChildProcess | null = null;
  private exited: Promise<void> = Promise.resolve();

  constructor(spec: ChildSpec, leash: Leash, onCrash: (child: Child, how: string) => void) {
    this.spec = spec;
    this.leash = leash;
    this.onCrash = onCrash;
  }

  get name(): string {
    return this.spec.name;
  }

  /**
   * Starts the process and waits until it is ready.
   * @returns false where it was killed, has crashed or was given up before
   */
  async start(signal: AbortSignal): Promise<boolean> {
    this.state = 'starting';
    const log = openSync(this.spec.logFile, 'a');
    // Detached: a Ctrl-C in the terminal is for the runner alone, which then stops everybody in good order.
    const child = spawn(process.execPath, [...this.spec.args], {
      cwd: this.spec.cwd,
      env: this.spec.env,
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    this.process = child;
    this.exited = new Promise(resolve => {
      const gone = (how: string) => {
        if (child.pid !== undefined) this.leash.release(child.pid);
        if (this.process === child) this.process = null;
        // One that was given up is told of already.
        if (this.state !== 'down' && this.state !== 'crashed') {
          this.state = 'crashed';
          this.onCrash(this, how);
        }
        resolve();
      };
      child.once('error', error => gone(error.message));
      child.once('exit', (code, by) => gone(by === null ? `exit code ${code}` : by));
    });
    if (child.pid !== undefined) this.leash.hold(child.pid);
    return this.becomesReady(child, signal);
  }

  /** Sends the signal and waits until the process has ended; one that takes too long over it is killed. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.state = 'down';
    const child = this.process;
    if (child === null) return;
    child.kill(signal);
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await this.exited;
    clearTimeout(impatience);
  }

  private async becomesReady(child: ChildProcess, signal: AbortSignal): Promise<boolean> {
    const { readyUrl, readyWithinMs = READY_WITHIN_MS } = this.spec;
    const giveUpAt = performance.now() + readyWithinMs;
    while (this.process === child && this.state === 'starting' && !signal.aborted) {
      if (await isReady(readyUrl)) {
        // It may have been killed while it answered.
        if (this.process !== child || this.state !== 'starting') return false;
        this.state = 'up';
        return true;
      }
      if (performance.now() > giveUpAt) {
        this.state = 'crashed';
        this.onCrash(this, `was not ready within ${readyWithinMs / 1000} s`);
        child.kill('SIGKILL');
        return false;
      }
      await sleep(30);
    }
    return false;
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(1000),
      headers: { connection: 'close' },
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
