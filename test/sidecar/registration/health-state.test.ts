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

test('a problem lasts once five checks in a row have found it', () => {
  const state = new HealthState();
  const lasting = (problem: string | null) => {
    state.onCheck(problem);
    return state.lasting;
  };
  const found = ['a', 'a', 'a', 'a', 'b', 'a', 'a', 'a', 'a', 'a', 'a', null, 'a'];
  const none = [null, null, null, null, null, null, null, null, null];
  assert.deepEqual(found.map(lasting), [...none, 'a', 'a', null, null]);
});
