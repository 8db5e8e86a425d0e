import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENCY_BOUNDS_MS, LatencyHistogram } from '../../../sidecar/telemetry/latency-histogram.ts';

test('a duration is counted in the first bucket whose bound it does not exceed', () => {
  for (const [i, bound] of LATENCY_BOUNDS_MS.entries()) {
    const histogram = new LatencyHistogram();
    histogram.observe(bound);
    histogram.observe(bound + 0.001);
    assert.equal(histogram.counts[i], 1, `${bound} ms`);
    assert.equal(histogram.counts[i + 1], 1, `just above ${bound} ms`);
  }
});

test('bounds reach from half a millisecond to a minute and ascend', () => {
  assert.equal(LATENCY_BOUNDS_MS[0], 0.5);
  assert.equal(LATENCY_BOUNDS_MS.at(-1), 60_000);
  assert.deepEqual(
    [...LATENCY_BOUNDS_MS],
    [...LATENCY_BOUNDS_MS].sort((a, b) => a - b),
  );
});

test('count and sum cover all buckets', () => {
  const histogram = new LatencyHistogram();
  for (const ms of [0, 0.2, 3, 700, 1e6]) histogram.observe(ms);
  assert.equal(histogram.count, 5);
  assert.equal(histogram.sumMs, 1_000_703.2);
});
