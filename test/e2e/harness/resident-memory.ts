import { readFileSync } from 'node:fs';

/** Whether the memory of another process can be read here. */
export const CAN_READ_MEMORY = process.platform === 'linux';

/** Follows the resident memory of a process. */
export class ResidentMemory {
  /** Bytes at the start. */
  readonly before: number;
  /** The most that was seen, in bytes. */
  peak: number;
  private readonly pid: number;
  private readonly timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.pid = pid;
    this.before = residentBytes(pid);
    this.peak = this.before;
    this.timer = setInterval(() => this.look(), 20);
  }

  /** Ends. @returns by how much it grew at most, in MiB */
  stop(): number {
    clearInterval(this.timer);
    this.look();
    return (this.peak - this.before) / 1024 / 1024;
  }

  private look(): void {
    this.peak = Math.max(this.peak, residentBytes(this.pid));
  }
}

/** The resident memory of a process in bytes. Linux only. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}
