import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { drawByWeight, Random } from '../../../../sidecar/upstream/balancers/random.ts';
import { endpointsOf, seededRandom } from './endpoints.ts';

describe('Random', () => {
  test('pays no attention to load', () => {
    const endpoints = endpointsOf(1, 1);
    endpoints[0].outstanding = 1000;
    const balancer = new Random(seededRandom(3));
    balancer.update(endpoints);
    const busy = Array.from({ length: 1000 }, () => balancer.pick([])).filter(
      picked => picked === endpoints[0],
    );
    assert.ok(busy.length > 400 && busy.length < 600, `${busy.length} of 1000`);
  });
});

test('a draw hits each endpoint over the width of its weight', () => {
  const endpoints = endpointsOf(1, 2, 1);
  const hits = [0, 0.2499, 0.25, 0.7499, 0.75, 1 - Number.EPSILON].map(
    at => drawByWeight(endpoints, () => at).id,
  );
  assert.deepEqual(hits, ['a', 'a', 'b', 'b', 'c', 'c']);
});
