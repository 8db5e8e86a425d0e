import assert from 'node:assert/strict';

/**
 * Holds the detail of a failure to its form: whole sentences, each with a capital letter, or a name that is written as it is, at its
 * beginning, and a full stop at its end.
 * @param names of upstreams that it may speak of; hosts with a port, or a dot, are known by that
 */
export function assertSentences(detail: string, names: readonly string[]): void {
  const problem = problemOf(detail, names);
  assert.equal(problem, null, `${problem}: ${JSON.stringify(detail)}`);
}

/** What is wrong with the form of a detail, or null. */
export function problemOf(detail: string, names: readonly string[]): string | null {
  if (!detail.endsWith('.')) return 'no full stop at the end';
  if (/\.\.|\s\s|\s[.,:;]|\n|\bundefined\b|\bNaN\b|\[object/.test(detail))
    return 'something is put together wrong';
  const beginnings = [...detail.matchAll(/(?:^|[.:] (?=[A-Z])|\. )(\S+)/g)].map(([, word]) => word);
  for (const word of beginnings) {
    const isName = names.includes(word.replace(/[:,]$/, '')) || /[.:]\S/.test(word);
    if (!/^[A-Z]/.test(word) && !isName) return `a sentence that begins with ${word}`;
  }
  if (!detail.includes(' ')) return 'no sentence';
  return null;
}
