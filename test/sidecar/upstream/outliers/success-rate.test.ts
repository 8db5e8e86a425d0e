import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { areOutliers } from '../../../../sidecar/upstream/outliers/success-rate.ts';

describe('a rate of success', () => {
  test('is an outlier below the mean by more than the given deviations', () => {
    // Mean 0.9, deviation 0.2: the threshold is at 0.52.
    assert.deepEqual(areOutliers([1, 1, 1, 1, 0.5], 1.9), [false, false, false, false, true]);
    assert.deepEqual(areOutliers([1, 1, 1, 1, 0.5], 2.1), [false, false, false, false, false]);
  });

  test('is none where it is good all the same', () => {
    assert.ok(!areOutliers([1, 1, 1, 1, 0.99], 1.9).includes(true));
  });

  test('is none where all are the same', () => {
    assert.ok(!areOutliers([0.2, 0.2, 0.2, 0.2, 0.2], 1.9).includes(true));
  });
});
