import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessControl } from '../../../control-plane/api/access-control.ts';
import { ApiProblem } from '../../../control-plane/api/api-problem.ts';

const BOTH = new AccessControl({ admin: 'secret-a', sidecar: 'secret-s' });
const NONE = new AccessControl({ admin: null, sidecar: null });

function statusOf(run: () => unknown): number {
  try {
    run();
    return 200;
  } catch (error) {
    assert.ok(error instanceof ApiProblem);
    assert.doesNotMatch(error.message, /secret/);
    return error.status;
  }
}

for (const [authorization, open, sidecar, admin] of [
  [undefined, 200, 401, 401],
  ['Bearer secret-s', 200, 200, 403],
  ['Bearer secret-a', 200, 200, 200],
  ['bearer  secret-a ', 200, 200, 200],
  ['Bearer secret', 200, 401, 401],
  ['Bearer ', 200, 401, 401],
  ['Basic c2VjcmV0LWE=', 200, 401, 401],
] as const) {
  test(`${authorization ?? 'no token'}: ${open} for what is open, ${sidecar} for sidecars' calls, ${admin} for the admin's`, () => {
    const headers = authorization === undefined ? {} : { authorization };
    assert.equal(
      statusOf(() => BOTH.admit(headers, 'open')),
      open,
    );
    assert.equal(
      statusOf(() => BOTH.admit(headers, 'sidecar')),
      sidecar,
    );
    assert.equal(
      statusOf(() => BOTH.admit(headers, 'admin')),
      admin,
    );
  });
}

test('without tokens, everybody may do everything', () => {
  assert.equal(NONE.hasTokens, false);
  assert.deepEqual(NONE.admit({}, 'admin'), { name: 'anybody', sidecar: null });
  assert.deepEqual(NONE.admit({ authorization: 'Bearer x' }, 'admin'), { name: 'anybody', sidecar: null });
});

test('says who it is: the admin, an application, a sidecar', () => {
  assert.deepEqual(BOTH.admit({ authorization: 'Bearer secret-a' }, 'admin'), {
    name: 'admin',
    sidecar: null,
  });
  assert.equal(BOTH.admit({ authorization: 'Bearer secret-s' }, 'sidecar').name, 'application');
  const headers = { authorization: 'Bearer secret-s', 'x-outrider-sidecar': 'orders-1' };
  assert.deepEqual(BOTH.admit(headers, 'sidecar'), { name: 'sidecar orders-1', sidecar: 'orders-1' });
});

test('refuses what can not be the id of a sidecar', () => {
  for (const id of ['', 'with space', 'x'.repeat(257)]) {
    assert.equal(
      statusOf(() => NONE.admit({ 'x-outrider-sidecar': id }, 'sidecar')),
      400,
      id,
    );
  }
});
