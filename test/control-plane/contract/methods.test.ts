import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIdempotent, isSafe } from '../../../control-plane/contract/methods.ts';

test('a method is safe, idempotent or neither, and known by its case', () => {
  const kinds = [
    'GET',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'PUT',
    'DELETE',
    'POST',
    'PATCH',
    'CONNECT',
    'get',
    '',
  ].map(method => [method, isSafe(method), isIdempotent(method)]);
  assert.deepEqual(kinds, [
    ['GET', true, true],
    ['HEAD', true, true],
    ['OPTIONS', true, true],
    ['TRACE', true, true],
    ['PUT', false, true],
    ['DELETE', false, true],
    ['POST', false, false],
    ['PATCH', false, false],
    ['CONNECT', false, false],
    ['get', false, false],
    ['', false, false],
  ]);
});
