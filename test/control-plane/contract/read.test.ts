// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Static, TObject } from '@sinclair/typebox';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import { defaultsOf, read } from '../../../control-plane/contract/read.ts';
import {
  byteSize,
  choice,
  count,
  decimal,
  duration,
  either,
  label,
  listOf,
  mapOf,
  optional,
  ratio,
  secret,
  section,
  text,
  toggle,
} from '../../../control-plane/contract/setting.ts';
import { treeOf } from './trees.ts';

const ABOUT = { description: 'For tests.' };
const WORD = { expected: 'a word', form: 'word', pattern: '^[a-z]+$' };

const SCHEMA = section('For tests.', {
  wait: duration({ ...ABOUT, default: '5s', min: '1s', max: '1m' }),
  size: byteSize({ ...ABOUT, default: '64KiB', min: '1KiB', max: '1MiB' }),
  part: ratio({ ...ABOUT, default: '20%' }),
  many: count({ ...ABOUT, default: 3, min: 1, max: 10 }),
  rate: decimal({ ...ABOUT, default: 0.5, min: 0.1, max: 10 }),
  isOn: toggle({ ...ABOUT, default: true }),
  mode: choice(['fast', 'safe'], { ...ABOUT, default: 'fast' }),
  limit: optional(duration({ ...ABOUT, min: '1s', max: '1m' }), { means: 'no limit', word: 'off' }),
  note: optional(label(ABOUT), { means: 'none', word: null }),
  names: listOf(text(WORD, ABOUT), { ...ABOUT, max: 3 }),
  after: either([choice(['p50'], ABOUT), duration({ ...ABOUT, min: '1s', max: '1m' })], {
    ...ABOUT,
    default: 'p50',
  }),
  ports: mapOf({ pattern: '^[0-9]+$', expected: 'a port', placeholder: 'PORT' }, text(WORD, ABOUT), ABOUT),
  inner: optional(
    section('Inner.', {
      token: secret(text(WORD, ABOUT)),
      from: optional(label(ABOUT), { means: 'none', word: null }),
    }),
    { means: 'none', word: null },
  ),
  oneOf: optional(
    section(
      'Exactly one.',
      {
        a: optional(label(ABOUT), { means: 'none', word: null }),
        b: optional(label(ABOUT), { means: 'none', word: null }),
      },
      ['a', 'b'],
    ),
    { means: 'none', word: null },
  ),
});

function readValue<S extends TObject>(
  schema: S,
  yaml: string,
  environment: Record<string, string> = {},
): Static<S> {
  const { value, problems } = read(schema, treeOf(yaml, environment));
  assert.deepEqual(problems.map(formatProblem), []);
  return value;
}

function complaintsAbout(yaml: string, environment: Record<string, string> = {}): string[] {
  return read(SCHEMA, treeOf(yaml, environment)).problems.map(formatProblem);
}

test('fills in every default', () => {
  const defaults = {
    wait: 5_000,
    size: 65_536,
    part: 0.2,
    many: 3,
    rate: 0.5,
    isOn: true,
    mode: 'fast',
    limit: null,
    note: null,
    names: [],
    after: 'p50',
    ports: {},
    inner: null,
    oneOf: null,
  };
  assert.deepEqual(readValue(SCHEMA, '{}'), defaults);
  assert.deepEqual(defaultsOf(SCHEMA), defaults);
});

test('turns notations into numbers', () => {
  const { wait, size, part, many, rate, limit, after } = readValue(
    SCHEMA,
    'wait: 1.5s\nsize: 2KiB\npart: 7%\nmany: 4\nrate: 2\nlimit: 2s\nafter: 3s',
  );
  assert.deepEqual(
    { wait, size, part, many, rate, limit, after },
    {
      wait: 1_500,
      size: 2_048,
      part: 0.07,
      many: 4,
      rate: 2,
      limit: 2_000,
      after: 3_000,
    },
  );
});

test('what was read can not be changed', () => {
  const value = readValue(SCHEMA, 'names: [a]\ninner: {token: x}') as Record<string, unknown>;
  for (const part of [value, value.names, value.inner, value.ports]) assert.ok(Object.isFrozen(part));
});

test('takes a section, map or list without content for one with defaults', () => {
  assert.deepEqual(readValue(SCHEMA, 'ports:\nnames:\ninner:\n'), defaultsOf(SCHEMA));
});

test('takes the word that says that there is none', () => {
  assert.equal(readValue(SCHEMA, 'limit: off').limit, null);
});

test('takes text as it is written, also where YAML sees a number', () => {
  assert.equal(readValue(SCHEMA, 'note: 1.10').note, '1.10');
});

test('types what comes from the environment as the setting wants it', () => {
  const { many, isOn, note } = readValue(SCHEMA, 'many: "${N}"\nisOn: ${B}\nnote: ${N}', {
    N: '7',
    B: 'false',
  });
  assert.deepEqual({ many, isOn, note }, { many: 7, isOn: false, note: '7' });
});

test('takes what comes out empty of the environment for not given', () => {
  const { many, note } = readValue(SCHEMA, 'many: ${N:-}\nnote: "${N:-}"');
  assert.deepEqual({ many, note }, { many: 3, note: null });
});

test('leaves keys at the top that begin with x- alone, and only there', () => {
  readValue(SCHEMA, 'x-mine: {anything: [1]}');
  assert.match(complaintsAbout('inner: {token: a, x-mine: 1}')[0], /inner\.x-mine: unknown key/);
});

