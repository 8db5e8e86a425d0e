import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatencyRecorder, median, quantile } from './percentiles.ts';

test('takes the nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(quantile(values, 0.5), 50);
  assert.equal(quantile(values, 0.99), 99);
  assert.equal(quantile(values, 0), 1);
  assert.equal(quantile(values, 1), 100);
  assert.throws(() => quantile([], 0.5), /no values/);
});

test('records beyond its first allocation, in any order', () => {
  const recorder = new LatencyRecorder();
  assert.equal(recorder.percentiles(), null);
  const count = 200_000;
  for (let i = count; i >= 1; i--) recorder.record(i);
  assert.deepEqual(recorder.percentiles(), {
    p50: 100_000,
    p90: 180_000,
    p99: 198_000,
    p999: 199_800,
    max: count,
  });
});

test('the median of an even number of values is the mean of the middle two', () => {
  assert.equal(median([4, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
