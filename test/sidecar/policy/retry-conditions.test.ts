import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { RetryConditions } from '../../../sidecar/policy/retry-conditions.ts';
import { aResponseHead } from '../exchanges.ts';

type On = ConstructorParameters<typeof RetryConditions>[0];

function statusesOf(on: On): number[] {
  const conditions = new RetryConditions(on);
  return [200, 400, 404, 409, 425, 429, 500, 501, 502, 503, 504, 505, 599].filter(status =>
    conditions.isMetByAnswer(aResponseHead({ status })),
  );
}

describe('an answer', () => {
  for (const [on, statuses] of [
    [[], []],
    [['connect-failure', 'reset', 'attempt-timeout'], []],
    [['gateway-error'], [502, 503, 504]],
    [['5xx'], [500, 501, 502, 503, 504, 505, 599]],
    [['retriable-4xx'], [409]],
    [
      [{ status: [425, 500], header: null }, 'retriable-4xx'],
      [409, 425, 500],
    ],
  ] as [On, number[]][]) {
    test(`${JSON.stringify(on)} is met by ${statuses.join() || 'none'}`, () =>
      assert.deepEqual(statusesOf(on), statuses));
  }

  test('can be met by a field, with any or with one value', () => {
    const named = new RetryConditions([{ status: [], header: { name: 'X-Again', value: null } }]);
    const valued = new RetryConditions([{ status: [], header: { name: 'x-again', value: 'yes' } }]);
    for (const [fields, isNamed, isValued] of [
      [['X-AGAIN', 'yes'], true, true],
      [['x-again', 'no'], true, false],
      [['x-other', 'yes'], false, false],
    ] as const) {
      const head = aResponseHead({ fields: [...fields] });
      assert.deepEqual([named.isMetByAnswer(head), valued.isMetByAnswer(head)], [isNamed, isValued]);
    }
  });
});

describe('a failure', () => {
  for (const [on, kind, reachedNobody, isMet] of [
    ['connect-failure', 'connect-failure', true, true],
    ['connect-failure', 'connect-timeout', true, true],
    ['refused', 'connect-failure', true, true],
    ['refused', 'connect-timeout', true, false],
    ['reset', 'reset', false, true],
    ['reset', 'reset', true, true],
    ['reset-before-request', 'reset', true, true],
    ['reset-before-request', 'reset', false, false],
    ['attempt-timeout', 'attempt-timeout', false, true],
    ['5xx', 'reset', false, false],
    ['reset', 'bad-response', false, false],
    ['reset', 'deadline', false, false],
  ] as [On[number], FailureKind, boolean, boolean][]) {
    test(`${kind}${reachedNobody ? ' that reached nobody' : ''} ${isMet ? 'meets' : 'does not meet'} ${on}`, () => {
      assert.equal(new RetryConditions([on]).isMetByFailure(failure(kind, 'x', reachedNobody)), isMet);
    });
  }
});
