import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createWindow } from '../../../sidecar/policy/call-window.ts';

describe('a window of calls', () => {
  test('forgets the oldest call with each one beyond its size', () => {
    const window = createWindow({ kind: 'calls', calls: 2 });
    window.add(true, true, 0);
    window.add(false, true, 0);
    assert.deepEqual(window.totals(0), { calls: 2, failed: 1, slow: 2 });
    window.add(false, false, 0);
    assert.deepEqual(window.totals(0), { calls: 2, failed: 0, slow: 1 });
  });

  test('has what a list of the last calls has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(aCall), (size, calls) => {
        const window = createWindow({ kind: 'calls', calls: size });
        for (const { failed, slow } of calls) window.add(failed, slow, 0);
        assert.deepEqual(window.totals(0), totalsOf(calls.slice(-size)));
      }),
    );
  });
});

describe('a window of time', () => {
  test('forgets calls by tenths of itself, at the latest when they are as old as it is long', () => {
    const window = createWindow({ kind: 'time', ms: 1000 });
    window.add(true, false, 50);
    window.add(false, true, 950);
    assert.deepEqual(window.totals(999), { calls: 2, failed: 1, slow: 1 });
    assert.deepEqual(window.totals(1000), { calls: 1, failed: 0, slow: 1 });
    assert.deepEqual(window.totals(1900), { calls: 0, failed: 0, slow: 0 });
  });

  test('has what a list of calls has that keeps those of the last ten tenths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 5000 }), fc.array(aCall), (ms, calls) => {
        const window = createWindow({ kind: 'time', ms });
        const tenth = (time: number) => Math.floor(time / (ms / 10));
        let now = 0;
        const made = calls.map(call => {
          now += call.after;
          window.add(call.failed, call.slow, now);
          return { ...call, at: now };
        });
        const kept = made.filter(({ at }) => tenth(at) > tenth(now) - 10);
        assert.deepEqual(window.totals(now), totalsOf(kept));
      }),
    );
  });
});

const aCall = fc.record({
  failed: fc.boolean(),
  slow: fc.boolean(),
  after: fc.integer({ min: 0, max: 1500 }),
});

function totalsOf(calls: readonly { failed: boolean; slow: boolean }[]) {
  const count = (is: (call: { failed: boolean; slow: boolean }) => boolean) => calls.filter(is).length;
  return { calls: calls.length, failed: count(call => call.failed), slow: count(call => call.slow) };
}
