import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pace, requestsDue } from './load-order.ts';

test('at a steady pace requests are due evenly', () => {
  const pace: Pace = { kind: 'steady', perSecond: 300 };
  assert.deepEqual(
    [0, 3, 4, 10, 1_000, 5_000].map(ms => requestsDue(pace, ms)),
    [0, 0, 1, 3, 300, 1_500],
  );
});

test('a burst comes at the beginning of each second, and nothing after it', () => {
  const pace: Pace = { kind: 'bursts', size: 240, everyMs: 1_000, withinMs: 60 };
  assert.deepEqual(
    [0, 30, 60, 999, 1_000, 1_030, 11_999].map(ms => requestsDue(pace, ms)),
    [0, 120, 240, 240, 240, 360, 2_880],
  );
});
