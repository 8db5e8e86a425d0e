import type { Host } from './command.ts';

/** Tells what is wrong with a command line, and where to read what is right. @returns the exit code */
export function refuseUsage(host: Host, command: string | null, complaints: readonly string[]): number {
  for (const complaint of complaints) host.complain(`${complaint}\n`);
  host.complain(`See outrider ${command === null ? '' : `${command} `}--help.\n`);
  return 2;
}
