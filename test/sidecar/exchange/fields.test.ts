import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  detachedFields,
  type Fields,
  getField,
  isFieldName,
  NO_FIELDS,
  removeFields,
  setField,
} from '../../../sidecar/exchange/fields.ts';

const fields = (): Fields => ['Host', 'up', 'X-A', '1', 'accept', 'host', 'x-a', '2'];

test('a field is found by its name in any case, the first of several', () => {
  assert.equal(getField(fields(), 'host'), 'up');
  assert.equal(getField(fields(), 'x-a'), '1');
  assert.equal(getField(['X-Empty', ''], 'x-empty'), '');
});

test('a value, or a part of a name, is no name', () => {
  assert.equal(getField(fields(), 'up'), undefined);
  assert.equal(getField(fields(), 'hos'), undefined);
  assert.equal(getField(fields(), 'x-a-'), undefined);
  assert.equal(getField(NO_FIELDS, 'host'), undefined);
});

describe('setField', () => {
  test('keeps place and case of the first, and leaves later ones', () => {
    const list = fields();
    setField(list, 'x-a', 'X-New', '3');
    assert.deepEqual(list, ['Host', 'up', 'X-A', '3', 'accept', 'host', 'x-a', '2']);
  });

  test('appends what is not there', () => {
    const list = fields();
    setField(list, 'via', 'Via', '1.1 a');
    assert.deepEqual(list, [...fields(), 'Via', '1.1 a']);
  });
});

test('removeFields removes all of the name, and nothing else', () => {
  const list = ['x-a', '0', ...fields(), 'X-A', '3'];
  removeFields(list, 'x-a');
  assert.deepEqual(list, ['Host', 'up', 'accept', 'host']);
  removeFields(list, 'up');
  assert.deepEqual(list, ['Host', 'up', 'accept', 'host']);
});

test('names compare without case, in ASCII (RFC 9110 section 5.1)', () => {
  assert.equal(isFieldName('HOST', 'host'), true);
  assert.equal(isFieldName('host ', 'host'), false);
  assert.equal(isFieldName('h\xd6st', 'h\xf6s'), false);
});

test('the shared empty list can not be written to', () => {
  assert.throws(() => NO_FIELDS.push('A', 'b'));
});

test('are the same when they are on their own', () => {
  const some = ['Host', '', 'x', 'a\xe9', '', 'b'];
  assert.deepEqual(detachedFields(some), some);
  assert.deepEqual(detachedFields([]), []);
});
