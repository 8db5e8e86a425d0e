import type { Usage } from './load-plan.ts';
import { readCoreNotBusy, readMainThreadCpu, readProcessCpu, readResidentBytes } from './proc-stat.ts';

const RESIDENT_EVERY_MS = 100;

/** Measures what a process uses from its construction to {@link stop}. */
export class UsageMeter {
  private readonly pid: number | null;
  private readonly core: number | null;
  private readonly before;
  private readonly timer;
  private residentBytes = 0;

  /**
   * @param pid null for no process
   * @param core the core that the process has to itself; null where it has none
   */
  constructor(pid: number | null, core: number | null) {
    this.pid = pid;
    this.core = core;
    this.timer = setInterval(() => this.lookAtMemory(), RESIDENT_EVERY_MS);
    this.before = this.read();
  }

  /** Null where the machine does not tell. */
  stop(): Usage | null {
    clearInterval(this.timer);
    this.lookAtMemory();
    const { before } = this;
    const after = this.read();
    if (before === null || after === null) return null;
    const userUs = after.process.userUs - before.process.userUs;
    const systemUs = after.process.systemUs - before.process.systemUs;
    const mainUs = after.main.userUs + after.main.systemUs - before.main.userUs - before.main.systemUs;
    return {
      userUs,
      systemUs,
      otherThreadsUs: Math.max(0, userUs + systemUs - mainUs),
      coreBusyUs:
        before.coreNotBusyUs === null || after.coreNotBusyUs === null
          ? null
          : after.at - before.at - (after.coreNotBusyUs - before.coreNotBusyUs),
      residentBytes: this.residentBytes,
    };
  }

  private read() {
    if (this.pid === null) return null;
    const process = readProcessCpu(this.pid);
    const main = readMainThreadCpu(this.pid);
    if (process === null || main === null) return null;
    return {
      at: performance.now() * 1000,
      process,
      main,
      coreNotBusyUs: this.core === null ? null : readCoreNotBusy(this.core),
    };
  }

  private lookAtMemory(): void {
    if (this.pid === null) return;
    this.residentBytes = Math.max(this.residentBytes, readResidentBytes(this.pid) ?? 0);
  }
}
