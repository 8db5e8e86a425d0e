import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateLimit } from '../../../control-plane/api/rate-limit.ts';

test('lets a burst through, then as many as the rate says', () => {
  const limit = new RateLimit({ perSecond: 2, burst: 3 });
  const taken = [0, 0, 0, 0].map(now => limit.take('a', now));
  assert.deepEqual(taken, [null, null, null, 1]);
  assert.equal(limit.take('a', 499), 1);
  assert.equal(limit.take('a', 500), null);
  assert.equal(limit.take('a', 500), 1);
  assert.deepEqual(
    [0, 0, 0, 0].map(() => limit.take('a', 60_000)),
    [null, null, null, 1],
  );
});

test('bounds each address by itself', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1 });
  assert.equal(limit.take('a', 0), null);
  assert.equal(limit.take('b', 0), null);
  assert.equal(limit.take('a', 0), 1);
});

test('says how long to wait where the rate is low', () => {
  const limit = new RateLimit({ perSecond: 0.1, burst: 1 });
  limit.take('a', 0);
  assert.equal(limit.take('a', 1000), 9);
});

test('remembers those that have used it up, however many others come', () => {
  const limit = new RateLimit({ perSecond: 1, burst: 2 });
  for (let i = 0; i < 9_999; i++) limit.take(`early ${i}`, 0);
  limit.take('greedy', 5_000);
  limit.take('greedy', 5_000);
  // The table is full: those whose bucket is full again are forgotten.
  limit.take('late', 5_000);
  assert.equal(limit.take('greedy', 5_000), 1);
});
