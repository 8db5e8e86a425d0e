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
  for (let i = 0; i < 100; i++) budget.onRequest(T + i);
  assert.equal(takeAll(budget, T + 100), 50);
});

test('an upstream that begins to fail gets no more than half a second of good requests has saved', () => {
  const budget = new RetryBudget({ ratio: 0.2, floor: 3 });
  const answered = (from: number, ms: number) => {
    let retries = 0;
    for (let at = from; at < from + ms; at += 2) {
      budget.onRequest(at);
      retries += takeAll(budget, at);
    }
    return retries;
  };
  for (let at = 0; at < 10_000; at += 2) budget.onRequest(T + at);
  // 500 requests a second: 50 were saved, 20 % and 3 a second are earned meanwhile.
  assert.equal(answered(T + 10_000, 5_000), 50 + 500 + 13);
});

test('a floor that is higher than what is saved up in any case may be used up at once', () => {
  const budget = new RetryBudget({ ratio: 0, floor: 10 });
  assert.equal(takeAll(budget, T), 100);
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
  fc.assert(
    fc.property(anyHistory, ({ ratio, floor, steps }) => {
      const budget = new RetryBudget({ ratio, floor });
      const requests: number[] = [];
      const retries: number[] = [];
      const inSlots = (times: number[], from: number, to: number) =>
        times.filter(at => slotOf(at) >= from && slotOf(at) <= to).length;
      let now = 12_345;
      for (const { after, isRetry } of steps) {
        now += after;
        const slot = slotOf(now);
        if (!isRetry) {
          budget.onRequest(now);
          requests.push(now);
          continue;
        }
        const permitted =
          Math.floor(ratio * inSlots(requests, slot - 19, slot) + 1e-9) +
          floor * 10 -
          inSlots(retries, slot - 19, slot);
        const isTaken = budget.take(now);
        // So few requests as these save nothing up beyond what there is in any case.
        const hasMadeFew = inSlots(retries, 0, slot) < 30;
        if (permitted < 1) assert.equal(isTaken, false);
        else if (hasMadeFew) assert.equal(isTaken, true);
        if (isTaken) retries.push(now);
      }
    }),
    { numRuns: 500 },
  );
});

test('in no time are there more retries than were saved up and are earned meanwhile', () => {
  fc.assert(
    fc.property(anyHistory, ({ ratio, floor, steps }) => {
      const budget = new RetryBudget({ ratio, floor });
      const happened: { slot: number; isRetry: boolean }[] = [];
      let now = 12_345;
      for (const { after, isRetry } of steps) {
        now += after / 100;
        if (!isRetry) for (let i = 0; i < 100; i++) budget.onRequest(now);
        else if (!budget.take(now)) continue;
        for (let i = 0; i < (isRetry ? 1 : 100); i++) happened.push({ slot: slotOf(now), isRetry });
      }
      const [first = { slot: 0 }, last = first] = [happened[0], happened.at(-1)];
      for (let from = first.slot; from <= last.slot; from++) {
        const since = happened.filter(({ slot }) => slot >= from);
        const requests = since.filter(({ isRetry }) => !isRetry).length;
        const before = happened.filter(({ slot, isRetry }) => slot === from - 1 && !isRetry).length;
        const saved = Math.max(30, floor * 10, ratio * before);
        const earned = ratio * requests + (floor * (last.slot - from + 1)) / 2;
        assert.ok(since.length - requests <= saved + earned + 1e-6);
      }
    }),
    { numRuns: 300 },
  );
});

const slotOf = (at: number) => Math.floor(at / 500);

const anyHistory = fc.record({
  ratio: fc.constantFrom(0, 0.1, 0.2, 1),
  floor: fc.constantFrom(0, 1, 3),
  steps: fc.array(fc.record({ after: fc.integer({ min: 0, max: 4_000 }), isRetry: fc.boolean() }), {
    maxLength: 200,
  }),
});
