import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type BalancerName,
  createBalancer,
} from '../../../../sidecar/upstream/balancers/balancer-by-name.ts';
import type { Endpoint } from '../../../../sidecar/upstream/endpoint.ts';
import { endpointsOf, seededRandom } from './endpoints.ts';

const NAMES: readonly BalancerName[] = ['least-request', 'round-robin', 'random'];

/** More endpoints than any balancer looks at one by one. */
const weightsOfSome = fc.array(fc.nat(5), { maxLength: 14 });

for (const name of NAMES) {
  describe(name, () => {
    test('has nothing to pick where there is no endpoint, or none with a weight', () => {
      const balancer = createBalancer(name, seededRandom(1));
      assert.equal(balancer.pick([]), null);
      balancer.update(endpointsOf(0, 0));
      assert.equal(balancer.pick([]), null);
      balancer.update(endpointsOf(1));
      assert.notEqual(balancer.pick([]), null);
      balancer.update([]);
      assert.equal(balancer.pick([]), null);
    });

    test('takes the only endpoint again where there is no other', () => {
      const balancer = createBalancer(name, seededRandom(1));
      const [only] = endpointsOf(1);
      balancer.update([only]);
      assert.equal(balancer.pick([only, only]), only);
    });

    test('once all were tried, takes any but the one that was tried last', () => {
      const balancer = createBalancer(name, seededRandom(1));
      const [a, b, c] = endpointsOf(1, 1, 1);
      balancer.update([a, b, c]);
      const picked = new Set(Array.from({ length: 100 }, () => balancer.pick([c, a, b])));
      assert.deepEqual(picked, new Set([a, c]));
    });

    test('what was tried and has left does not matter', () => {
      const balancer = createBalancer(name, seededRandom(1));
      const [a, b, gone] = endpointsOf(1, 1, 1);
      balancer.update([a, b]);
      for (let i = 0; i < 20; i++) assert.equal(balancer.pick([gone, a]), b);
    });

    test('never picks weight 0, nor what was tried while there is another one', () => {
      fc.assert(
        fc.property(
          weightsOfSome,
          fc.array(fc.nat(13), { maxLength: 5 }),
          fc.integer(),
          (weights, tries, seed) => {
            const endpoints = endpointsOf(...weights);
            const balancer = createBalancer(name, seededRandom(seed));
            balancer.update(endpoints);
            const tried = tries.flatMap(i => (i < endpoints.length ? [endpoints[i]] : []));
            const hasUntried = endpoints.some(endpoint => endpoint.weight > 0 && !tried.includes(endpoint));
            for (let i = 0; i < 20; i++) {
              const picked = balancer.pick(tried);
              if (picked === null) {
                assert.ok(weights.every(weight => weight === 0));
                return;
              }
              assert.ok(picked.weight > 0);
              assert.ok(!hasUntried || !tried.includes(picked));
              picked.outstanding += i % 3;
            }
          },
        ),
      );
    });

    test('picks only from the set it was told last', () => {
      fc.assert(
        fc.property(
          fc.array(fc.array(fc.nat(13), { maxLength: 14 }), { maxLength: 8 }),
          fc.integer(),
          (sets, seed) => {
            const all = endpointsOf(...Array.from({ length: 14 }, (_, i) => 1 + (i % 3)));
            const balancer = createBalancer(name, seededRandom(seed));
            for (const indexes of sets) {
              const current = [...new Set(indexes)].map(i => all[i]);
              balancer.update(current);
              for (let i = 0; i < 10; i++) {
                const picked = balancer.pick([]);
                assert.ok(picked === null ? current.length === 0 : current.includes(picked));
              }
            }
          },
        ),
      );
    });

    for (const weights of [
      [1, 1, 1],
      [1, 2],
      [1, 9],
      [5, 0, 3, 2],
      Array(12).fill(1),
      [...Array(11).fill(2), 6],
    ]) {
      test(`gives idle endpoints the shares that their weights say: ${weights}`, () => {
        const endpoints = endpointsOf(...weights);
        const balancer = createBalancer(name, seededRandom(42));
        balancer.update(endpoints);
        const picks = new Map<Endpoint | null, number>();
        for (let i = 0; i < 20_000; i++) {
          const picked = balancer.pick([]);
          picks.set(picked, (picks.get(picked) ?? 0) + 1);
        }
        const total = weights.reduce((sum: number, weight: number) => sum + weight, 0);
        for (const endpoint of endpoints) {
          const share = (picks.get(endpoint) ?? 0) / 20_000;
          const expected = endpoint.weight / total;
          assert.ok(Math.abs(share - expected) < 0.012, `${endpoint.id}: ${share} of ${expected}`);
        }
      });
    }
  });
}
