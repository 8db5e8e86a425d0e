import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BYTE_SIZE_PATTERN,
  formatByteSize,
  parseByteSize,
} from '../../../control-plane/contract/byte-size.ts';

for (const [text, bytes] of [
  ['0B', 0],
  ['512B', 512],
  ['64KiB', 65_536],
  ['1.5MiB', 1_572_864],
  ['1GiB', 1_073_741_824],
] as const) {
  test(`reads ${text} as ${bytes} bytes`, () => assert.equal(parseByteSize(text), bytes));
}

for (const text of [
  '',
  '64',
  '64K',
  '64KB',
  '64kib',
  '64 KiB',
  '-1B',
  '0.3B',
  '0.0001KiB',
  '999999999999TiB',
]) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseByteSize(text), null));
}

test('what was written reads as the same again', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 1024, 1024 ** 2), (amount, unit) => {
      const bytes = amount * unit;
      assert.equal(parseByteSize(formatByteSize(bytes)), bytes);
      assert.match(formatByteSize(bytes), new RegExp(BYTE_SIZE_PATTERN));
    }),
  );
});
