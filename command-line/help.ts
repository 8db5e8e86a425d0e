import type { Command, Flag } from './command.ts';

/** What `outrider --help` says. */
export function formatOverview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `${[
    'Outrider carries the calls between your services: a sidecar beside each one balances, retries and times out',
    'its outbound HTTP, and the code of the service stays as it is.',
    '',
    'Usage: outrider COMMAND [FLAGS]',
    '',
    'Commands:',
    ...list,
    '',
    'outrider COMMAND --help (or -h, or outrider help COMMAND) tells what a command takes; outrider --version (or -V) tells the version.',
    'Exit codes: 0 fine, 2 bad usage or configuration, 1 anything else.',
    '',
    'A first try, with two copies of a service at ports 9001 and 9002:',
    '  outrider sidecar --listen 127.0.0.1:8080 --upstream inventory=127.0.0.1:9001,127.0.0.1:9002',
    '  curl http://127.0.0.1:8080/',
  ].join('\n')}\n`;
}

/** What `outrider COMMAND --help` says. */
export function formatHelp(command: Command): string {
  const lines = [`Usage: ${formatUsage(command)}`, ''];
  for (const paragraph of command.description.split('\n\n')) lines.push(...wrap(paragraph, WIDTH), '');
  if (command.operands !== null) {
    lines.push(
      `${command.operands.placeholder}`,
      ...wrap(command.operands.description, WIDTH - 4).map(indent),
      '',
    );
  }
  lines.push('Flags:');
  for (const flag of command.flags) {
    lines.push(`  ${formatFlag(flag)}`, ...wrap(describeFlag(flag), WIDTH - 6).map(line => `      ${line}`));
  }
  lines.push(
    '  -h, --help',
    '      Says this.',
    '  -V, --version',
    '      Tells the version.',
    '',
    'Examples:',
  );
  for (const { description, command: line } of command.examples)
    lines.push(`  ${description}:`, `    ${line}`);
  return `${lines.join('\n')}\n`;
}

export function formatUsage({ name, operands }: Command): string {
  const dashes = operands?.isBehindDashes ? '--' : null;
  return ['outrider', name, '[FLAGS]', dashes, operands?.placeholder].filter(Boolean).join(' ');
}

/** `--listen ADDRESS`, `-f, --file FILE` */
export function formatFlag({ name, short, value }: Flag): string {
  const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === null ? names : `${names} ${value}`;
}

function describeFlag(flag: Flag): string {
  const notes = [
    flag.isRepeatable ? 'may be repeated' : null,
    flag.default === null ? null : `default ${flag.default}`,
    `or $${flag.variable}`,
  ].filter(note => note !== null);
  return notes.length === 0 ? flag.description : `${flag.description} (${notes.join('; ')})`;
}

const WIDTH = 100;

function indent(line: string): string {
  return `    ${line}`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
