import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, startProcess } from '../child-processes.ts';
import { type Pinning, pinned } from '../pinning.ts';
import { readProcessCpu } from '../proc-stat.ts';

const START_MS = 30_000;

/** The process that is measured: on a core of its own, started and killed as often as wanted. */
export class ServerProcess {
  private readonly command: Command;
  private readonly pinning: Pinning | null;
  private child: ChildProcess | null = null;

  constructor(command: Command, pinning: Pinning | null) {
    this.command = command;
    this.pinning = pinning;
  }

  /** Starts it. @returns how long it took until it served, in ms */
  async start(isServing: () => Promise<boolean>): Promise<number> {
    const startedAt = performance.now();
    const child = startProcess(pinned(this.command, this.pinning, 'proxyCore'), ['ignore', 'ignore', 'pipe']);
    this.child = child;
    let said = '';
    child.stderr?.on('data', chunk => {
      said = `${said}${chunk}`.slice(-4000);
    });
    let failed: Error | null = null;
    child.on('error', error => {
      failed = error;
    });
    for (;;) {
      if (failed !== null) throw failed;
      if (child.exitCode !== null) throw new Error(`${this.command.program} has ended: ${said}`);
      if (await isServing().catch(() => false)) return performance.now() - startedAt;
      if (performance.now() - startedAt > START_MS)
        throw new Error(`${this.command.program} does not serve: ${said}`);
      await sleep(2);
    }
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** What it has used of processors so far, in µs; null where there is no /proc. */
  cpuUs(): number | null {
    const cpu = readProcessCpu(this.child?.pid ?? 0);
    return cpu === null ? null : cpu.userUs + cpu.systemUs;
  }

  /** How long its threads were ready to run and something else had the core, in µs; null where that is not told. */
  waitedUs(): number | null {
    const tasks = `/proc/${this.child?.pid}/task`;
    const waitedOf = (task: string) => {
      const nanoseconds = readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')[1];
      return Number(nanoseconds) / 1000;
    };
    try {
      return readdirSync(tasks).reduce((sum, task) => sum + waitedOf(task), 0);
    } catch {
      return null;
    }
  }

  /** The most memory that it had resident so far, in bytes; null where there is no /proc. */
  peakBytes(): number | null {
    try {
      const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.child?.pid}/status`, 'latin1'));
      return match === null ? null : Number(match[1]) * 1024;
    } catch {
      return null;
    }
  }
}
