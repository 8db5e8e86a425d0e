import { parseArgs } from 'node:util';
import { nearest } from '../control-plane/contract/nearest.ts';
import type { Command, Flag, GivenFlag, Invocation } from './command.ts';
import { formatUsage } from './help.ts';

type ParsedArguments =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'wrong'; readonly complaints: readonly string[] };

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/**
 * Reads a command's arguments, and the environment for flags that are not given. Everything that is wrong is found, not
 * only the first thing.
 */
export function parseArguments(
  command: Command,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ParsedArguments {
  const tokens = tokenize(command, args);
  const names = tokens.flatMap(token => (token.kind === 'option' ? token.name : []));
  if (names.includes('help') || names.includes('h')) return { kind: 'help' };
  if (names.includes('version') || names.includes('V')) return { kind: 'version' };

  const complaints: string[] = [];
  const flags = new Map<string, GivenFlag>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind === 'option') takeFlag(command, token, flags, complaints);
  }
  // After another mistake it is not clear what is an operand and what was meant as the value of a flag.
  if (command.operands === null && operands.length > 0 && complaints.length === 0) {
    const found = operands.map(operand => JSON.stringify(operand)).join(' ');
    const file = command.flags.find(({ value }) => value === 'FILE');
    const question =
      file && /\.ya?ml$/.test(operands[0]) ? `; did you mean --${file.name} ${operands[0]}?` : '';
    complaints.push(`takes flags only, found ${found}${question}`);
  }
  const stray = command.operands?.isBehindDashes ? findStray(tokens) : null;
  // Without dashes, flags of the command line may have been taken for own ones.
  if (stray !== null && (complaints.length === 0 || !stray.hasDashes))
    complaints.unshift(`expected -- before ${JSON.stringify(stray.operand)}: ${formatUsage(command)}`);
  for (const flag of command.flags) {
    const given = flags.has(flag.name) ? null : fromEnvironment(flag, environment);
    if (typeof given === 'string') complaints.push(given);
    else if (given !== null) flags.set(flag.name, given);
  }
  if (complaints.length > 0) return { kind: 'wrong', complaints };
  return { kind: 'run', invocation: { flags, operands } };
}

/** The first operand that stands in front of `--`, or without one; null where there is none. */
function findStray(tokens: readonly Token[]): { operand: string; hasDashes: boolean } | null {
  for (const token of tokens) {
    if (token.kind === 'option-terminator') return null;
    if (token.kind === 'positional')
      return { operand: token.value, hasDashes: tokens.some(({ kind }) => kind === 'option-terminator') };
  }
  return null;
}

function tokenize(command: Command, args: readonly string[]): readonly Token[] {
  const options = Object.fromEntries(
    command.flags.map(({ name, value, short }) => {
      const type = value === null ? ('boolean' as const) : ('string' as const);
      return [name, short === undefined ? { type } : { type, short }];
    }),
  );
  // Not strict: its errors come one at a time, and know of no near misses.
  return parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true }).tokens;
}

function takeFlag(
  command: Command,
  token: Extract<Token, { kind: 'option' }>,
  flags: Map<string, GivenFlag>,
  complaints: string[],
): void {
  const { name, rawName, value, inlineValue } = token;
  const flag = command.flags.find(known => known.name === name);
  if (flag === undefined) {
    const known = [...command.flags.map(({ name }) => name), 'help', 'version'];
    complaints.push(`unknown flag ${rawName}${didYouMean(name, known, '--')}`);
    return;
  }
  if (flag.value === null && inlineValue) {
    complaints.push(`--${name} takes no value`);
    return;
  }
  // A value that looks like a flag is one, unless it was said with an equals sign; a dash alone is a file's name.
  const isFlag = !inlineValue && value !== '-' && value?.startsWith('-');
  const isForgotten = value === undefined || value === '' || isFlag;
  if (flag.value !== null && isForgotten) {
    complaints.push(`--${name} needs a value: --${name} ${flag.value}`);
    return;
  }
  const earlier = flags.get(name)?.values ?? [];
  if (earlier.length > 0 && !flag.isRepeatable) {
    complaints.push(`--${name} is given twice`);
    return;
  }
  flags.set(name, { values: [...earlier, value ?? ''], source: `--${name}` });
}

/** The end of a complaint: what was probably meant; empty where that is not clear. */
export function didYouMean(word: string, known: readonly string[], prefix = ''): string {
  const suggestion = nearest(word, known);
  return suggestion === null ? '' : `; did you mean ${prefix}${suggestion}?`;
}

/** An empty variable is none. Where a flag may be repeated, spaces part the values. @returns a complaint where it is wrong */
function fromEnvironment(
  flag: Flag,
  environment: Readonly<Record<string, string | undefined>>,
): GivenFlag | string | null {
  const { variable, value, isRepeatable } = flag;
  const text = (environment[variable] ?? '').trim();
  if (text === '') return null;
  if (value !== null) return { values: isRepeatable ? text.split(/\s+/) : [text], source: variable };
  if (text === 'false' || text === '0') return null;
  if (text === 'true' || text === '1') return { values: [''], source: variable };
  return `${variable}: expected true or false, found ${JSON.stringify(text)}`;
}

/** @returns who has said what a flag has, for messages about it; the flag itself where nobody has */
export function sourceOf(flags: Invocation['flags'], name: string): string {
  return flags.get(name)?.source ?? `--${name}`;
}
