import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpointWeights } from '../../../sidecar/discovery/srv-weights.ts';

const cases: [given: number[], weights: number[]][] = [
  [
    [1, 2, 3],
    [1, 2, 3],
  ],
  [
    [1000, 1],
    [1000, 1],
  ],
  [
    [0, 0],
    [1, 1],
  ],
  [[0], [1]],
  [
    [0, 1],
    [1, 1000],
  ],
  [
    [0, 10, 20],
    [1, 500, 1000],
  ],
  [
    [65535, 65535],
    [1000, 1000],
  ],
  [
    [60000, 30000, 1],
    [1000, 500, 1],
  ],
];
for (const [given, weights] of cases) {
  test(`${given} become ${weights}`, () => {
    assert.deepEqual(endpointWeights(given), weights);
  });
}

test('every weight is one that an endpoint may have, and a heavier record is never the lighter endpoint', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(65_535), { minLength: 1, maxLength: 10 }), given => {
      const weights = endpointWeights(given);
      for (const weight of weights) assert.ok(Number.isInteger(weight) && weight >= 1 && weight <= 1000);
      for (const [i, one] of given.entries()) {
        for (const [k, other] of given.entries()) assert.ok(one < other || weights[i] >= weights[k]);
      }
    }),
  );
});
