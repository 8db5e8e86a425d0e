/**
 * What somebody probably meant: the candidate that is the same but for case, dashes and underscores, or else the one
 * with the fewest typing slips, as long as they are few for its length.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null;
  const plain = withoutStyle(word);
  let best: string | null = null;
  let bestSlips = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const plainCandidate = withoutStyle(candidate);
    const slips = countSlips(plain, plainCandidate);
    const permitted = Math.max(1, Math.floor(Math.max(plain.length, plainCandidate.length) / 3));
    if (slips <= permitted && slips < bestSlips) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best;
}

/** Beyond this nothing is a typing slip of a key. */
const MAX_LENGTH = 64;

function withoutStyle(word: string): string {
  return word.replace(/[-_]/g, '').toLowerCase();
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment distance). */
export function countSlips(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}
