// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_FILE_BYTES } from '../../../control-plane/contract/source-file.ts';
import type { MapNode, ScalarNode } from '../../../control-plane/contract/source-tree.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';
import { complaintsOf, plainOf, treeOf } from './trees.ts';

test('reads maps, lists and scalars with their types', () => {
  const tree = treeOf('a: 1\nb: [x, "2", true, null, 1.5]\n9001: {c: }\n');
  assert.deepEqual(plainOf(tree), { a: 1, b: ['x', '2', true, null, 1.5], 9001: { c: null } });
});

test('knows where keys and values stand', () => {
  const tree = treeOf('a:\n  bc: "value"\n');
  const inner = (tree.entries[0].value as MapNode).entries[0];
  assert.deepEqual(inner.keyAt, { source: 'file', line: 2, column: 3, length: 2 });
  assert.deepEqual(inner.value.at, { source: 'file', line: 2, column: 7, length: 7 });
});

test('keeps the text of what YAML takes for a number', () => {
  const version = treeOf('version: 1.10').entries[0].value as ScalarNode;
  assert.equal(version.text, '1.10');
});

test('reads JSON', () => {
  assert.deepEqual(plainOf(treeOf('{"a": {"b": [1, "x"]}}')), { a: { b: [1, 'x'] } });
});

test('takes a byte order mark and carriage returns', () => {
  assert.deepEqual(plainOf(treeOf('\ufeffa: 1\r\nb: 2\r\n')), { a: 1, b: 2 });
});

test('follows aliases and merges', () => {
  const text =
    'x-base: &base {a: 1, b: 2}\nfirst: *base\nsecond: {<<: *base, b: 3}\nthird:\n  <<: [*base, {a: 9, c: 4}]\n';
  const { first, second, third } = plainOf(treeOf(text)) as Record<string, unknown>;
  assert.deepEqual(first, { a: 1, b: 2 });
  assert.deepEqual(second, { a: 1, b: 3 });
  assert.deepEqual(third, { a: 1, b: 2, c: 4 });
});

test('fills in the environment after parsing, so that it can not become structure', () => {
  const tree = treeOf('a: ${TRICKY}\nb: "${PORT}"\nc: ${NONE:-}\n', { TRICKY: '{x: 1}\ny: 2', PORT: '80' });
  assert.deepEqual(plainOf(tree), { a: '{x: 1}\ny: 2', b: '80', c: '' });
  assert.ok(tree.entries.every(({ value }) => (value as ScalarNode).untyped));
});

