import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mayBeDoneTwice, movesWaiting } from '../../../sidecar/policy/done-twice.ts';
import { anExchange } from '../exchanges.ts';
import { policyOf } from '../policies.ts';

const put = anExchange({ method: 'PUT' });
const post = anExchange({ method: 'POST' });

test('what may be done twice is what is idempotent, everything, or what is named', () => {
  const done = (methods: Parameters<typeof mayBeDoneTwice>[1]) =>
    [put, post].map(exchange => mayBeDoneTwice(exchange, methods));
  assert.deepEqual(done('idempotent'), [true, false]);
  assert.deepEqual(done('any'), [true, true]);
  assert.deepEqual(done(['POST']), [false, true]);
});

describe('what waits in vain', () => {
  const isMoved = (policy: string) => movesWaiting(policyOf(policy))(put);

  test('is sent to another endpoint where it may be sent again', () => {
    assert.equal(isMoved('{}'), true);
    assert.equal(isMoved('retry: { methods: [GET] }'), false);
  });

  test('is not where nothing is sent again, or nobody looks whether endpoints answer', () => {
    for (const policy of ['retry: { attempts: 1 }', 'outliers: "off"', 'outliers: { unanswered: "off" }'])
      assert.equal(isMoved(policy), false, policy);
  });
});
