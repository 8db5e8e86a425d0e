import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LeastRequest } from '../../../../sidecar/upstream/balancers/least-request.ts';
import type { Endpoint } from '../../../../sidecar/upstream/endpoint.ts';
import { endpointsOf, seededRandom } from './endpoints.ts';

function balancerOf(endpoints: readonly Endpoint[], seed = 7): LeastRequest {
  const balancer = new LeastRequest(seededRandom(seed));
  balancer.update(endpoints);
  return balancer;
}

/** The share of each endpoint's attempts, with `concurrency` of them under way at a time, which end in the order they began. */
function sharesUnderLoad(endpoints: readonly Endpoint[], concurrency: number, rounds = 5000): number[] {
  const balancer = balancerOf(endpoints);
  const running: Endpoint[] = [];
  const counts = new Map<Endpoint, number>();
  for (let i = 0; i < rounds; i++) {
    if (running.length === concurrency) running.shift()!.outstanding--;
    const picked = balancer.pick([])!;
    picked.outstanding++;
    running.push(picked);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return endpoints.map(endpoint => (counts.get(endpoint) ?? 0) / rounds);
}

describe('LeastRequest', () => {
  test('while there are few, always takes the least busy of equals', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }), fc.integer(), (outstanding, seed) => {
        const endpoints = endpointsOf(...outstanding.map(() => 1));
        for (const [i, endpoint] of endpoints.entries()) endpoint.outstanding = outstanding[i];
        const picked = balancerOf(endpoints, seed).pick([]);
        assert.equal(picked?.outstanding, Math.min(...outstanding));
      }),
    );
  });

  test('a stuck endpoint gets nothing more while others answer', () => {
    for (const weights of [
      [1, 1, 1],
      [2, 1, 1],
    ]) {
      const endpoints = endpointsOf(...weights);
      endpoints[0].outstanding = 50;
      const balancer = balancerOf(endpoints);
      for (let i = 0; i < 1000; i++) assert.notEqual(balancer.pick([]), endpoints[0]);
    }
  });

  test('of many, takes the less busy of two: a stuck one is never that', () => {
    const endpoints = endpointsOf(...Array(20).fill(1));
    endpoints[3].outstanding = 50;
    const balancer = balancerOf(endpoints);
    const picked = Array.from({ length: 2000 }, () => balancer.pick([]));
    assert.ok(!picked.includes(endpoints[3]));
    assert.equal(new Set(picked).size, 19);
  });

  test('of many, a further attempt takes the least busy of those not tried', () => {
    const endpoints = endpointsOf(...Array(20).fill(1));
    for (const endpoint of endpoints) endpoint.outstanding = 5;
    endpoints[4].outstanding = 1;
    endpoints[9].outstanding = 0;
    const balancer = balancerOf(endpoints);
    for (let i = 0; i < 50; i++) assert.equal(balancer.pick([endpoints[9]]), endpoints[4]);
  });

  for (const [weights, concurrency, tolerance] of [
    [[1, 1, 1], 1, 0.02],
    [[1, 1, 1], 10, 0.02],
    [[1, 2], 1, 0.02],
    [[1, 2], 30, 0.02],
    [[1, 9], 2, 0.05],
    [[1, 9], 50, 0.02],
    [[1, 1000], 20, 0.001],
    [[1, 100, 100], 30, 0.005],
    [Array(12).fill(1), 40, 0.01],
    [[1, ...Array(10).fill(100)], 40, 0.02],
  ] as const) {
    test(`with ${concurrency} under way, shares follow the weights: ${weights}`, () => {
      const endpoints = endpointsOf(...weights);
      const total = weights.reduce((sum: number, weight: number) => sum + weight, 0);
      for (const [i, share] of sharesUnderLoad(endpoints, concurrency).entries()) {
        const expected = weights[i] / total;
        assert.ok(Math.abs(share - expected) <= tolerance, `${endpoints[i].id}: ${share} of ${expected}`);
      }
    });
  }
});
