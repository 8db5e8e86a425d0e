import { readFileSync } from 'node:fs';
import type { Command } from './child-processes.ts';
import { findProgram } from './programs.ts';

/** Which core the proxy under test has to itself, and which one the load generator and the endpoints share. */
export interface Pinning {
  readonly proxyCore: number;
  readonly loadCore: number;
  readonly taskset: string;
}

/** The first two cores that this process may use, or the reason why nothing can be pinned. */
export function planPinning(): Pinning | { readonly reason: string } {
  const taskset = findProgram('taskset', 'TASKSET');
  if (taskset === null) return { reason: 'taskset (util-linux) is not there' };
  const cores = allowedCores(readFileSync('/proc/self/status', 'latin1'));
  if (cores.length < 2) return { reason: 'there is only one core' };
  return { loadCore: cores[0], proxyCore: cores[1], taskset };
}

/** The list in `Cpus_allowed_list:` of `/proc/PID/status`, such as `0-3,6`. */
export function allowedCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  const cores: number[] = [];
  for (const range of list.split(',').filter(text => text !== '')) {
    const [first, last = first] = range.split('-').map(Number);
    for (let core = first; core <= last; core++) cores.push(core);
  }
  return cores;
}

/** The command, bound to a core. `taskset` replaces itself by the program: the process id is the program's. */
export function pinned(command: Command, pinning: Pinning | null, core: 'proxyCore' | 'loadCore'): Command {
  if (pinning === null) return command;
  return {
    program: pinning.taskset,
    args: ['-c', String(pinning[core]), command.program, ...command.args],
  };
}
