import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../../sidecar/exchange/failure.ts';
import type { Endpoint } from '../../../../sidecar/upstream/endpoint.ts';
import { Ejections } from '../../../../sidecar/upstream/outliers/ejections.ts';
import { ARequest, members, settingsOf } from './members.ts';

function ejectionsOf(count: number, values = {}, random = () => 0) {
  const told: string[] = [];
  const all = members(count);
  const ejections = new Ejections<Endpoint>(random, {
    onEjected: ({ id }, reason, ms) => told.push(`${id} ${reason} ${ms}`),
    onRefused: ({ id }) => told.push(`${id} refused`),
    onReturned: ({ id }) => told.push(`${id} back`),
  });
  ejections.configure(settingsOf(values));
  ejections.setMembers(all);
  const used = () => ejections.candidates.map(({ id }) => id).join('');
  return { ejections, all, told, used };
}

/** Lets an endpoint whose time is over answer. */
function answerProbe(ejections: Ejections<Endpoint>, endpoint: Endpoint, now: number): void {
  ejections.sweep(now);
  assert.equal(endpoint.ejection.phase, 'due');
  ejections.probe(endpoint, new ARequest(), now);
  ejections.letBack(endpoint, now);
}

describe('how many are left out', () => {
  for (const [count, most] of [
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [10, 5],
  ]) {
    test(`${most} of ${count} by default`, () => {
      const { ejections, all } = ejectionsOf(count);
      for (const endpoint of all) ejections.eject(endpoint, 'failure-rate', 0);
      assert.equal(ejections.out, most);
    });
  }

  test('never the last one, whatever is permitted', () => {
    const { ejections, all, used, told } = ejectionsOf(3, { maxEjected: 1, panicBelow: 0 });
    for (const endpoint of all) ejections.eject(endpoint, 'failure-rate', 0);
    assert.equal(used(), 'c');
    assert.equal(told.at(-1), 'c refused');
  });

  test('none where nothing is permitted', () => {
    const { ejections, all } = ejectionsOf(10, { maxEjected: 0.09 });
    assert.equal(ejections.eject(all[0], 'failure-rate', 0), false);
  });

  test('not one whose absence leaves only those that are lost or the last resort', () => {
    const { ejections, all } = ejectionsOf(3);
    all[1].lost = failure('connect-failure', 'refused');
    all[2].isLastResort = true;
    assert.equal(ejections.eject(all[0], 'failure-rate', 0), false);
    assert.equal(ejections.eject(all[1], 'failure-rate', 0), true);
  });

  test('those beyond what may be are let in when others have left', () => {
    const { ejections, all, used } = ejectionsOf(4);
    ejections.eject(all[0], 'failure-rate', 0);
    ejections.eject(all[1], 'failure-rate', 100);
    ejections.setMembers(all.slice(0, 3));
    assert.deepEqual([all[0].ejection.isOut, all[1].ejection.isOut], [false, true]);
    ejections.setMembers(all.slice(1, 2));
    assert.equal(used(), 'b');
    assert.equal(ejections.out, 0);
  });

  test('are all used where too few others are of use', () => {
    const { ejections, all, used } = ejectionsOf(4);
    ejections.eject(all[0], 'failure-rate', 0);
    ejections.eject(all[1], 'failure-rate', 0);
    assert.equal(used(), 'cd');
    all[2].lost = failure('connect-failure', 'refused');
    // One of four is a quarter, which is the threshold: still enough.
    assert.equal(used(), 'cd');
    ejections.configure(settingsOf({ panicBelow: 0.3 }));
    assert.equal(used(), 'abcd');
    ejections.configure(settingsOf({ panicBelow: 0 }));
    all[3].lost = failure('connect-failure', 'refused');
    assert.equal(used(), 'abcd', 'a bad endpoint beats none');
  });
});

