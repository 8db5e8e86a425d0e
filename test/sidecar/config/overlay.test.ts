import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overlay } from '../../../sidecar/config/overlay.ts';
import { plainOf, treeOf } from '../../control-plane/contract/trees.ts';

for (const [what, base, over, expected] of [
  ['adds what is new', 'a: 1', 'b: 2', { a: 1, b: 2 }],
  ['replaces single values', 'a: 1\nb: 2', 'a: 3', { a: 3, b: 2 }],
  ['goes into maps', 'a: {b: 1, c: 2}', 'a: {c: 3}', { a: { b: 1, c: 3 } }],
  ['replaces lists whole', 'a: [1, 2]', 'a: [3]', { a: [3] }],
  ['replaces what is something else', 'a: {b: 1}', 'a: off', { a: 'off' }],
  [
    'says anew where an upstream has its endpoints, and keeps its policy',
    'upstreams: {a: {dns: "x:1", policy: {balancer: random}}, b: {srv: y}}',
    'upstreams: {a: {endpoints: ["z:1"]}}',
    { upstreams: { a: { policy: { balancer: 'random' }, endpoints: ['z:1'] }, b: { srv: 'y' } } },
  ],
  [
    'keeps endpoints where they are not said anew',
    'upstreams: {a: {dns: "x:1"}}',
    'upstreams: {a: {policy: {}}}',
    { upstreams: { a: { dns: 'x:1', policy: {} } } },
  ],
] as const) {
  test(what, () => assert.deepEqual(plainOf(overlay(treeOf(base), treeOf(over))), expected));
}

test('keeps the place of what wins', () => {
  const { entries } = overlay(treeOf('a: 1'), treeOf('# one line down\na: 2'));
  assert.equal(entries[0].value.at.line, 2);
});
