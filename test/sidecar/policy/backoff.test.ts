import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from '../../../sidecar/policy/backoff.ts';

test('waits up to a bound that doubles to a maximum', () => {
  const almost = 1 - Number.EPSILON;
  const bounds = [1, 2, 3, 4, 5, 100, 5_000].map(retry => Math.round(backoff(retry, 25, 250, almost)));
  assert.deepEqual(bounds, [25, 50, 100, 200, 250, 250, 250]);
});

test('waits anything from nothing on', () => {
  assert.equal(backoff(3, 25, 250, 0), 0);
  assert.equal(backoff(3, 25, 250, 0.25), 25);
  assert.equal(backoff(1, 0, 0, 0.5), 0);
});
