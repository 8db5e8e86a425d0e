import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Evidence } from '../../../../sidecar/upstream/outliers/evidence.ts';
import { seededRandom } from '../balancers/endpoints.ts';

/** After how many requests of which a part is bad there is enough evidence; null where there never is. */
function requestsUntilEnough(part: number, seed: number, most: number, usual = 0.01): number | null {
  const evidence = new Evidence();
  const random = seededRandom(seed);
  for (let i = 1; i <= most; i++) if (evidence.add(random() < part, usual, 0.3)) return i;
  return null;
}

describe('Evidence', () => {
  test('is enough after four bad ones in a row where others have none', () => {
    const evidence = new Evidence();
    assert.deepEqual(
      [1, 2, 3, 4].map(() => evidence.add(true, 0.01, 0.3)),
      [false, false, false, true],
    );
  });

  test('is enough after a few requests of which a third is bad, however many were good before', () => {
    const needed = [];
    for (let seed = 1; seed <= 200; seed++) {
      const evidence = new Evidence();
      for (let i = 0; i < 1_000; i++) evidence.add(false, 0.01, 0.3);
      const random = seededRandom(seed);
      let requests = 1;
      while (!evidence.add(random() < 1 / 3, 0.01, 0.3)) requests++;
      needed.push(requests);
    }
    const mean = needed.reduce((sum, count) => sum + count) / needed.length;
    assert.ok(mean < 18, `${mean} requests in the mean`);
  });

  test('is not found against one that is as the others are', () => {
    for (let seed = 1; seed <= 20; seed++) {
      assert.equal(requestsUntilEnough(0.01, seed, 10_000), null);
      assert.equal(requestsUntilEnough(0.05, seed, 2_000, 0.05), null);
    }
  });

  test('is not looked for where others are as bad', () => {
    const evidence = new Evidence();
    for (let i = 0; i < 100; i++) assert.equal(evidence.add(true, 0.3, 0.3), false);
    assert.equal(evidence.isNone, true);
  });

  test('is forgotten with time, and where it is said', () => {
    const evidence = new Evidence();
    for (let i = 0; i < 3; i++) evidence.add(true, 0.01, 0.3);
    evidence.fade();
    assert.equal(evidence.add(true, 0.01, 0.3), false);
    evidence.clear();
    assert.equal(evidence.isNone, true);
  });
});
