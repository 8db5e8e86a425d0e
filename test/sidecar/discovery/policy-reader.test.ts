import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SERVICE_BODY } from '../../../control-plane/api/api-schemas.ts';
import { readBody } from '../../../control-plane/api/request-body.ts';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { checkPolicy } from '../../../control-plane/contract/policy-checks.ts';
import { readPolicy } from '../../../sidecar/discovery/policy-reader.ts';
import { writtenBy } from '../../control-plane/contract/settings-arbitrary.ts';

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

test('takes what the control plane has taken, to the same effect', () => {
  /** What the control plane keeps of a body, null where it refuses it. */
  const taken = (policy: unknown) => {
    try {
      const bytes = Buffer.from(JSON.stringify({ policy }));
      return readBody(SERVICE_BODY, { format: 'json', bytes }, ({ policy: read }, written) =>
        checkPolicy(read, ['policy'], written, 'inventory'),
      );
    } catch {
      return null;
    }
  };
  let count = 0;
  const property = fc.property(writtenBy(POLICY_SCHEMA), written => {
    const body = taken(written);
    if (body === null) return;
    count++;
    const document = JSON.parse(JSON.stringify(body.document.policy)) ?? {};
    assert.deepEqual(readPolicy('inventory', document), { ok: true, policy: body.value.policy });
  });
  fc.assert(property, { numRuns: 1000, seed: 7, examples: [[{ rateLimit: { rate: 5, burst: null } }]] });
  assert.ok(count > 200, `${count} were taken`);
});

test('refuses what is nested without end', () => {
  let document: Record<string, unknown> = {};
  for (let depth = 0; depth < 10_000; depth++) document = { retry: document };
  const read = readPolicy('inventory', document);
  assert.ok(!read.ok);
  assert.match(read.reason, /policy of inventory is nested too deeply/);
});
