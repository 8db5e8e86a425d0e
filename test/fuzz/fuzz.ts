import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Random } from './random.ts';

/**
 * Where the cases of this run begin. `FUZZ_SEED` repeats a run: what a failure prints finds the same case at once.
 */
export const FIRST_SEED = numberFrom('FUZZ_SEED') ?? randomInt(2 ** 31);

/**
 * Runs `once` with one seed after the other, for `FUZZ_SECONDS` or as long as is said here.
 * @param once throws where the case fails
 */
export function fuzz(t: TestContext, seconds: number, once: (random: Random) => void): void {
  const until = performance.now() + (numberFrom('FUZZ_SECONDS') ?? seconds) * 1000;
  let seed = FIRST_SEED;
  do {
    try {
      once(new Random(seed));
    } catch (error) {
      throw failed(seed, error);
    }
    seed++;
  } while (performance.now() < until);
  t.diagnostic(`${seed - FIRST_SEED} cases, from FUZZ_SEED=${FIRST_SEED}`);
}

/** What a failed case throws: how to see it again, and why it failed. */
export function failed(seed: number, error: unknown): Error {
  return new Error(`FUZZ_SEED=${seed} shows this again: ${error instanceof Error ? error.message : error}`, {
    cause: error,
  });
}

function numberFrom(variable: string): number | null {
  const text = process.env[variable];
  if (text === undefined || text === '') return null;
  const number = Number(text);
  if (!Number.isFinite(number)) throw new Error(`${variable} is no number: ${text}`);
  return number;
}
