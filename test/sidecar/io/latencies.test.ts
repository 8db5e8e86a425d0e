import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Latencies } from '../../../sidecar/io/latencies.ts';

describe('Latencies', () => {
  test('tell a quantile to within a quarter, and an eighth of a millisecond', () => {
    const latency = fc.double({ min: 0, max: 1_000_000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 50 }),
        fc.constantFrom(0.5, 0.95, 1),
        (all, part) => {
          const latencies = new Latencies();
          for (const ms of all) latencies.add(ms);
          const sorted = [...all].sort((a, b) => a - b);
          const exact = sorted[Math.ceil(all.length * part - 1e-9) - 1];
          const told = latencies.quantile(part);
          assert.ok(told >= exact && told <= exact * 1.25 + 0.5, `${told} for ${exact}`);
        },
      ),
    );
  });

  test('may be as long as they like', () => {
    const latencies = new Latencies();
    // Six days: in eighths of a millisecond just beyond 32 bits.
    latencies.add(2 ** 29 + 10);
    assert.ok(latencies.quantile(1) > 24 * 3_600_000);
  });

  test('of long ago weigh less, and are gone in the end', () => {
    const latencies = new Latencies();
    for (let i = 0; i < 100; i++) latencies.add(1_000);
    for (let i = 0; i < 5; i++) latencies.fade();
    for (let i = 0; i < 100; i++) latencies.add(5);
    assert.ok(latencies.quantile(0.95) < 10);
    for (let i = 0; i < 20; i++) latencies.fade();
    assert.equal(latencies.count, 0);
    assert.equal(latencies.quantile(0.95), 0);
  });
});
