import { didYouMean, parseArguments } from '../command-line/arguments.ts';
import type { Command, Host } from '../command-line/command.ts';
import { formatHelp, formatOverview } from '../command-line/help.ts';
import { refuseUsage } from '../command-line/refuse-usage.ts';
import { APPLY_COMMAND } from '../control-plane/commands/apply.ts';
import { CONTROL_PLANE_COMMAND } from '../control-plane/commands/control-plane.ts';
import { GET_COMMAND } from '../control-plane/commands/get.ts';
import { WAIT_COMMAND } from '../control-plane/commands/wait.ts';
import { ROLLOUT_COMMAND } from '../rollout/rollout-command.ts';
import { CHECK_COMMAND } from '../sidecar/commands/check.ts';
import { RUN_COMMAND } from '../sidecar/commands/run.ts';
import { SIDECAR_COMMAND } from '../sidecar/commands/sidecar.ts';
import { VALIDATE_COMMAND } from '../sidecar/commands/validate.ts';

/** The sub-commands of `outrider`, in the order in which help lists them. */
export const COMMANDS: readonly Command[] = [
  SIDECAR_COMMAND,
  RUN_COMMAND,
  CONTROL_PLANE_COMMAND,
  APPLY_COMMAND,
  GET_COMMAND,
  WAIT_COMMAND,
  ROLLOUT_COMMAND,
  VALIDATE_COMMAND,
  CHECK_COMMAND,
];

/** Finds the sub-command and calls it. @returns the exit code */
export async function runCommandLine(args: readonly string[], host: Host): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    host.complain(formatOverview(COMMANDS));
    return 2;
  }
  if (name === '--version' || name === '-V') return say(host, describeVersion(host));
  if (name === '--help' || name === '-h') return say(host, formatOverview(COMMANDS));
  const isHelp = name === 'help';
  const wanted = isHelp ? rest[0] : name;
  if (wanted === undefined) return say(host, formatOverview(COMMANDS));
  const command = COMMANDS.find(known => known.name === wanted);
  if (command === undefined) return refuseUsage(host, null, describeUnknown(wanted));
  if (isHelp) return say(host, formatHelp(command));

  const parsed = parseArguments(command, rest, host.environment);
  switch (parsed.kind) {
    case 'help':
      return say(host, formatHelp(command));
    case 'version':
      return say(host, describeVersion(host));
    case 'wrong':
      return refuseUsage(host, command.name, parsed.complaints);
    case 'run':
      return await command.run(parsed.invocation, host);
  }
}

function say(host: Host, text: string): number {
  host.print(text);
  return 0;
}

function describeUnknown(name: string): string[] {
  if (name.startsWith('-')) return [`unknown flag ${name}${didYouMean(name, ['--help', '--version'])}`];
  const known = [...COMMANDS.map(command => command.name), 'help'];
  const question = didYouMean(name, known) || `, expected one of ${known.join(', ')}`;
  return [`unknown command ${name}${question}`];
}

function describeVersion({ version }: Host): string {
  return `outrider ${version} (Node.js ${process.versions.node}, ${process.platform} ${process.arch})\n`;
}
