import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../command-line/arguments.ts';
import type { Command, Flag } from '../../command-line/command.ts';

const flag = (name: string, more: Partial<Flag> = {}): Flag => ({
  name,
  value: 'VALUE',
  isRepeatable: false,
  variable: `X_${name.toUpperCase()}`,
  description: '',
  default: null,
  ...more,
});

const COMMAND: Command = {
  name: 'test',
  summary: '',
  description: '',
  operands: null,
  flags: [
    flag('listen'),
    flag('upstream', { isRepeatable: true }),
    flag('json', { value: null }),
    flag('file', { short: 'f' }),
  ],
  examples: [],
  run: async () => 0,
};
const WITH_OPERANDS = { ...COMMAND, operands: { placeholder: 'FILE', description: '' } };

function flagsOf(args: string[], environment: Record<string, string> = {}): Record<string, unknown> {
  const parsed = parseArguments(COMMAND, args, environment);
  assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
  return Object.fromEntries(
    [...parsed.invocation.flags].map(([name, { values, source }]) => [name, [source, ...values]]),
  );
}

function complaintsOf(args: string[], command = COMMAND): readonly string[] {
  const parsed = parseArguments(command, args, {});
  return parsed.kind === 'wrong' ? parsed.complaints : [];
}

test('takes values behind a space and behind an equals sign', () => {
  assert.deepEqual(flagsOf(['--listen', 'a:1']), { listen: ['--listen', 'a:1'] });
  assert.deepEqual(flagsOf(['--listen=a:1']), { listen: ['--listen', 'a:1'] });
  assert.deepEqual(flagsOf(['--listen=-1']), { listen: ['--listen', '-1'] });
});

test('collects what may be repeated', () => {
  assert.deepEqual(flagsOf(['--upstream', 'a=b:1', '--upstream', 'c=d:2']), {
    upstream: ['--upstream', 'a=b:1', 'c=d:2'],
  });
});

test('takes the environment for what is not given, and the flag before it', () => {
  const environment = { X_LISTEN: 'env:1', X_UPSTREAM: ' a=b:1\n c=d:2 ' };
  assert.deepEqual(flagsOf([], environment), {
    listen: ['X_LISTEN', 'env:1'],
    upstream: ['X_UPSTREAM', 'a=b:1', 'c=d:2'],
  });
  assert.deepEqual(flagsOf(['--listen', 'flag:1', '--upstream', 'e=f:1'], environment), {
    listen: ['--listen', 'flag:1'],
    upstream: ['--upstream', 'e=f:1'],
  });
  assert.deepEqual(flagsOf([], { X_LISTEN: ' ' }), {});
});

test('hands on what is no flag, in any place', () => {
  const parsed = parseArguments(WITH_OPERANDS, ['a', '--json', 'b', '--', '--c'], {});
  assert.ok(parsed.kind === 'run');
  assert.deepEqual(parsed.invocation.operands, ['a', 'b', '--c']);
  assert.ok(parsed.invocation.flags.has('json'));
});

for (const [args, complaints] of [
  [['--lisen', 'a'], ['unknown flag --lisen; did you mean --listen?']],
  [['--nothing-like-it'], ['unknown flag --nothing-like-it']],
  [['-x'], ['unknown flag -x']],
  [['--listen'], ['--listen needs a value: --listen VALUE']],
  [['--listen='], ['--listen needs a value: --listen VALUE']],
  [['--listen', '--json'], ['--listen needs a value: --listen VALUE']],
  [['--listen', 'a', '--listen', 'b'], ['--listen is given twice']],
  [['--json=yes'], ['--json takes no value']],
  [['file'], ['takes flags only, found "file"']],
  [
    ['--lisen', 'a', '--jsn'],
    ['unknown flag --lisen; did you mean --listen?', 'unknown flag --jsn; did you mean --json?'],
  ],
] as const) {
  test(`complains of ${args.join(' ')}`, () => assert.deepEqual(complaintsOf([...args]), complaints));
}

for (const [args, kind] of [
  [['--help'], 'help'],
  [['-h'], 'help'],
  [['--listen', 'a', '--nonsense', '--help'], 'help'],
  [['--version'], 'version'],
  [['-V'], 'version'],
] as const) {
  test(`takes ${args.join(' ')} for ${kind}`, () =>
    assert.equal(parseArguments(COMMAND, args, {}).kind, kind));
}

test('takes a flag by its letter', () => {
  assert.deepEqual(flagsOf(['-f', 'mesh.yaml']), { file: ['--file', 'mesh.yaml'] });
  assert.deepEqual(flagsOf(['-fmesh.yaml']), { file: ['--file', 'mesh.yaml'] });
  assert.deepEqual(flagsOf(['-f', '-']), { file: ['--file', '-'] });
  assert.deepEqual(complaintsOf(['-f']), ['--file needs a value: --file VALUE']);
  assert.deepEqual(complaintsOf(['-f', '--json']), ['--file needs a value: --file VALUE']);
});

test('a flag without a value may be said by true or false in the environment', () => {
  assert.deepEqual(flagsOf([], { X_JSON: 'true' }), { json: ['X_JSON', ''] });
  assert.deepEqual(flagsOf([], { X_JSON: '1' }), { json: ['X_JSON', ''] });
  for (const off of ['false', '0', '']) assert.deepEqual(flagsOf([], { X_JSON: off }), {});
  assert.deepEqual(parseArguments(COMMAND, [], { X_JSON: 'yes' }), {
    kind: 'wrong',
    complaints: ['X_JSON: expected true or false, found "yes"'],
  });
});

test('what has to stand behind dashes is taken from there as it is, and from nowhere else', () => {
  const operands = { placeholder: 'COMMAND…', description: '', isBehindDashes: true };
  const command = { ...COMMAND, operands };
  const parsed = parseArguments(command, ['--json', '--', 'node', '--listen', '-h', '--', '--nonsense'], {});
  assert.ok(parsed.kind === 'run');
  assert.deepEqual(parsed.invocation.operands, ['node', '--listen', '-h', '--', '--nonsense']);
  assert.deepEqual([...parsed.invocation.flags.keys()], ['json']);
  const stray = 'expected -- before "node": outrider test [FLAGS] -- COMMAND…';
  assert.deepEqual(complaintsOf(['node', 'x'], command), [stray]);
  assert.deepEqual(complaintsOf(['node', '--inspect'], command), [stray, 'unknown flag --inspect']);
  assert.deepEqual(complaintsOf(['--jsn', 'node', '--', 'x'], command), [
    'unknown flag --jsn; did you mean --json?',
  ]);
});
