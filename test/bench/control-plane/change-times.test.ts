import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChangeTimes } from './change-times.ts';

test('a change takes until the last watcher has applied it, whether the API answers before or after', () => {
  const times = new ChangeTimes();
  times.applied('a', 7, 103);
  times.answered('a', 7, 100, 110, 2, true);
  assert.equal(times.open, 1);
  times.applied('a', 7, 140);
  times.applied('b', 8, 202);
  times.answered('b', 8, 200, 204, 1, true);
  assert.equal(times.open, 0);
  const { last, each, answers } = times.percentiles();
  assert.deepEqual([last?.p50, last?.max], [2_000, 40_000]);
  assert.deepEqual([each?.p50, each?.max], [3_000, 40_000]);
  assert.deepEqual([answers?.p50, answers?.max], [4_000, 10_000]);
});

test('what came while warming up is not counted', () => {
  const times = new ChangeTimes();
  times.answered('a', 7, 100, 110, 1, false);
  times.applied('a', 7, 500);
  assert.deepEqual(times.percentiles(), { last: null, each: null, answers: null });
});
