import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HIDDEN, print } from '../../../control-plane/contract/print.ts';
import { read } from '../../../control-plane/contract/read.ts';
import {
  choice,
  duration,
  either,
  listOf,
  mapOf,
  optional,
  secret,
  section,
  text,
} from '../../../control-plane/contract/setting.ts';
import { treeOf } from './trees.ts';

const ABOUT = { description: 'For tests.' };
const WORD = { expected: 'a word', form: 'word', pattern: '^[a-z]*$' };
const TIME = { ...ABOUT, min: '1ms', max: '1h' };

const SCHEMA = section('For tests.', {
  wait: duration({ ...TIME, default: '5s' }),
  limit: optional(duration(TIME), { means: 'no limit', word: 'off' }),
  rest: optional(duration(TIME), { means: 'none', word: null }),
  after: either([choice(['p50'], ABOUT), duration(TIME)], { ...ABOUT, default: 'p50' }),
  methods: either([choice(['any'], ABOUT), listOf(text(WORD, ABOUT), { ...ABOUT, max: 3 })], {
    ...ABOUT,
    default: 'any',
  }),
  byName: mapOf({ pattern: '^[a-z]+$', expected: 'a name', placeholder: 'NAME' }, duration(TIME), ABOUT),
  token: secret(text(WORD, { ...ABOUT, default: '' })),
});

for (const [yaml, printed] of [
  ['{}', { wait: '5s', limit: 'off', rest: null, after: 'p50', methods: 'any', byName: {}, token: '' }],
  [
    'wait: 90s\nlimit: 1500ms\nrest: 1h\nafter: 20ms\nmethods: [a, b]\nbyName: {x: 1s}\ntoken: abc',
    {
      wait: '90s',
      limit: '1500ms',
      rest: '1h',
      after: '20ms',
      methods: ['a', 'b'],
      byName: { x: '1s' },
      token: HIDDEN,
    },
  ],
] as const) {
  test(`writes what was read from ${JSON.stringify(yaml)} in the notation of files`, () => {
    const { value } = read(SCHEMA, treeOf(yaml));
    assert.deepEqual(print(SCHEMA, value), printed);
  });
}
