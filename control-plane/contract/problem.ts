import { type Place, wholeOf } from './source-tree.ts';

/** Something wrong with a configuration. Errors refuse it, warnings don't. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly at: Place;
  /** The setting it is about, as in `upstreams.payments.endpoints[0].port`; empty where it is about the whole file. */
  readonly key: string;
  /** One line for a person; says what was found, what was expected and what was probably meant. */
  readonly message: string;
  readonly found: string | null;
  readonly expected: string | null;
  /** The nearest valid key, or the value in the right notation. */
  readonly suggestion: string | null;
}

/** A setting's place in the configuration: keys, and numbers for the items of a list. */
export type KeyPath = readonly (string | number)[];

export function formatKeyPath(path: KeyPath): string {
  let formatted = '';
  for (const step of path) {
    if (typeof step === 'number') formatted += `[${step}]`;
    else if (!/^[\w-]+$/.test(step)) formatted += `[${JSON.stringify(clip(step))}]`;
    else formatted += formatted === '' ? step : `.${step}`;
  }
  return formatted;
}

/** Makes a problem whose message is nothing but a sentence. */
export function problem(
  at: Place,
  key: string,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem {
  return { severity, at, key, message, found: null, expected: null, suggestion: null };
}

/** @param reason why the file could not be read, in words */
export function unreadable(file: string, reason: string): Problem {
  return problem(wholeOf(file), '', `can not be read: ${reason}`);
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

/** By source, then line and column; what is about the whole comes first. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) =>
      compare(a.at.source, b.at.source) ||
      a.at.line - b.at.line ||
      a.at.column - b.at.column ||
      compare(a.key, b.key),
  );
}

/** How many problems whoever looks for them notes. */
export const MAX_PROBLEMS = 1000;
/** How many problems people are told of. Nobody reads further. */
const MAX_TOLD = 20;

/** The problems that are told of, and a line about the others. */
interface FirstProblems {
  /** In their order: all, or errors rather than warnings where there are too many. */
  readonly first: readonly Problem[];
  /** `… and 3 more`; null where there are none. */
  readonly more: string | null;
}

export function firstProblems(problems: readonly Problem[]): FirstProblems {
  if (problems.length <= MAX_TOLD) return { first: problems, more: null };
  const errors = problems.filter(({ severity }) => severity === 'error').slice(0, MAX_TOLD);
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  const told = new Set([...errors, ...warnings.slice(0, MAX_TOLD - errors.length)]);
  const atLeast = problems.length >= MAX_PROBLEMS ? 'at least ' : '';
  return {
    first: problems.filter(candidate => told.has(candidate)),
    more: `… and ${atLeast}${problems.length - MAX_TOLD} more`,
  };
}

/** The first problems, a line each, and a line that says how many more there are. */
export function formatFirstProblems(problems: readonly Problem[]): string[] {
  const { first, more } = firstProblems(problems);
  return [...first.map(formatProblem), ...(more === null ? [] : [more])];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** `outrider.yaml:3:5: egress.listen: …`, or `--listen: …` for what was not written in a file. */
export function formatProblem({ severity, at, key, message }: Problem): string {
  const where = at.line === 0 ? at.source : `${at.source}:${at.line}:${at.column}`;
  const what = key === '' ? message : `${clip(key, 300)}: ${message}`;
  return severity === 'warning' ? `${where}: warning: ${what}` : `${where}: ${what}`;
}

/** Text from a configuration, made fit to stand in a message: short and on one line. */
export function clip(text: string, length = 60): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
