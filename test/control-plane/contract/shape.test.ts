import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as answers from '../../../control-plane/contract/answers.ts';
import type { JsonSchema } from '../../../control-plane/contract/json-schema.ts';
import { ENDPOINT } from '../../../control-plane/contract/resources.ts';
import {
  document,
  listOf,
  Misshapen,
  mapOf,
  optional,
  orNull,
  readJson,
  record,
  type Shape,
  tagged,
  text,
  toggle,
  UnknownKind,
  whole,
  word,
} from '../../../control-plane/contract/shape.ts';
import { WATCH_MESSAGE } from '../../../control-plane/contract/watch-messages.ts';
import { fits } from './json-schema-check.ts';

const THING = record({
  name: text({ minLength: 1, maxLength: 5 }),
  size: whole({ minimum: 1, maximum: 9 }),
  isRound: toggle(),
  colour: word(['red', 'blue'], { otherwise: 'red' }),
  tags: listOf(text(), { maxItems: 2 }),
  labels: mapOf(text()),
  more: document(),
  owner: orNull(text()),
  notes: optional(listOf(text()), []),
});

const WRITTEN = {
  name: 'ball',
  size: 3,
  isRound: true,
  colour: 'blue',
  tags: ['a'],
  labels: { x: 'y' },
  more: { z: [1] },
  owner: null,
};

function complaintOf(shape: Shape<unknown>, value: unknown): string {
  try {
    shape.read(value, 'it');
  } catch (error) {
    if (error instanceof Misshapen) return error.message;
    throw error;
  }
  return 'none';
}

test('what fits is read, with what may be missing, and without what is not known', () => {
  assert.deepEqual(THING.read({ ...WRITTEN, weight: 7 }, 'it'), { ...WRITTEN, notes: [] });
  assert.equal(THING.read({ ...WRITTEN, colour: 'green' }, 'it').colour, 'red');
});

for (const [member, value, complaint] of [
  ['name', '', 'name is not text'],
  ['name', 'too long', 'name is not text'],
  ['name', undefined, 'name is not text'],
  ['size', 0, 'size is not a whole number from 1 to 9'],
  ['size', 1.5, 'size is not a whole number from 1 to 9'],
  ['size', '3', 'size is not a whole number from 1 to 9'],
  ['isRound', 'true', 'isRound is neither true nor false'],
  ['colour', 7, 'colour is none of red, blue'],
  ['tags', {}, 'tags is not a list'],
  ['tags', ['a', 'b', 'c'], 'tags has more than 2 items'],
  ['tags', [1], 'tags is not text'],
  ['labels', [], 'labels is not an object'],
  ['labels', { x: 1 }, 'x is not text'],
  ['more', null, 'more is not an object'],
  ['owner', undefined, 'owner is not text'],
  ['notes', null, 'notes is not a list'],
] as const) {
  test(`is refused: ${member} that is ${JSON.stringify(value)}`, () => {
    assert.equal(complaintOf(THING, { ...WRITTEN, [member]: value }), complaint);
  });
}

test('a text is read only where it is JSON', () => {
  assert.equal(readJson(whole(), '7', 'the body'), 7);
  assert.throws(() => readJson(whole(), '<html>', 'the body'), { message: 'the body is not JSON' });
});

test('kinds are told apart by their type', () => {
  const shape = tagged({ circle: { radius: whole() }, dot: {} });
  assert.deepEqual(shape.read({ type: 'circle', radius: 2 }, 'it'), { type: 'circle', radius: 2 });
  assert.deepEqual(shape.read({ type: 'dot', radius: 2 }, 'it'), { type: 'dot' });
  assert.throws(() => shape.read({ type: 'square' }, 'it'), UnknownKind);
  assert.equal(complaintOf(shape, { type: 7 }), 'it has no type');
});

/** A value that the schema describes. */
function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.$ref === ENDPOINT.schema.$ref) return arbitraryOf(ENDPOINT.definition);
  const { type, properties, items, additionalProperties } = schema as Record<string, never>;
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    if (schema[keyword] !== undefined) return fc.oneof(...(schema[keyword] as JsonSchema[]).map(arbitraryOf));
  }
  if (schema.enum !== undefined) return fc.constantFrom(...(schema.enum as unknown[]));
  if (schema.const !== undefined) return fc.constant(schema.const);
  switch (type as string) {
    case 'null':
      return fc.constant(null);
    case 'string':
      if (schema.pattern !== undefined) return fc.stringMatching(new RegExp(schema.pattern as string));
      return fc.string({ maxLength: 5 });
    case 'integer':
      return fc.integer({ min: schema.minimum as number, max: (schema.maximum as number) ?? 99_999 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(arbitraryOf(items), { maxLength: 3 });
    default:
      if (properties === undefined) {
        return fc.dictionary(
          fc.string({ minLength: 1, maxLength: 3 }),
          arbitraryOf((additionalProperties as JsonSchema | undefined) ?? { type: 'string' }),
        );
      }
      return fc.record(
        Object.fromEntries(
          Object.entries(properties as Record<string, JsonSchema>).map(([key, inner]) => [
            key,
            arbitraryOf(inner),
          ]),
        ),
        { requiredKeys: schema.required as string[] },
      );
  }
}

test('what its schema describes is read as it is, for every message and answer', () => {
  const { SERVICE, INSTANCE, SIDECAR, EVENT, ACKNOWLEDGEMENT, HEALTH, PROBLEM } = answers;
  for (const shape of [SERVICE, INSTANCE, SIDECAR, EVENT, ACKNOWLEDGEMENT, HEALTH, PROBLEM, WATCH_MESSAGE]) {
    const document = { components: { schemas: { Endpoint: ENDPOINT.definition } } };
    fc.assert(
      fc.property(arbitraryOf(shape.definition), value => {
        const sent = JSON.parse(JSON.stringify(value));
        const read = shape.read(sent, 'it');
        assert.deepEqual(read, shape === PROBLEM ? { errors: [], ...sent } : sent);
        assert.ok(fits(sent, shape.definition, document), shape.name);
      }),
      { seed: 3, numRuns: 100 },
    );
  }
});

test('a document is taken as it is, save one that is too deep for whoever reads it', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}`;
  assert.deepEqual(readJson(document(), nested(2), 'it'), { a: { a: {} } });
  assert.throws(
    () => readJson(document(), nested(5000), 'it'),
    error => error instanceof Misshapen && error.message === 'it is nested too deeply',
  );
});
