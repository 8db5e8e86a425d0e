import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';

test('without a word, requests are bounded in time and safely retried twice', () => {
  const { balancer, timeouts, retry, limits, ...rest } = DEFAULT_POLICY;
  assert.equal(balancer, 'least-request');
  assert.equal(timeouts.connect, 1_000);
  assert.equal(timeouts.total, 15_000);
  assert.equal(timeouts.attempt, null);
  assert.deepEqual(
    [retry.attempts, retry.on, retry.methods],
    [3, ['connect-failure', 'reset', 'gateway-error', 'attempt-timeout'], 'idempotent'],
  );
  assert.deepEqual([limits.connections, limits.pending, limits.pendingFor], [1024, 128, 1_000]);
  assert.deepEqual(rest, {
    breaker: null,
    rateLimit: null,
    outliers: null,
    hedge: null,
    fallback: null,
    fault: null,
  });
});

test('the default policy can not be changed', () => {
  assert.ok(
    Object.isFrozen(DEFAULT_POLICY) &&
      Object.isFrozen(DEFAULT_POLICY.timeouts) &&
      Object.isFrozen(DEFAULT_POLICY.retry.on),
  );
});
