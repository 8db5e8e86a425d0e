import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Descriptors } from '../../../sidecar/io/descriptors.ts';

for (const [limit, last] of [
  [64, 55],
  [1024, 959],
  [1_048_576, 1_048_511],
] as const) {
  test(`of ${limit} descriptors, those after number ${last} are kept for other things than accepting`, () => {
    const descriptors = new Descriptors(limit);
    assert.equal(descriptors.isLastResort(last), false);
    assert.equal(descriptors.isLastResort(last + 1), true);
  });
}

test('where the limit is not known, there is no last resort', () => {
  assert.equal(new Descriptors(null).isLastResort(1_000_000), false);
});

test('reads the limit of this process', { skip: process.platform !== 'linux' }, () => {
  assert.ok((new Descriptors().limit ?? 0) >= 64);
});