for (const [yaml, complaint] of [
  ['wait: 5', 'file:1:7: wait: expected a duration from 1s to 1m, such as 5s, found 5; did you mean 5s?'],
  [
    'wait: 5sec',
    'file:1:7: wait: expected a duration from 1s to 1m, such as 5s, found "5sec"; did you mean 5s?',
  ],
  ['wait: 2h', 'file:1:7: wait: expected a duration from 1s to 1m, such as 5s, found "2h"'],
  ['wait: 999ms', 'file:1:7: wait: expected a duration from 1s to 1m, such as 5s, found "999ms"'],
  ['wait:', 'file:1:6: wait: expected a duration from 1s to 1m, such as 5s, found nothing'],
  ['wait: [1s]', 'file:1:7: wait: expected a duration from 1s to 1m, such as 5s, found a list'],
  [
    'size: 64kb',
    'file:1:7: size: expected a size from 1KiB to 1MiB, such as 64KiB, found "64kb"; did you mean 64KiB?',
  ],
  [
    'part: 0.2',
    'file:1:7: part: expected a percentage from 0% to 100%, such as 20%, found 0.2; did you mean 20%?',
  ],
  [
    'part: 20',
    'file:1:7: part: expected a percentage from 0% to 100%, such as 20%, found 20; did you mean 20%?',
  ],
  ['many: 11', 'file:1:7: many: expected a whole number from 1 to 10, found 11'],
  ['many: 1.5', 'file:1:7: many: expected a whole number from 1 to 10, found 1.5'],
  [
    'many: "4"',
    'file:1:7: many: expected a whole number from 1 to 10, found "4"; did you mean 4, without quotes?',
  ],
  ['isOn: yes', 'file:1:7: isOn: expected true or false, found "yes"; did you mean true?'],
  ['mode: sfae', 'file:1:7: mode: expected one of fast, safe, found "sfae"; did you mean safe?'],
  [
    'limit: of',
    'file:1:8: limit: expected a duration from 1s to 1m, such as 5s, or off, found "of"; did you mean off?',
  ],
  [
    'after: p51',
    'file:1:8: after: expected p50, or a duration from 1s to 1m, such as 5s, found "p51"; did you mean p50?',
  ],
  [
    'after: 3',
    'file:1:8: after: expected p50, or a duration from 1s to 1m, such as 5s, found 3; did you mean 3s?',
  ],
  ['after: {}', 'file:1:8: after: expected p50, or a duration from 1s to 1m, such as 5s, found a map'],
  ['names: a', 'file:1:8: names: expected a list, each item a word, found "a"; did you mean [a]?'],
  ['names: [a, B, c]', 'file:1:12: names[1]: expected a word, found "B"'],
  ['names: [a, b, c, d]', 'file:1:8: names: expected 0 to 3 items, found 4'],
  ['ports: {x: a}', 'file:1:9: ports.x: expected a key that is a port, found "x"'],
  ['ports: {80: A}', 'file:1:13: ports.80: expected a word, found "A"'],
  ['inner: {}', 'file:1:8: inner.token: is missing, expected a word'],
  ['inner: 5', 'file:1:8: inner: expected a map with token, from, found 5; did you mean { from: 5 }?'],
  ['inner: {token: S3CRET}', 'file:1:16: inner.token: expected a word, found a value that is not shown'],
  ['oneOf: {a: x, b: y}', 'file:1:15: oneOf: expected exactly one of a, b, found a and b'],
  ['oneOf: {}', 'file:1:8: oneOf: expected exactly one of a, b, found none'],
  ['wiat: 5s', 'file:1:1: wiat: unknown key; did you mean wait?'],
  ['token: x', 'file:1:1: token: unknown key; did you mean inner.token?'],
  ['inner: {token: a, zzz: 1}', 'file:1:19: inner.zzz: unknown key, expected one of token, from'],
  ['note: "a\\u0007b"', 'file:1:7: note: expected text of up to 256 printable characters, found "a\\u0007b"'],
] as const) {
  test(`says of ${yaml}: ${complaint}`, () => assert.deepEqual(complaintsAbout(yaml), [complaint]));
}

test('finds every error, not only the first', () => {
  assert.equal(complaintsAbout('wait: 5\nmany: 11\nwiat: 1\nports: {x: a, 80: A}\nnames: [A, B]').length, 7);
});

test('looks into what has a wrong key', () => {
  const schema = section('For tests.', {
    byName: mapOf({ pattern: '^[a-z]+$', expected: 'a name', placeholder: 'NAME' }, SCHEMA, ABOUT),
  });
  const { problems } = read(schema, treeOf('byName: {A: {wait: 5}}'));
  assert.deepEqual(problems.map(({ key }) => key).sort(), ['byName.A', 'byName.A.wait']);
});

test('knows what was written and where, but not what is a default', () => {
  const { written } = read(SCHEMA, treeOf('wait: 1s\nports: {80: a}'));
  assert.deepEqual([...written.keys()], ['wait', 'ports', 'ports.80']);
  assert.deepEqual(written.get('ports.80')?.valueAt, { source: 'file', line: 2, column: 13, length: 1 });
  assert.deepEqual(written.get('ports.80')?.path, ['ports', '80']);
});

test('refuses a tree that aliases have made too large', () => {
  const items = Array.from({ length: 600 }, (_, i) => `k${i}: {a: x}`).join(', ');
  const schema = section('For tests.', {
    byName: mapOf(
      { pattern: '^.*$', expected: 'a name', placeholder: 'NAME' },
      mapOf({ pattern: '^.*$', expected: 'a name', placeholder: 'NAME' }, SCHEMA.properties.oneOf, ABOUT),
      ABOUT,
    ),
  });
  const copies = Array.from({ length: 600 }, (_, i) => `  u${i}: *a\n`).join('');
  const { problems } = read(schema, treeOf(`x-a: &a {${items}}\nbyName:\n${copies}`));
  assert.deepEqual(problems.map(formatProblem), ['file:1:1: has more than 200000 values, aliases followed']);
});
