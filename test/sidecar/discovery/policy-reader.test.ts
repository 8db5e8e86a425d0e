import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { readPolicy } from '../../../sidecar/discovery/policy-reader.ts';

test('reads the notation of the mesh file, defaults filled in', () => {
  const read = readPolicy('inventory', {
    timeouts: { total: '3s', attempt: 'off' },
    retry: { attempts: 3, on: ['reset'], methods: 'any' },
  });
  assert.ok(read.ok);
  assert.deepEqual(read.policy.timeouts, { ...DEFAULT_POLICY.timeouts, total: 3000, attempt: null });
  assert.deepEqual([read.policy.retry.attempts, read.policy.retry.on], [3, ['reset']]);
});

test('an empty one is the default', () => {
  assert.deepEqual(readPolicy('inventory', {}), { ok: true, policy: DEFAULT_POLICY });
});

test('says what is wrong, and does not take a part of it', () => {
  const read = readPolicy('inventory', { timeouts: { total: 3 }, surprise: true });
  assert.ok(!read.ok);
  assert.match(read.reason, /timeouts\.total/);
  assert.match(read.reason, /surprise/);
});
