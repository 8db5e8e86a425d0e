import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBalancer } from '../../../../sidecar/upstream/balancers/balancer-by-name.ts';
import { LeastRequest } from '../../../../sidecar/upstream/balancers/least-request.ts';
import { Random } from '../../../../sidecar/upstream/balancers/random.ts';
import { RoundRobin } from '../../../../sidecar/upstream/balancers/round-robin.ts';

test('each name makes its algorithm', () => {
  assert.ok(createBalancer('least-request', Math.random) instanceof LeastRequest);
  assert.ok(createBalancer('round-robin', Math.random) instanceof RoundRobin);
  assert.ok(createBalancer('random', Math.random) instanceof Random);
});
