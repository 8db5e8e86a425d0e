import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Static } from '@sinclair/typebox';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { loadMeshFile } from '../../../control-plane/contract/mesh-file.ts';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { print } from '../../../control-plane/contract/print.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';

test('without a word, requests are bounded in time and safely retried twice', () => {
  const { balancer, timeouts, retry, limits, outliers, ...rest } = DEFAULT_POLICY;
  assert.equal(balancer, 'least-request');
  assert.equal(timeouts.connect, 1_000);
  assert.equal(timeouts.total, 15_000);
  assert.equal(timeouts.attempt, null);
  assert.deepEqual(
    [retry.attempts, retry.on, retry.methods],
    [3, ['connect-failure', 'reset', 'gateway-error', 'attempt-timeout'], 'idempotent'],
  );
  assert.deepEqual([limits.connections, limits.pending, limits.pendingFor], [4096, 128, 1_000]);
  assert.deepEqual(rest, {
    breaker: null,
    rateLimit: null,
    hedge: null,
    fallback: null,
    fault: null,
  });
});

test('without a word, endpoints that fail are left out, and up to half of them', () => {
  const { outliers } = DEFAULT_POLICY;
  assert.ok(outliers !== null && outliers.slow !== null && outliers.unanswered !== null);
  assert.deepEqual(
    [outliers.consecutiveFailures, outliers.ejectFor, outliers.maxEjected, outliers.unanswered.requests],
    [5, 10_000, 0.5, 3],
  );
});

for (const [text, outliers] of [
  ['outliers: off', null],
  ['outliers:', DEFAULT_POLICY.outliers],
  ['outliers: {}', DEFAULT_POLICY.outliers],
  ['outliers: { slow: off }', { ...DEFAULT_POLICY.outliers, slow: null }],
] as const) {
  test(`${text} is understood`, () => {
    const file = `services: { orders: { policy: { ${text} } } }`;
    const written = text.endsWith(':') ? `services:\n  orders:\n    policy:\n      ${text}\n` : file;
    const { value, problems } = loadMeshFile(parseYaml('mesh.yaml', Buffer.from(written), {}));
    assert.deepEqual(problems, []);
    assert.deepEqual(value?.services.orders.policy.outliers, outliers);
  });
}

test('an outlier detection that is off is printed so', () => {
  const printed = print(POLICY_SCHEMA, { ...DEFAULT_POLICY, outliers: null } as Static<typeof POLICY_SCHEMA>);
  assert.equal((printed as { outliers: unknown }).outliers, 'off');
});

test('the default policy can not be changed', () => {
  assert.ok(
    Object.isFrozen(DEFAULT_POLICY) &&
      Object.isFrozen(DEFAULT_POLICY.timeouts) &&
      Object.isFrozen(DEFAULT_POLICY.retry.on),
  );
});
