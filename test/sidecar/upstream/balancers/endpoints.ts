import { Endpoint } from '../../../../sidecar/upstream/endpoint.ts';

/** Endpoints named `a`, `b`, … with the given weights. */
export function endpointsOf(...weights: number[]): Endpoint[] {
  return weights.map((weight, i) => {
    const id = String.fromCharCode(97 + i);
    return new Endpoint({ id, address: `10.0.0.${i + 1}`, port: 80, weight, zone: null, version: null });
  });
}

/** Random numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
