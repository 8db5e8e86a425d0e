import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process of the group runs. On Linux those that have ended and that nobody has waited for do not count. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some(name => /^\d+$/.test(name) && isMember(name, group));
}

/** `/proc/[pid]/stat` (proc(5)): behind the name in brackets come the state, the parent, and the group. */
function isMember(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(itsGroup) === group && state !== 'Z' && state !== 'X';
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
