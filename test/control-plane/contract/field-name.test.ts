import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldName } from '../../../control-plane/contract/field-name.ts';

const { expected, pattern } = fieldName('x-tenant', 8);

test('a field name is a token of bounded length', () => {
  const isOne = (text: string) => new RegExp(pattern).test(text);
  for (const name of ['x-tenant', 'X', "!#$%&'*+", '.^_`|~-9']) assert.ok(isOne(name), name);
  for (const text of ['', 'x-tenants', 'a b', 'a:', 'a\n', 'ä', 'a,b']) assert.ok(!isOne(text), text);
});

test('what is expected names one', () => {
  assert.equal(expected, 'the name of a header field, such as x-tenant');
});
