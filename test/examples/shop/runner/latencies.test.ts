import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Latencies } from '../../../../examples/shop/runner/latencies.ts';

function recorded(...values: number[]): Latencies {
  const latencies = new Latencies();
  for (const value of values) latencies.record(value);
  return latencies;
}

describe('latencies', () => {
  it('know nothing before anything was recorded', () => {
    const latencies = new Latencies();
    assert.equal(latencies.percentile(0.99), 0);
    assert.equal(latencies.max, 0);
  });

  it('tell percentiles within 2 %, never below the true one', () => {
    const latencies = recorded(...Array.from({ length: 1000 }, (_, i) => (i + 1) / 10));
    for (const [share, exact] of [
      [0.5, 50],
      [0.95, 95],
      [0.99, 99],
    ] as const) {
      const told = latencies.percentile(share);
      assert.ok(told >= exact && told <= exact * 1.021, `p${share * 100}: ${told}`);
    }
  });

  it('tell no more than the longest', () => {
    assert.equal(recorded(7).percentile(0.5), 7);
    assert.equal(recorded(1, 2, 7).percentile(1), 7);
  });

  it('keep what is beyond the buckets', () => {
    const latencies = recorded(0, 0.001, 500_000);
    assert.ok(latencies.percentile(0.5) <= 0.05);
    assert.equal(latencies.max, 500_000);
    assert.equal(latencies.count, 3);
  });

  it('add up to the same as if all had been recorded in one', () => {
    const sum = recorded(1, 5, 9);
    sum.add(recorded(2, 100));
    const one = recorded(1, 5, 9, 2, 100);
    assert.deepEqual(sum, one);
  });
});
