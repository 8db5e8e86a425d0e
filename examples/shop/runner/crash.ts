/**
 * What to tell of a program that ended though nobody wanted it to.
 * @param how such as `exit code 1`
 * @param log the last lines that it wrote
 */
export function explainCrash(name: string, how: string, log: string): string {
  if (/EADDRINUSE/.test(log)) {
    return `${name}: another program has taken its port meanwhile, such as a shop that was started at the same moment; start this one again`;
  }
  if (log.trim() === '')
    return `${name}: ${how}; it has logged nothing. Is this machine busy with something else?`;
  return `${name}: ${how}; its log ends with\n${log}`;
}
