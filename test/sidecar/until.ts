import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';

const PATIENCE_MS = 10_000;

/** Lets the event loop turn until the condition holds: how tests wait for sockets. Fails the test where it never does. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(Date.now() < end, `in vain: ${what}`);
    await nextTurn();
  }
}
