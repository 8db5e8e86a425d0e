import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRatio, parseRatio } from '../../../control-plane/contract/ratio.ts';

for (const [text, ratio] of [
  ['0%', 0],
  ['0.5%', 0.005],
  ['7%', 0.07],
  ['20%', 0.2],
  ['33.3333%', 0.333333],
  ['100%', 1],
] as const) {
  test(`reads ${text} as ${ratio}`, () => assert.equal(parseRatio(text), ratio));
}

for (const text of ['', '20', '0.2', '101%', '100.1%', '-1%', '1e1%', '20 %', '1.23456%']) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseRatio(text), null));
}

test('what was read and written reads as the same again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), parts => {
      const ratio = parseRatio(`${parts / 10_000}%`);
      assert.notEqual(ratio, null);
      assert.equal(parseRatio(formatRatio(ratio!)), ratio);
    }),
  );
});
