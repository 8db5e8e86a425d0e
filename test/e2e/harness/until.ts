import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds; fails, saying what was waited for, where it does not within `ms`. */
export async function until(
  condition: () => unknown | Promise<unknown>,
  what: string,
  ms = 20_000,
): Promise<void> {
  for (const deadline = performance.now() + ms; !(await condition()); await sleep(5)) {
    assert.ok(performance.now() < deadline, `not within ${ms} ms: ${what}`);
  }
}

/** The promise's value; fails, saying what was waited for, where it has none within `ms`. */
export async function within<T>(promise: Promise<T>, what: string, ms = 20_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
