/**
 * What somebody probably meant: the candidate that is the same but for case, dashes and underscores, or else the one
 * with the fewest typing slips, as long as they are few for its length; of several, the one whose number is the nearest. Else
 * the only one that begins so.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null;
  const plain = withoutStyle(word);
  const known = [...candidates];
  let best: string | null = null;
  let bestSlips = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const plainCandidate = withoutStyle(candidate);
    const slips = countSlips(plain, plainCandidate);
    const permitted = Math.max(1, Math.floor(Math.max(plain.length, plainCandidate.length) / 3));
    if (slips > permitted || slips > bestSlips) continue;
    if (slips < bestSlips || distance(plain, plainCandidate) < distance(plain, withoutStyle(best ?? ''))) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best ?? onlyBeginning(plain, known);
}

function onlyBeginning(plain: string, known: readonly string[]): string | null {
  if (plain.length < SHORTEST_BEGINNING) return null;
  const [one, ...others] = known.filter(candidate => withoutStyle(candidate).startsWith(plain));
  return one !== undefined && others.length === 0 ? one : null;
}

/** What is shorter says too little. */
const SHORTEST_BEGINNING = 4;

/** Beyond this nothing is a typing slip of a key. */
const MAX_LENGTH = 64;

/** How far apart the numbers are in two words with one each; infinite where there are none. */
function distance(a: string, b: string): number {
  const difference = Math.abs(numberIn(a) - numberIn(b));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

function numberIn(word: string): number {
  return Number(/\d+/.exec(word)?.[0] ?? Number.NaN);
}

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
