import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arrivals } from './arrivals.ts';

test('counts what an endpoint says of each request', () => {
  const arrivals = new Arrivals();
  for (const line of ['got 7', 'good 7', 'got 8', 'off 8', 'got 7', 'met', 'met']) arrivals.add(line);
  assert.deepEqual(
    [...arrivals.got],
    [
      [7, 2],
      [8, 1],
    ],
  );
  assert.deepEqual([[...arrivals.good], [...arrivals.off], arrivals.met], [[7], [8], 2]);
});

test('takes no line for another', () => {
  assert.throws(() => new Arrivals().add('gone 7'), /an endpoint said gone 7/);
});
