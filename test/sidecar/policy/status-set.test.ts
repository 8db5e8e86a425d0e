import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StatusSet } from '../../../sidecar/policy/status-set.ts';

const ALL = Array.from({ length: 900 }, (_, i) => 100 + i);
const membersOf = (...named: unknown[]) => ALL.filter(status => new StatusSet(named).has(status));

test('statuses are named one by one, or by a word for several', () => {
  assert.deepEqual(membersOf(425, 599, 425), [425, 599]);
  assert.deepEqual(membersOf('gateway-error'), [502, 503, 504]);
  assert.deepEqual(membersOf('retriable-4xx', 500), [409, 500]);
  assert.deepEqual(
    membersOf('5xx'),
    ALL.filter(status => status >= 500),
  );
});

test('what names no status is passed over', () => {
  assert.deepEqual(membersOf('failure', 'reset', { status: [503] }, null), []);
});
