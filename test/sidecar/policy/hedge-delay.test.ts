import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HedgeDelay } from '../../../sidecar/policy/hedge-delay.ts';

/** One that was told of these latencies at this time. */
function told(after: ConstructorParameters<typeof HedgeDelay>[0], latencies: readonly number[], now = 0) {
  const delay = new HedgeDelay(after);
  for (const ms of latencies) delay.add(ms, now);
  return delay;
}

const oneToHundred = Array.from({ length: 100 }, (_, i) => i + 1);

test('a fixed time is what it is, and has nothing to learn', () => {
  const delay = new HedgeDelay(50);
  assert.deepEqual([delay.at(0), delay.learns], [50, false]);
});

describe('a percentile', () => {
  test('is that of sorted latencies, up to a quarter too long', () => {
    const latency = fc.double({ min: 0, max: 100_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 100, maxLength: 300 }),
        fc.constantFrom('p50', 'p75', 'p90', 'p95', 'p99' as const),
        fc.nat(4_999),
        (latencies, after, now) => {
          const sorted = [...latencies].sort((a, b) => a - b);
          const part = Number(after.slice(1)) / 100;
          const exact = sorted[Math.ceil(sorted.length * part - 1e-9) - 1];
          const at = told(after, latencies).at(now) ?? Number.NaN;
          assert.ok(at >= exact && at <= exact * 1.25 + 0.5, `${at} for ${exact}`);
        },
      ),
    );
  });

  test('is not known before there are 20 answers, and of one in a hundred 100', () => {
    for (const [after, enough] of [
      ['p50', 20],
      ['p95', 20],
      ['p99', 100],
    ] as const) {
      assert.equal(told(after, oneToHundred.slice(0, enough - 1)).at(0), null);
      assert.notEqual(told(after, oneToHundred.slice(0, enough)).at(0), null);
    }
  });

  test('is computed anew every 100 ms', () => {
    const delay = told('p50', []);
    assert.equal(delay.at(0), null);
    for (const ms of oneToHundred) delay.add(ms, 50);
    assert.equal(delay.at(99), null);
    assert.equal(delay.at(100), 56);
  });

  test('follows what has changed within 10 s, and is forgotten where nothing comes', () => {
    const delay = told('p50', new Array(1_000).fill(5));
    for (let now = 0; now < 10_000; now += 10) delay.add(100, now);
    assert.ok((delay.at(10_000) ?? 0) >= 100);
    assert.equal(delay.at(3_600_000), null);
    for (const ms of oneToHundred) delay.add(ms, 3_600_000);
    assert.equal(delay.at(3_600_100), 56);
  });

  test('may become another, or a fixed time, and what is known stays', () => {
    const delay = told('p50', oneToHundred);
    assert.equal(delay.at(0), 56);
    delay.configure(30);
    assert.equal(delay.at(0), 30);
    delay.configure('p95');
    assert.equal(delay.at(0), 96);
  });
});
