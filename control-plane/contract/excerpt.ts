import { firstProblems, formatProblem, type Problem } from './problem.ts';

/**
 * The line that a problem is about, with a caret under what is wrong; null where there is no line to show. What looks
 * like a secret is blotted out.
 * @param lines the text of the file that the problem is in
 */
export function formatExcerpt({ at, key, suggestion }: Problem, lines: readonly string[]): string | null {
  const line = lines[at.line - 1];
  if (line === undefined || isSecretKey(key) || isSecretKey(suggestion ?? '')) return null;
  // What a secret on a very long line would be is not looked for.
  if (line.length > MAX_LINE && SECRET_WORD.test(line)) return null;
  const shown = blot(line).replace(/\t/g, ' ');
  // Of a line that is far too long only the part around the mistake is shown.
  const start = at.column > MAX_WIDTH - 20 ? at.column - 20 : 0;
  const part = shown.slice(start, start + MAX_WIDTH);
  const column = at.column - 1 - start;
  const length = Math.max(1, Math.min(at.length, part.length - column));
  const margin = `${at.line}`.padStart(4);
  const gutter = ' '.repeat(margin.length);
  return `${margin} | ${part}\n${gutter} | ${' '.repeat(column)}${'^'.repeat(length)}`;
}

const MAX_WIDTH = 110;
const MAX_LINE = 10_000;

const SECRET_WORD = /tok|secret|passw|pwd|credential|api-?key/i;

/** Whether the last step of a key path names a secret. */
function isSecretKey(key: string): boolean {
  return SECRET_WORD.test(key.split(/[^\w-]/).at(-1) ?? '');
}

/** The text without the user and password of the URLs in it. */
export function withoutCredentials(text: string): string {
  return text.slice(0, MAX_LINE).replace(/(:\/\/)[^/@\s"']{1,1000}@/g, '$1***@') + text.slice(MAX_LINE);
}

/** Whatever follows the name of a secret on its line, and what URLs say of users. */
function blot(line: string): string {
  return withoutCredentials(line).replace(
    /((?:tok|secret|passw|pwd|credential|api-?key)[\w-]*["']?\s*:\s*)(.*)$/i,
    (_, name, value) => name + value.replace(/\S/g, '*'),
  );
}

/** The first problems of a file, a line each, with excerpts, and how many more there are. */
export function formatProblemsWithExcerpts(problems: readonly Problem[], lines: readonly string[]): string {
  const { first, more } = firstProblems(problems);
  const shown = first.flatMap(problem => [formatProblem(problem), formatExcerpt(problem, lines)]);
  return [...shown, more].flatMap(line => (line === null ? [] : `${line}\n`)).join('');
}
