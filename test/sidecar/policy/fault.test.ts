import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Policy } from '../../../control-plane/contract/policy.ts';
import { FaultInjector, type FaultSettings, NO_FAULT } from '../../../sidecar/policy/fault.ts';
import { policyOf } from '../policies.ts';

function settings(yaml: string): FaultSettings {
  const { fault } = policyOf(`fault: ${yaml}`) as Policy;
  assert.ok(fault);
  return fault;
}

const never = () => 0.999_999;
const always = () => 0;

test('delays and aborts are drawn each by itself, by their part', () => {
  const injector = new FaultInjector(
    settings('{ delay: { for: 200ms, percent: 30% }, abort: { with: 500, percent: 10% } }'),
    0,
  );
  const decide = (...draws: number[]) => injector.decide([], () => draws.shift() ?? assert.fail(), 0);
  assert.deepEqual(decide(0.29, 0.1), { delay: 200, abort: null });
  assert.deepEqual(decide(0.3, 0.09), { delay: 0, abort: 500 });
  assert.deepEqual(decide(0.29, 0.09), { delay: 200, abort: 500 });
  assert.equal(decide(0.3, 0.1), NO_FAULT);
});

test('all of the requests by default, and none at 0 %', () => {
  assert.deepEqual(new FaultInjector(settings('{ abort: {} }'), 0).decide([], never, 0), {
    delay: 0,
    abort: 503,
  });
  const none = new FaultInjector(settings('{ abort: { percent: 0% }, delay: { for: 1s, percent: 0% } }'), 0);
  assert.equal(none.decide([], always, 0), NO_FAULT);
});

for (const [match, fields, isMeant] of [
  ['[{ name: X-Canary }]', ['x-canary', ''], true],
  ['[{ name: x-canary }]', ['X-CANARY', 'no'], true],
  ['[{ name: x-canary }]', ['x-other', 'yes'], false],
  ['[{ name: x-canary, value: "yes" }]', ['x-canary', 'yes'], true],
  ['[{ name: x-canary, value: "yes" }]', ['x-canary', 'yes!'], false],
  ['[{ name: x-canary, value: "yes" }]', ['x-canary', 'Yes'], false],
  ['[{ name: x-user, prefix: test- }]', ['x-user', 'test-7'], true],
  ['[{ name: x-user, prefix: test- }]', ['x-user', 'tester'], false],
  ['[{ name: x-a }, { name: x-b }]', ['x-a', '1'], false],
  ['[{ name: x-a }, { name: x-b }]', ['x-b', '1', 'x-a', '1'], true],
  ['[]', [], true],
] as const) {
  test(`${match} is ${isMeant ? '' : 'not '}about ${JSON.stringify(fields)}`, () => {
    const injector = new FaultInjector(settings(`{ abort: {}, match: ${match} }`), 0);
    assert.equal(injector.decide([...fields], always, 0) !== NO_FAULT, isMeant);
  });
}

test('ends by itself when its time is over, to the millisecond', () => {
  const injector = new FaultInjector(settings('{ abort: {}, ttl: 10s }'), 5_000);
  assert.equal(injector.decide([], always, 14_999).abort, 503);
  assert.equal(injector.decide([], always, 15_000), NO_FAULT);
  assert.deepEqual([injector.left(5_000), injector.left(15_000), injector.left(99_000)], [10_000, 0, 0]);
});

test('does what a simple model does, however it is configured and whenever it is asked', () => {
  const faults = [
    '{ abort: {}, ttl: 10s }',
    '{ abort: { with: 500 }, ttl: 3s }',
    '{ abort: {}, ttl: 5s }',
  ].map(settings);
  const step = fc.record({
    pass: fc.integer({ min: 0, max: 6_000 }),
    configure: fc.option(fc.integer({ min: 0, max: faults.length - 1 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      let now = 0;
      let current = 0;
      let since = 0;
      const injector = new FaultInjector(faults[0]!, now);
      for (const { pass, configure } of steps) {
        now += pass;
        if (configure !== null) {
          if (configure !== current) since = now;
          current = configure;
          injector.configure({ ...faults[configure]! }, now);
        }
        const isOn = now < since + faults[current]!.ttl;
        assert.equal(injector.decide([], always, now) !== NO_FAULT, isOn);
      }
    }),
  );
});

test('hits the part that it was told', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 }), percent => {
      const injector = new FaultInjector(settings(`{ abort: { percent: ${percent}% } }`), 0);
      let draw = 0;
      const evenly = () => (draw++ + 0.5) / 1000;
      const hit = Array.from({ length: 1000 }, () => injector.decide([], evenly, 0)).filter(
        fault => fault !== NO_FAULT,
      );
      assert.equal(hit.length, percent * 10);
    }),
  );
});
