import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeChanges } from '../../../control-plane/commands/document-changes.ts';

test('tells what is gone, different and new, a line each', () => {
  const before = { retry: { attempts: 2, on: ['reset'] }, timeouts: { total: '3s' } };
  const after = { retry: { attempts: 3, on: ['reset'] }, hedge: {}, limits: { hold: '5s' } };
  assert.deepEqual(describeChanges(before, after), [
    '~ retry.attempts: 2 -> 3',
    '- timeouts.total: 3s',
    '+ hedge: {}',
    '+ limits.hold: 5s',
  ]);
});

test('tells nothing of what is the same', () => {
  assert.deepEqual(describeChanges({}, {}), []);
  assert.deepEqual(describeChanges({ a: [1, 2], b: null }, { b: null, a: [1, 2] }), []);
});
