import { readdirSync } from 'node:fs';

/** Whether the descriptors of another process can be counted here. */
export const CAN_COUNT_DESCRIPTORS = process.platform === 'linux';

/** How many files, sockets and the like a process has open. Linux only. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
