import { didYouMean, parseArguments } from '../command-line/arguments.ts';
import type { Command, Host, Invocation } from '../command-line/command.ts';
import { formatHelp, formatOverview } from '../command-line/help.ts';
import { findMistyped } from '../command-line/mistyped-variables.ts';
import { refuseUsage } from '../command-line/refuse-usage.ts';
import { RUN_COMMAND } from '../sidecar/commands/run.ts';
import { SIDECAR_COMMAND } from '../sidecar/commands/sidecar.ts';

/** What carries requests, and stays. */
const LASTING_COMMANDS: readonly Command[] = [SIDECAR_COMMAND, RUN_COMMAND];

/** The sub-commands of `outrider`, in the order in which help lists them. */
export async function allCommands(): Promise<readonly Command[]> {
  const { OTHER_COMMANDS } = await import('./other-commands.ts');
  return [...LASTING_COMMANDS, ...OTHER_COMMANDS];
}

/** Finds the sub-command and calls it. @returns the exit code */
export async function runCommandLine(args: readonly string[], host: Host): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    host.complain(formatOverview(await allCommands()));
    return 2;
  }
  if (name === '--version' || name === '-V') return say(host, describeVersion(host));
  if (name === '--help' || name === '-h') return say(host, formatOverview(await allCommands()));
  const isHelp = name === 'help';
  const wanted = isHelp ? rest[0] : name;
  if (wanted === undefined) return say(host, formatOverview(await allCommands()));
  const command =
    LASTING_COMMANDS.find(known => known.name === wanted) ??
    (await allCommands()).find(known => known.name === wanted);
  if (command === undefined) return refuseUsage(host, null, describeUnknown(wanted, await allCommands()));
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
      return await runCommand(command, parsed.invocation, host);
  }
}

async function runCommand(command: Command, invocation: Invocation, host: Host): Promise<number> {
  const warnings = await findMistyped(command, host.environment, allCommands);
  if (command.tellsWarnings !== true)
    for (const { variable, message } of warnings) host.complain(`${variable}: warning: ${message}\n`);
  return await command.run({ ...invocation, warnings }, host);
}

function say(host: Host, text: string): number {
  host.print(text);
  return 0;
}

function describeUnknown(name: string, commands: readonly Command[]): string[] {
  if (name.startsWith('-')) return [`unknown flag ${name}${didYouMean(name, ['--help', '--version'])}`];
  const known = [...commands.map(command => command.name), 'help'];
  const question = didYouMean(name, known) || `, expected one of ${known.join(', ')}`;
  return [`unknown command ${name}${question}`];
}

function describeVersion({ version }: Host): string {
  return `outrider ${version} (Node.js ${process.versions.node}, ${process.platform} ${process.arch})\n`;
}
