import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget } from '../../../sidecar/policy/retry-budget.ts';

const T = 1_000_000;

function takeAll(budget: RetryBudget, now: number): number {
  let taken = 0;
  while (budget.take(now)) taken++;
  return taken;
}

test('permits the floor of ten seconds where there are no requests', () => {
  assert.equal(takeAll(new RetryBudget({ ratio: 0.2, floor: 3 }), T), 30);
});

test('permits a fifth of the requests beside that', () => {
  const budget = new RetryBudget({ ratio: 0.2, floor: 3 });
  for (let i = 0; i < 1_000; i++) budget.onRequest(T + i);
  assert.equal(takeAll(budget, T + 1_000), 230);
});

test('counts to the last bit', () => {
  const budget = new RetryBudget({ ratio: 0.07, floor: 0 });
  for (let i = 0; i < 100; i++) budget.onRequest(T);
  assert.equal(budget.left(T), 7);
});

test('gives back what is ten seconds old, and forgets requests as well', () => {
  const budget = new RetryBudget({ ratio: 0.5, floor: 0 });
  for (let i = 0; i < 10; i++) budget.onRequest(T);
  assert.equal(takeAll(budget, T), 5);
  for (let i = 0; i < 10; i++) budget.onRequest(T + 5_000);
  assert.equal(budget.left(T + 9_499), 5);
  assert.deepEqual(budget.describe(T + 10_000), { left: 5, requests: 10, retries: 0 });
  assert.deepEqual(budget.describe(T + 15_000), { left: 0, requests: 0, retries: 0 });
  assert.equal(budget.left(T + 1e9), 0);
});

test('keeps what it counted when its bounds change', () => {
  const budget = new RetryBudget({ ratio: 0, floor: 1 });
  assert.equal(takeAll(budget, T), 10);
  budget.configure({ ratio: 0, floor: 2 });
  assert.equal(takeAll(budget, T), 10);
  budget.configure({ ratio: 0, floor: 1 });
  assert.equal(budget.left(T), 0);
});

test('agrees with a list of all that happened', () => {
  const step = fc.record({ after: fc.integer({ min: 0, max: 4_000 }), isRetry: fc.boolean() });
  const anyHistory = fc.record({
    ratio: fc.constantFrom(0, 0.1, 0.2, 1),
    floor: fc.constantFrom(0, 1, 3),
    steps: fc.array(step, { maxLength: 200 }),
  });
  fc.assert(
    fc.property(anyHistory, ({ ratio, floor, steps }) => {
      const budget = new RetryBudget({ ratio, floor });
      const requests: number[] = [];
      const retries: number[] = [];
      let now = 12_345;
      for (const { after, isRetry } of steps) {
        now += after;
        const slot = Math.floor(now / 500);
        const inWindow = (times: number[]) => times.filter(at => Math.floor(at / 500) > slot - 20).length;
        if (!isRetry) {
          budget.onRequest(now);
          requests.push(now);
          continue;
        }
        const permitted = Math.floor(ratio * inWindow(requests) + 1e-9) + floor * 10;
        const expected = inWindow(retries) < permitted;
        assert.equal(budget.take(now), expected);
        if (expected) retries.push(now);
      }
    }),
    { numRuns: 500 },
  );
});
