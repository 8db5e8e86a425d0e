import { readFileSync } from 'node:fs';

/**
 * What the Linux kernel counts about a process and a core, from `/proc` (see proc(5)). Elsewhere the readers
 * return null, and the bench prints figures without it.
 */
export interface ProcessCpu {
  /** Microseconds in user mode, all threads, those that have ended included. */
  readonly userUs: number;
  /** Microseconds in the kernel on the process's account. */
  readonly systemUs: number;
  readonly threads: number;
}

/** The unit of times in `/proc`: USER_HZ is 100 on every architecture that Node runs on. */
const TICK_US = 10_000;

/** `/proc/PID/stat`. The command's name stands in parentheses and may hold anything, so counting starts after the last one. */
export function parseProcessStat(text: string): ProcessCpu {
  const afterName = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // proc(5) counts from 1 and calls the field after the name, the state, number 3.
  const field = (number: number): number => Number(afterName[number - 3]);
  const cpu = { userUs: field(14) * TICK_US, systemUs: field(15) * TICK_US, threads: field(20) };
  if (Number.isNaN(cpu.userUs + cpu.systemUs + cpu.threads)) throw new Error(`not a process's stat: ${text}`);
  return cpu;
}

/**
 * Microseconds that a core was idle, or the host's, since the machine started, from the core's line in `/proc/stat`:
 * `cpu0 user nice system idle iowait irq softirq steal …`. The rest of the time is the busy time: the columns for that
 * are sampled by the timer tick, which short bursts of work between two naps escape; the idle time is exact.
 */
export function parseCoreNotBusy(text: string, core: number): number {
  const line = text.split('\n').find(candidate => candidate.startsWith(`cpu${core} `));
  if (line === undefined) throw new Error(`no core ${core}`);
  const columns = line.split(/ +/).map(Number);
  const [idle, iowait, steal] = [columns[4], columns[5], columns[8] ?? 0];
  return (idle + iowait + steal) * TICK_US;
}

/** Resident bytes from `/proc/PID/status`. */
export function parseResidentBytes(text: string): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(text);
  if (match === null) throw new Error('no VmRSS');
  return Number(match[1]) * 1024;
}

/** What a process has used so far; null where there is no `/proc` or no such process. */
export function readProcessCpu(pid: number): ProcessCpu | null {
  return read(`/proc/${pid}/stat`, parseProcessStat);
}

/** What the process's first thread has used so far. */
export function readMainThreadCpu(pid: number): ProcessCpu | null {
  return read(`/proc/${pid}/task/${pid}/stat`, parseProcessStat);
}

/** Bytes of physical memory that the process holds, shared pages included. */
export function readResidentBytes(pid: number): number | null {
  return read(`/proc/${pid}/status`, parseResidentBytes);
}

/** See {@link parseCoreNotBusy}. */
export function readCoreNotBusy(core: number): number | null {
  return read('/proc/stat', text => parseCoreNotBusy(text, core));
}

function read<T>(path: string, parse: (text: string) => T): T | null {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return null;
  }
  return parse(text);
}
