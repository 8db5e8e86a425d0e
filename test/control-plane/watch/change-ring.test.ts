import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChangeRing } from '../../../control-plane/watch/change-ring.ts';

const line = (revision: number, service = 'a') => ({ revision, service, line: `${revision}` });

describe('the recent changes', () => {
  test('of the services that are asked for, after a revision', () => {
    const ring = new ChangeRing(10);
    for (const change of [line(11), line(12, 'b'), line(13)]) ring.push(change);
    assert.deepEqual(
      ring.after(10, new Set(['a']))?.map(({ revision }) => revision),
      [11, 13],
    );
    assert.deepEqual(
      ring.after(11, new Set(['a', 'b']))?.map(({ revision }) => revision),
      [12, 13],
    );
    assert.deepEqual(ring.after(13, new Set(['a'])), []);
  });

  test('are not known before the beginning', () => {
    assert.equal(new ChangeRing(10).after(9, new Set(['a'])), null);
  });

  test('are forgotten beyond the capacity, and never told with a gap', () => {
    const ring = new ChangeRing(0, 8);
    for (let revision = 1; revision <= 100; revision++) ring.push(line(revision));
    for (let since = 0; since <= 100; since++) {
      const known = ring.after(since, new Set(['a']));
      if (known === null) continue;
      assert.deepEqual(
        known.map(({ revision }) => revision),
        Array.from({ length: 100 - since }, (_, i) => since + 1 + i),
      );
    }
    assert.equal(ring.after(50, new Set(['a'])), null);
    assert.notEqual(ring.after(95, new Set(['a'])), null);
  });
});
