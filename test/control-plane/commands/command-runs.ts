import { parseArguments } from '../../../command-line/arguments.ts';
import type { Command } from '../../../command-line/command.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, with what stands behind its name on the command line. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const parsed = parseArguments(command, args, environment);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  let stdout = '';
  let stderr = '';
  const code = await command.run(parsed.invocation, {
    environment,
    version: '1.2.3',
    print: text => {
      stdout += text;
    },
    complain: text => {
      stderr += text;
    },
  });
  return { code, stdout, stderr };
}
