import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf } from './sentences.ts';

test('whole sentences, beginning with a capital letter or a name, are well formed', () => {
  for (const detail of [
    'The request names no host: configured are a, b. Name one of them in Host.',
    'inventory has no endpoint. Start an instance of it, or check its configuration.',
    'inventory: connecting to 10.0.0.1:80 failed: ECONNREFUSED. Check that it runs and listens there.',
    'a.test:80 (no upstream has that name, so it was called as it is): connecting to a.test:80 failed: EIO.',
    'inventory did not answer within 5 ms (timeouts.total). inventory: the limit is reached.',
  ])
    assert.equal(problemOf(detail, ['inventory']), null, detail);
});

test('anything else is told', () => {
  for (const detail of [
    'inventory has no endpoint',
    'refused by it.',
    'The limit is reached. start an instance.',
    'The limit is reached.. Start an instance.',
    'The limit of undefined is reached.',
    'Refused.',
  ])
    assert.notEqual(problemOf(detail, ['inventory']), null, detail);
});
