import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthState } from '../../../sidecar/registration/health-state.ts';

test('an application is unknown until it was healthy once, down after two failures in a row, up after one success', () => {
  const health = new HealthState();
  const statuses = [null, 'x', null, 'x', 'y', 'y', null].map(problem => {
    health.onCheck(problem);
    return health.status;
  });
  assert.deepEqual(statuses, ['up', 'up', 'up', 'up', 'down', 'down', 'up']);
  const never = new HealthState();
  for (let i = 0; i < 5; i++) never.onCheck('does not listen');
  assert.deepEqual([never.status, never.problem], ['unknown', 'does not listen']);
});