for (const [what, text, complaint] of [
  ['a list', '- a\n', /^file:1:1: expected settings \(key: value\), found a list$/],
  ['a single value', 'hello', /^file:1:1: expected settings .* found a single value$/],
  ['nothing', '', /^file:1:1: the file is empty; one with all defaults is \{\}$/],
  ['comments only', '# nothing\n', /^file:1:1: the file is empty/],
  ['an empty document', '---\n', /^file:1:1: the file is empty/],
  ['a tab as indentation', 'a:\n\tb: 1\n', /^file:2:1: a tab can not indent; use spaces$/],
  ['a second document', 'a: 1\n---\nb: 2\n', /^file:2:1: a second document begins here/],
  ['a key twice', 'a: 1\nb: 2\na: 3\n', /^file:3:1: a: given twice; the first one is in line 1$/],
  ['a port twice, in two spellings', 'p: {9001: a, "9001": b}', /^file:1:14: p\.9001: given twice/],
  ['an alias without anchor', 'a: *nobody\n', /^file:1:4: a: no anchor &nobody comes before this$/],
  ['an alias within its anchor', 'a: &a {b: *a}\n', /^file:1:11: a\.b: \*a can not contain itself$/],
  [
    'a merge of no map',
    'a: &a 1\nb: {<<: *a}\n',
    /^file:2:9: b: expected a map to merge, or a list of maps$/,
  ],
  ['a map as a key', '? {a: 1}\n: 2\n', /^file:1:3: expected a key of plain text$/],
  ['no key', ': 2\n', /^file:1:1: expected a key before the colon$/],
  ['a tag', 'a: !thing 1\n', /^file:1:4: tags \(!…\) mean nothing here/],
  ['an unclosed quote', 'a: "x\n', /^file:\d:\d: not valid YAML: /],
  ['an unclosed bracket', 'a: [1, 2\n', /^file:\d:\d: not valid YAML: /],
  ['a wrong indentation', 'a:\n    b: 1\n  c: 2\n', /^file:3:1: not valid YAML: /],
  [
    'a reference in braces without quotes',
    'a: { port: ${PORT} }\n',
    /inside of braces and brackets, \$\{…\} has to stand in quotes/,
  ],
  [
    'an unset variable',
    'a:\n  b: http://${HOST}/\n',
    /^file:2:13: a\.b: the environment variable HOST is not set/,
  ],
  ['a malformed reference', 'a: ["${HOST-x}"]\n', /^file:1:6: a\[0\]: \$\{HOST… is no reference/],
] as const) {
  test(`refuses ${what}, and says where`, () => assert.match(complaintsOf(text)[0] ?? '', complaint));
}

test('finds every key that is given twice', () => {
  assert.equal(complaintsOf('a: 1\na: 2\na: 3\nb: {c: 1, c: 2}\n').length, 3);
});

for (const [what, bytes, complaint] of [
  ['UTF-16', Buffer.from('\ufeffa: 1', 'utf16le'), /^file:1:1: the file is UTF-16, expected UTF-8$/],
  ['Latin-1', Buffer.from('a: 1\nb: caf\xe9\n', 'latin1'), /^file:2:7: the file is not UTF-8$/],
  ['a NUL byte', Buffer.from('a: 1\nb: \0\n'), /^file:2:4: the file has a NUL byte/],
  ['a huge file', Buffer.alloc(MAX_FILE_BYTES + 1, '#'), /^file:1:1: the file has more than 1024 KiB$/],
] as const) {
  test(`refuses ${what}`, () => assert.match(complaintsOf(bytes)[0] ?? '', complaint));
}

for (const [what, unit] of [
  ['brackets', '['],
  ['braces', '{a: '],
  ['dashes', '- '],
  ['question marks', '? '],
] as const) {
  test(`refuses a megabyte of ${what} at once`, () => {
    const text = unit.repeat(MAX_FILE_BYTES / unit.length);
    assert.match(complaintsOf(text)[0] ?? '', /^file:1:1: the file is nested too deeply$/);
  });
}

test('bounds what merges copy', () => {
  const keys = Array.from({ length: 2000 }, (_, i) => `k${i}: 1`).join(', ');
  const copies = Array.from({ length: 2000 }, (_, i) => `u${i}: {<<: *a}\n`).join('');
  const complaints = complaintsOf(`a: &a {${keys}}\n${copies}`);
  assert.equal(complaints.length, 1);
  assert.match(complaints[0], /merges too much/);
});

test('never throws, whatever the bytes', () => {
  const letters = [
    ...'abc:-[]{}&*!|>\'"%@`#?,\n \t$<',
    '${',
    '<<',
    '\u00e9',
    '\0',
    '---\n',
    '  ',
    ': ',
    '- ',
  ];
  const yamlLike = fc
    .array(fc.constantFrom(...letters), { maxLength: 60 })
    .map(parts => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(fc.oneof(yamlLike, fc.uint8Array({ maxLength: 200 })), bytes => {
      const { root, problems } = parseYaml('file', bytes, {});
      assert.ok(root !== null || problems.length > 0);
      for (const { at } of problems) assert.ok(at.line >= 1 && at.column >= 1 && at.length >= 1);
    }),
    { numRuns: 500 },
  );
});

test('finds a bounded number of mistakes, in little time', { timeout: 20_000 }, () => {
  assert.equal(complaintsOf('a: 1\n'.repeat(60_000)).length, 1000);
  for (const text of [
    `[${'}{'.repeat(100_000)}`,
    '\ta: 1\n'.repeat(60_000),
    '{'.repeat(90) + '}{'.repeat(100_000),
  ])
    assert.ok(complaintsOf(text).length <= 6);
});
