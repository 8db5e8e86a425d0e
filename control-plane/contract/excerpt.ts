import { formatProblem, type Problem } from './problem.ts';

/**
 * The line that a problem is about, with a caret under what is wrong; null where there is no line to show. What looks
 * like a secret is blotted out.
 * @param lines the text of the file that the problem is in
 */
export function formatExcerpt({ at, key, suggestion }: Problem, lines: readonly string[]): string | null {
  const line = lines[at.line - 1];
  if (line === undefined || isSecretKey(key) || isSecretKey(suggestion ?? '')) return null;
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

const SECRET_WORDS = /[\w-]*(tok|secret|passw|pwd|credential|api-?key)[\w-]*$/i;

function isSecretKey(key: string): boolean {
  return SECRET_WORDS.test(key);
}

/** Whatever follows the name of a secret on its line. */
function blot(line: string): string {
  return line.replace(
    /((?:tok|secret|passw|pwd|credential|api-?key)[\w-]*["']?\s*:\s*)(.*)$/i,
    (_, name, value) => name + value.replace(/\S/g, '*'),
  );
}

/** All problems of a file, a line each, with excerpts. */
export function formatProblemsWithExcerpts(problems: readonly Problem[], lines: readonly string[]): string {
  const shown = problems
    .slice(0, MAX_SHOWN)
    .flatMap(problem => [formatProblem(problem), formatExcerpt(problem, lines)]);
  const more = problems.length - MAX_SHOWN;
  if (more > 0) shown.push(`… and ${more} more`);
  return shown.flatMap(line => (line === null ? [] : `${line}\n`)).join('');
}

/** Nobody reads further. */
const MAX_SHOWN = 100;
