/**
 * Whether commands printed what a page shows: the same lines, where `…` stands for anything within a line, a line of `…`
 * alone for any lines, and `<number>` for digits, with as many blanks before it as align them.
 */
export function matchesShown(actual: string, shown: string): boolean {
  const pattern = tidy(shown)
    .split('\n')
    .map(line => (line.trim() === '…' ? '(?:.*\n)*' : `${linePattern(line)}\n`))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${tidy(actual)}\n`);
}

function linePattern(line: string): string {
  return line
    .replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replaceAll('…', '.*')
    .replaceAll(/ *<number>/g, blanks => `${blanks.startsWith(' ') ? ' +' : ''}\\d+(?:\\.\\d+)?`);
}

function tidy(text: string): string {
  return text.replaceAll(/[ \t\r]+$/gm, '').trimEnd();
}