describe('how long', () => {
  test('longer with each ejection, up to the limit', () => {
    const { ejections, all, told } = ejectionsOf(2, { ejectFor: 10_000, maxEjectFor: 25_000 });
    ejections.eject(all[0], 'failure-rate', 0);
    for (let now = 10_000; told.length < 4; now += 50_000) {
      ejections.sweep(now);
      ejections.eject(all[0], 'failure-rate', now);
    }
    assert.deepEqual(
      told,
      [10_000, 20_000, 25_000, 25_000].map(ms => `a failure-rate ${ms}`),
    );
  });

  test('as long as was asked for, where that is more than the limit', () => {
    const { ejections, all, told } = ejectionsOf(2, { ejectFor: 120_000, maxEjectFor: 60_000 });
    ejections.eject(all[0], 'failure-rate', 0);
    assert.deepEqual(told, ['a failure-rate 120000']);
  });

  test('one ejection is forgiven for each window that the endpoint is back', () => {
    const { ejections, all, told } = ejectionsOf(2, { window: 10_000, maxEjectFor: 300_000 });
    ejections.eject(all[0], 'failure-rate', 0);
    ejections.sweep(10_000);
    ejections.eject(all[0], 'failure-rate', 10_000);
    answerProbe(ejections, all[0], 30_000);
    ejections.eject(all[0], 'failure-rate', 39_999);
    assert.equal(told.at(-1), 'a failure-rate 30000');
    answerProbe(ejections, all[0], 100_000);
    ejections.eject(all[0], 'failure-rate', 120_000);
    assert.equal(told.at(-1), 'a failure-rate 20000');
  });

  test('shorter for those that are gone or silent, and over at once when they answer', () => {
    const { ejections, all, told } = ejectionsOf(2, { lostFor: 1_000, ejectFor: 2_500 });
    ejections.eject(all[0], 'unanswered', 0);
    for (const now of [1_000, 3_000]) {
      ejections.sweep(now);
      ejections.eject(all[0], 'unanswered', now);
    }
    assert.deepEqual(
      told,
      [1_000, 2_000, 2_500].map(ms => `a unanswered ${ms}`),
    );
    ejections.shorten(all[0], 3_100);
    ejections.sweep(3_100);
    assert.equal(all[0].ejection.phase, 'due');
  });

  test('up to a tenth longer at random', () => {
    const { ejections, all, told } = ejectionsOf(2, {}, () => 0.5);
    ejections.eject(all[0], 'failure-rate', 0);
    assert.deepEqual(told, ['a failure-rate 10500']);
  });
});

describe('how they come back', () => {
  test('tried with a request first, then with a share that grows', () => {
    const { ejections, all, used, told } = ejectionsOf(3, { rampUp: 5_000 });
    ejections.eject(all[0], 'failure-rate', 0);
    ejections.sweep(9_999);
    assert.equal(all[0].ejection.phase, 'out');
    ejections.sweep(10_000);
    assert.equal(all[0].ejection.phase, 'due');
    assert.equal(used(), 'bc');
    ejections.probe(all[0], new ARequest(), 10_000);
    assert.equal(used(), 'bc');
    ejections.letBack(all[0], 10_010);
    assert.equal(used(), 'abc');
    assert.equal(told.at(-1), 'a back');
    const shares = [10_010, 12_510, 15_010].map(now => {
      ejections.sweep(now);
      return all[0].share;
    });
    assert.deepEqual(shares, [0.1, 0.5, 1]);
    assert.equal(ejections.isPending, false);
  });

  test('a probe that is lost is followed by another', () => {
    const { ejections, all } = ejectionsOf(2);
    ejections.eject(all[0], 'failure-rate', 0);
    ejections.sweep(10_000);
    ejections.probe(all[0], new ARequest(), 10_000);
    ejections.sweep(14_999);
    assert.equal(all[0].ejection.phase, 'probing');
    ejections.sweep(15_000);
    assert.equal(all[0].ejection.phase, 'due');
  });
});

test('whatever happens, no more than may be are left out, somebody is used, and every ejection ends', () => {
  const action = fc.record({
    what: fc.constantFrom('eject', 'lose', 'find', 'probe', 'fail', 'back', 'members', 'settings'),
    who: fc.nat(7),
    pass: fc.nat(20_000),
    ratio: fc.constantFrom(0, 0.3, 0.5, 0.67, 1),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(action, { maxLength: 60 }), (count, actions) => {
      const { ejections, all } = ejectionsOf(count);
      let now = 0;
      let present: readonly Endpoint[] = all;
      let ratio = 0.5;
      for (const step of actions) {
        now += step.pass;
        ejections.sweep(now);
        const endpoint = present[step.who % present.length];
        const { ejection } = endpoint;
        switch (step.what) {
          case 'eject':
            ejections.eject(endpoint, 'failure-rate', now);
            break;
          case 'lose':
            endpoint.lost = failure('connect-failure', 'refused');
            break;
          case 'find':
            endpoint.lost = null;
            break;
          case 'probe':
            if (ejection.phase === 'due') ejections.probe(endpoint, new ARequest(), now);
            break;
          case 'fail':
            if (ejection.phase === 'probing') ejections.eject(endpoint, 'failure-rate', now);
            break;
          case 'back':
            if (ejection.phase === 'probing') ejections.letBack(endpoint, now);
            break;
          case 'members':
            present = all.slice(0, 1 + (step.who % all.length));
            ejections.setMembers(present);
            break;
          case 'settings':
            ratio = step.ratio;
            ejections.configure(settingsOf({ maxEjected: ratio }));
        }
        assert.ok(ejections.out <= Math.min(Math.floor(present.length * ratio), present.length - 1));
        assert.ok(ejections.candidates.length > 0);
        const isReachable = present.some(({ lost }) => lost === null);
        if (isReachable) assert.ok(ejections.candidates.some(({ lost }) => lost === null));
      }
      ejections.sweep(now + 66_000);
      assert.ok(present.every(({ ejection }) => ejection.phase !== 'out' && ejection.phase !== 'probing'));
    }),
  );
});
