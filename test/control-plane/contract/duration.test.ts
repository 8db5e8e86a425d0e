import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../../../control-plane/contract/duration.ts';

for (const [text, ms] of [
  ['0s', 0],
  ['250ms', 250],
  ['5s', 5_000],
  ['1.5s', 1_500],
  ['0.001s', 1],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['7d', 604_800_000],
] as const) {
  test(`reads ${text} as ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}

for (const text of [
  '',
  '5',
  '5 s',
  ' 5s',
  '5S',
  '-5s',
  '+5s',
  '5e3ms',
  '.5s',
  '5.s',
  '0.5ms',
  '1h30m',
  '5us',
  '9999999999999ms',
  '999999999999d',
]) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseDuration(text), null));
}

for (const [ms, text] of [
  [0, '0s'],
  [1_500, '1500ms'],
  [90_000, '90s'],
  [120_000, '2m'],
  [86_400_000, '1d'],
] as const) {
  test(`writes ${ms} ms as ${text}`, () => assert.equal(formatDuration(ms), text));
}

test('what was written reads as the same again', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 1_000, 60_000, 3_600_000), (amount, unit) => {
      const ms = amount * unit;
      assert.equal(parseDuration(formatDuration(ms)), ms);
      assert.match(formatDuration(ms), new RegExp(DURATION_PATTERN));
    }),
  );
});
