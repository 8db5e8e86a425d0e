import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answered, ChangeTimes } from './change-times.ts';

function answer(fields: Partial<Answered>): Answered {
  const base = { service: 'a', revision: 7, startedAt: 100, now: 110, watchers: 1 };
  return { ...base, isCounted: true, isAcknowledged: false, ...fields };
}

test('a change takes until the last watcher has applied it, whether the API answers before or after', () => {
  const times = new ChangeTimes();
  times.applied('a', 7, 103);
  times.answered(answer({ watchers: 2 }));
  assert.equal(times.open, 1);
  times.applied('a', 7, 140);
  times.applied('b', 8, 202);
  times.answered(answer({ service: 'b', revision: 8, startedAt: 200, now: 204 }));
  assert.equal(times.open, 0);
  const { last, each, answers, acknowledged } = times.percentiles();
  assert.deepEqual([last?.p50, last?.max], [2_000, 40_000]);
  assert.deepEqual([each?.p50, each?.max], [3_000, 40_000]);
  assert.deepEqual([answers?.p50, answers?.max], [4_000, 10_000]);
  assert.equal(acknowledged, null);
});

test('answers that wait for watchers are counted apart', () => {
  const times = new ChangeTimes();
  times.answered(answer({ isAcknowledged: true }));
  const { answers, acknowledged } = times.percentiles();
  assert.deepEqual([answers, acknowledged?.max], [null, 10_000]);
});

test('what came while warming up is not counted', () => {
  const times = new ChangeTimes();
  times.answered(answer({ isCounted: false }));
  times.applied('a', 7, 500);
  assert.deepEqual(times.percentiles(), { last: null, each: null, answers: null, acknowledged: null });
});
