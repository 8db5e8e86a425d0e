/** How bytes are cut into writes: the same message must mean the same however the network delivers it. */
export type Pieces = (bytes: string) => string[];

/** Everything in one piece. */
export const whole: Pieces = bytes => [bytes];

/** Byte by byte; longer messages around the CR and LF of their first kilobytes, and at random points. */
export function scattered(seed: number): Pieces {
  const random = mulberry32(seed);
  return bytes => {
    if (bytes.length <= 200) return [...bytes];
    const cuts = new Set<number>();
    for (let i = 0; i < 40; i++) cuts.add(1 + Math.floor(random() * (bytes.length - 1)));
    for (let i = 1; i < Math.min(bytes.length, 3000) && cuts.size < 120; i++) {
      if (/[\r\n]/.test(bytes[i] + bytes[i - 1])) cuts.add(i);
    }
    const sorted = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
    return sorted.slice(1).map((end, i) => bytes.slice(sorted[i], end));
  };
}

/** A seed for one case, so that a case run alone is cut as it was in the whole suite. */
export function seedFor(seed: number, name: string): number {
  let hash = seed >>> 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** Tommy Ettinger's mulberry32: small, seeded, good enough to choose cuts. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
