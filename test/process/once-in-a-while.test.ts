import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnceInAWhile } from '../../process/once-in-a-while.ts';

test('the first time is told of, and then one in 10 s', () => {
  let now = 0;
  const telling = new OnceInAWhile(() => now);
  const due = [0, 1, 9_999, 10_000, 10_001, 30_000, 39_999, 40_000].filter(at => {
    now = at;
    return telling.isDue();
  });
  assert.deepEqual(due, [0, 10_000, 30_000, 40_000]);
});
