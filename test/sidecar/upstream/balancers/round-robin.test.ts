import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { RoundRobin } from '../../../../sidecar/upstream/balancers/round-robin.ts';
import { endpointsOf, seededRandom } from './endpoints.ts';

function picksOf(balancer: RoundRobin, count: number): string {
  return Array.from({ length: count }, () => balancer.pick([])?.id).join('');
}

describe('RoundRobin', () => {
  test('takes endpoints in turn', () => {
    const balancer = new RoundRobin(() => 0);
    balancer.update(endpointsOf(1, 1, 1));
    assert.equal(picksOf(balancer, 7), 'abcabca');
  });

  test('spreads the turns of a heavier endpoint', () => {
    const balancer = new RoundRobin(() => 0);
    balancer.update(endpointsOf(5, 1, 1));
    assert.equal(picksOf(balancer, 7), 'aabacaa');
  });

  test('begins anywhere, so that sidecars do not go in step', () => {
    const firsts = Array.from({ length: 50 }, (_, seed) => {
      const balancer = new RoundRobin(seededRandom(seed));
      balancer.update(endpointsOf(1, 1, 1));
      return picksOf(balancer, 1);
    });
    assert.deepEqual(new Set(firsts), new Set(['a', 'b', 'c']));
  });

  test('in every round, takes each endpoint as often as its weight says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 6 }),
        fc.integer(),
        (weights, seed) => {
          const endpoints = endpointsOf(...weights);
          const balancer = new RoundRobin(seededRandom(seed));
          balancer.update(endpoints);
          const round = weights.reduce((sum, weight) => sum + weight, 0);
          const picks = picksOf(balancer, 3 * round);
          for (let from = 0; from < picks.length; from += round) {
            const inRound = picks.slice(from, from + round);
            for (const endpoint of endpoints) {
              const count = inRound.split(endpoint.id).length - 1;
              assert.ok(Math.abs(count - endpoint.weight) <= 1, `${picks} for ${weights}`);
            }
          }
        },
      ),
    );
  });

  test('keeps its place when it is told the same set again', () => {
    const endpoints = endpointsOf(3, 2, 1);
    const [undisturbed, disturbed] = [new RoundRobin(() => 0), new RoundRobin(() => 0)];
    undisturbed.update(endpoints);
    let picks = '';
    for (let i = 0; i < 30; i++) {
      disturbed.update(endpoints);
      picks += picksOf(disturbed, 1);
    }
    assert.equal(picks, picksOf(undisturbed, 30));
  });

  test('stays fair however often the set changes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.subarray([0, 1, 2, 3, 4], { minLength: 1 }), fc.nat(20)), { maxLength: 20 }),
        fc.integer(),
        (changes, seed) => {
          const all = endpointsOf(1, 1, 1, 1, 1);
          const balancer = new RoundRobin(seededRandom(seed));
          for (const [indexes, picks] of changes) {
            balancer.update(indexes.map(i => all[i]));
            picksOf(balancer, picks);
          }
          balancer.update(all);
          const after = picksOf(balancer, 10);
          for (const { id } of all) {
            const count = after.split(id).length - 1;
            assert.ok(count >= 1 && count <= 3, `${after} after ${changes.length} changes`);
          }
        },
      ),
    );
  });

  test('an endpoint that was heavy does not pay for it once it is light', () => {
    const [a, b] = endpointsOf(1000, 1);
    const balancer = new RoundRobin(() => 0);
    balancer.update([a, b]);
    picksOf(balancer, 700);
    a.weight = 1;
    balancer.update([a, b]);
    assert.match(picksOf(balancer, 10), /^a{0,3}(b+a+)*b*$/);
    assert.ok(Math.abs(picksOf(balancer, 20).split('a').length - 1 - 10) <= 1);
  });
});
