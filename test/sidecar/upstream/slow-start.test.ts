import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { SlowStart } from '../../../sidecar/upstream/slow-start.ts';
import { endpointsOf } from './balancers/endpoints.ts';

const RAMP_UP = 5_000;
const LOST = failure('connect-failure', 'refused');

/** So many endpoints that serve, and others that do not yet. */
function scene(serving: number, others = 1) {
  const all = endpointsOf(...new Array<number>(serving + others).fill(1));
  const start = new SlowStart<Endpoint>(RAMP_UP);
  start.setMembers(all.slice(0, serving), 0);
  for (const endpoint of all.slice(0, serving)) endpoint.attempts = 10;
  return { start, all };
}

const rampsOf = (endpoints: readonly Endpoint[]) => endpoints.map(({ ramp }) => ramp);

describe('an endpoint that joins others', () => {
  test('gets a tenth of its share first, and all of it in the end', () => {
    const { start, all } = scene(2);
    start.setMembers(all, 1_000);
    assert.deepEqual(rampsOf(all), [1, 1, 0.1]);
    const ramps = [];
    for (let now = 1_500; now <= 6_000; now += 500) {
      assert.equal(start.isPending, true);
      start.sweep(now);
      ramps.push(all[2].ramp);
    }
    assert.deepEqual(ramps, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
    assert.equal(start.isPending, false);
    assert.equal(start.sweep(7_000), false);
  });

  test('has all of it at once where nobody serves yet', () => {
    const all = endpointsOf(1, 1, 1);
    const start = new SlowStart<Endpoint>(RAMP_UP);
    start.setMembers(all.slice(0, 1), 0);
    start.setMembers(all, 100);
    assert.deepEqual(rampsOf(all), [1, 1, 1]);
  });

  test('or where all of the others are of no use', () => {
    const { start, all } = scene(2);
    all[0].noteLost(LOST);
    all[1].isLastResort = true;
    start.setMembers(all, 100);
    assert.equal(all[2].ramp, 1);
  });

  test('or where it takes the place of one that leaves', () => {
    const { start, all } = scene(2);
    start.setMembers(all.slice(1), 100);
    assert.deepEqual(rampsOf(all.slice(1)), [1, 1]);
  });

  test('or of one that is told to take no more', () => {
    const { start, all } = scene(2);
    all[0].weight = 0;
    start.setMembers(all.slice(1), 100);
    assert.deepEqual(rampsOf(all.slice(1)), [1, 1]);
  });

  test('or where that is turned off', () => {
    const { start, all } = scene(2);
    start.configure(0);
    start.setMembers(all, 100);
    assert.equal(all[2].ramp, 1);
  });

  test('or where it was there before', () => {
    const { start, all } = scene(2);
    start.setMembers(all.slice(1, 2), 100);
    start.setMembers(all.slice(0, 2), 200);
    assert.equal(all[0].ramp, 1);
  });
});

describe('while it has a part of its share', () => {
  test('it takes over that of one that leaves, as in a rolling restart', () => {
    const { start, all } = scene(2);
    start.setMembers(all, 100);
    start.setMembers(all.slice(1), 200);
    assert.deepEqual(rampsOf(all.slice(1)), [1, 1]);
  });

  test('several take it over together', () => {
    const { start, all } = scene(3, 2);
    start.setMembers(all, 100);
    start.setMembers(all.slice(1), 200);
    assert.deepEqual(rampsOf(all.slice(1)), [1, 1, 0.5, 0.5]);
  });

  test('it takes over that of one that can not be reached, or is left out', () => {
    for (const lose of [
      (endpoint: Endpoint) => endpoint.noteLost(LOST),
      (endpoint: Endpoint) => Object.assign(endpoint.ejection, { phase: 'out' }),
    ]) {
      const { start, all } = scene(3);
      start.setMembers(all, 100);
      lose(all[0]);
      assert.equal(start.sweep(200), true);
      assert.equal(all[3].ramp, 1);
    }
  });

  test('it has all of it as soon as that is turned off', () => {
    const { start, all } = scene(2);
    start.setMembers(all, 100);
    start.configure(0);
    assert.equal(start.sweep(110), true);
    assert.equal(all[2].ramp, 1);
  });
});

test('the others never get more than before, shares only grow, and all have theirs in the end', () => {
  const step = fc.oneof(
    fc.record({
      what: fc.constantFrom('join' as const, 'leave' as const, 'lose' as const),
      which: fc.nat(9),
    }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 25 }), (serving, steps) => {
      const { start, all } = scene(serving, 10 - serving);
      const members = new Set(all.slice(0, serving));
      const isOfUse = ({ lost }: Endpoint) => lost === null;
      const sum = (of: (endpoint: Endpoint) => number) =>
        [...members].filter(isOfUse).reduce((total, endpoint) => total + of(endpoint), 0);
      let enough = 0;
      let now = 0;
      for (const one of steps) {
        const before = new Map(all.map(endpoint => [endpoint, endpoint.ramp]));
        if (one.what === 'pass') now += one.ms;
        else {
          const endpoint = all[one.which];
          if (one.what === 'lose') endpoint.noteLost(LOST);
          else if (one.what === 'leave') members.delete(endpoint);
          else if (endpoint.attempts === 0 && !members.has(endpoint)) {
            enough = sum(({ share }) => share);
            members.add(endpoint);
          }
          start.setMembers([...members], now);
        }
        start.sweep(now);
        const whole = sum(({ weight }) => weight);
        assert.ok(sum(({ share }) => share) >= Math.min(enough, whole) - 1e-6);
        for (const endpoint of members)
          if (endpoint.start.since !== now) assert.ok(endpoint.ramp >= (before.get(endpoint) ?? 0));
      }
      start.sweep(now + RAMP_UP);
      for (const { ramp } of members) assert.equal(ramp, 1);
      assert.equal(start.isPending, false);
    }),
  );
});
