import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  badRequest,
  FAILURES,
  type FailureKind,
  failure,
  retryExhausted,
} from '../../../sidecar/exchange/failure.ts';

/** The list that is promised to users: codes, statuses and flags don't change. */
const PROMISED: [kind: FailureKind, status: number, flag: string, retry: string, blamesEndpoint: boolean][] =
  [
    ['no-route', 404, 'NR', 'never', false],
    ['no-endpoint', 503, 'UH', 'never', false],
    ['connect-failure', 503, 'UF', 'always', true],
    ['connect-timeout', 503, 'UF', 'always', true],
    ['reset', 503, 'UC', 'idempotent', true],
    ['attempt-timeout', 504, 'UT', 'idempotent', true],
    ['deadline', 504, 'DT', 'never', false],
    ['breaker-open', 503, 'UO', 'never', false],
    ['overflow', 503, 'UO', 'never', false],
    ['rate-limited', 429, 'RL', 'never', false],
    ['retry-exhausted', 503, 'URX', 'never', false],
    ['bad-response', 502, 'UPE', 'never', true],
    ['bad-request', 400, 'DPE', 'never', false],
    ['fault-injected', 503, 'FI', 'never', false],
    ['client-gone', 0, 'DC', 'never', false],
  ];

describe('the kinds of failure', () => {
  for (const [kind, status, flag, retry, blamesEndpoint] of PROMISED) {
    test(`${kind}: ${status} ${flag}, sent again: ${retry}`, () => {
      assert.deepEqual(FAILURES[kind], { status, flag, retry, blamesEndpoint });
      assert.equal(failure(kind, 'x').status, status);
    });
  }

  test('are these and no other', () => {
    assert.deepEqual(Object.keys(FAILURES).sort(), PROMISED.map(([kind]) => kind).sort());
  });
});

test('a failure to connect reached nobody, any other may have, unless it is known', () => {
  assert.equal(failure('connect-failure', 'x').reachedNobody, true);
  assert.equal(failure('connect-timeout', 'x').reachedNobody, true);
  assert.equal(failure('reset', 'x').reachedNobody, false);
  assert.equal(failure('attempt-timeout', 'x').reachedNobody, false);
  assert.equal(failure('reset', 'x', true).reachedNobody, true);
});

test('a refused request has the status that fits, and reached nobody', () => {
  const refused = badRequest(431, 'too many fields');
  assert.deepEqual(refused, {
    kind: 'bad-request',
    status: 431,
    detail: 'too many fields',
    reachedNobody: true,
    last: null,
    retryAfterMs: null,
    isExhausted: false,
  });
});

test('exhausted retries keep the status and the story of the last attempt', () => {
  const last = failure('attempt-timeout', 'inventory did not answer');
  const exhausted = retryExhausted(last, 3);
  assert.equal(exhausted.kind, 'retry-exhausted');
  assert.equal(exhausted.status, 504);
  assert.equal(exhausted.last, last);
  assert.equal(exhausted.reachedNobody, false);
  assert.match(exhausted.detail, /inventory did not answer.*attempt 3/);
});
