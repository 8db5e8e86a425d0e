import type { TSchema } from '@sinclair/typebox';
import fc from 'fast-check';

/** Values that settings of any kind take, so that many of what is put together is right. */
const SCALARS = [
  '5s',
  '250ms',
  '64KiB',
  '20%',
  3,
  0.5,
  true,
  'off',
  'any',
  'p95',
  'reset',
  'random',
  'POST',
  null,
];

/** What somebody may have written who knows the keys of a schema: right or wrong, a few of them at a time. */
export function writtenBy(schema: TSchema): fc.Arbitrary<unknown> {
  const anything = fc.constantFrom<unknown>(...SCALARS);
  const scalar =
    schema.default === undefined
      ? anything
      : fc.oneof({ weight: 15, arbitrary: fc.constant(schema.default) }, { weight: 1, arbitrary: anything });
  if (schema.patternProperties !== undefined) {
    const [inner] = Object.values(schema.patternProperties as Record<string, TSchema>);
    return fc.dictionary(fc.constantFrom('x-mine', 'X-Mine', 'date', ''), writtenBy(inner!), { maxKeys: 2 });
  }
  if (schema.type === 'object') {
    const settings = Object.entries(schema.properties as Record<string, TSchema>);
    return fc
      .subarray(settings, { maxLength: Math.min(3, settings.length) })
      .chain(some => fc.record(Object.fromEntries(some.map(([key, setting]) => [key, writtenBy(setting)]))));
  }
  return scalar;
}
