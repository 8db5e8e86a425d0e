import type { Random } from './random.ts';

/** Cuts a text into pieces at random places: into a few, or into very many. */
export function cut(text: string, random: Random): string[] {
  const mean = random.pick([1, 2, 7, 40, 300]);
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + random.below(2 * mean - 1);
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}
