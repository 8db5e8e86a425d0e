import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findRepeatedKey } from '../../../control-plane/api/repeated-key.ts';

for (const [text, path] of [
  ['{"a":1,"a":2}', ['a']],
  ['{"a":{"b":[{},{"c":"}","d":{},"c":0}]}}', ['a', 'b', 1, 'c']],
  ['{ "a" : [1, [2, {"b": {}, "b": {}}]] }', ['a', 1, 1, 'b']],
  [String.raw`{"\u0061":1,"a":2}`, ['a']],
  [String.raw`{"a\"":1,"a\\":2,"a\"":3}`, ['a"']],
  ['{"__proto__":1,"__proto__":2}', ['__proto__']],
  ['[{"a":1},{"a":1},{"a":{"a":1}}]', null],
  ['{"a":"a","b":"a"}', null],
  ['{"a":["a","a"],"b":{"a":1}}', null],
  [String.raw`{"a":"\\","b":"\",\"b\":"}`, null],
  ['"a"', null],
  ['{}', null],
] as const) {
  test(`${path === null ? 'no key' : path.join('.')} is twice in ${text}`, () => {
    JSON.parse(text);
    assert.deepEqual(findRepeatedKey(text), path);
  });
}

test('no key is twice in what is written out from an object', () => {
  fc.assert(fc.property(fc.json(), text => findRepeatedKey(text) === null));
});
