import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCommandBlocks } from './command-blocks.ts';

const page = (...lines: string[]) => lines.join('\n');

test('finds commands with their line and the output that is shown after them', () => {
  const blocks = findCommandBlocks(
    page(
      '# Title',
      '',
      '```sh',
      'a &',
      'b',
      '```',
      'It says:',
      '```output',
      'x',
      '',
      'y',
      '```',
      '```sh',
      'c',
      '```',
    ),
  );
  const run = { kind: 'to-end', exitCode: 0 };
  assert.deepEqual(blocks, [
    { line: 4, commands: 'a &\nb', output: 'x\n\ny', run },
    { line: 14, commands: 'c', output: null, run },
  ]);
});

test('leaves other blocks alone, also what looks like commands in them', () => {
  assert.deepEqual(findCommandBlocks(page('```yaml', 'a: 1', '```', '```', '```sh', '```')), []);
});

test('a comment right before a block says how it is run', () => {
  const cases: [marker: string, run: unknown][] = [
    ['<!-- run: exits with 2 -->', { kind: 'to-end', exitCode: 2 }],
    ['<!-- run: interrupted once it says open now -->', { kind: 'interrupted', onceItSays: 'open now' }],
    ['<!-- run: with a Docker engine -->', { kind: 'with-engine' }],
    ['<!-- not run: it takes an hour -->', { kind: 'not', reason: 'it takes an hour' }],
    ['some text', { kind: 'to-end', exitCode: 0 }],
  ];
  for (const [marker, run] of cases) {
    assert.deepEqual(findCommandBlocks(page(marker, '```sh', 'a', '```'))[0].run, run);
  }
});

test('refuses what it would have to guess', () => {
  const cases: [text: string, message: RegExp][] = [
    [page('', '```console', '$ a', '```'), /^line 2: fence commands as sh/],
    [page('```sh', 'a'), /^line 1: the block is not closed/],
    [page('<!-- run: twice -->', '```sh', 'a', '```'), /^line 1: unknown marker: run: twice/],
    [page('<!-- not run: -->', '```sh', 'a', '```'), /^line 1: unknown marker/],
    [page('```output', 'a', '```'), /^line 1: output without commands/],
    [page('```sh', 'a', '```', '```output', '```', '```output', '```'), /^line 6: output without commands/],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => findCommandBlocks(text), { message }, text);
  }
});
