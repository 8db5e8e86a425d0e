import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { breakerLayer, countedFailures } from '../../../sidecar/policy/breaker.ts';
import { type BreakerSettings, CircuitBreaker } from '../../../sidecar/policy/circuit-breaker.ts';
import { anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const SETTINGS: BreakerSettings = {
  window: { kind: 'calls', calls: 10 },
  minimumCalls: 10,
  failureRate: 0.5,
  slowCallRate: 1,
  slowCall: 100,
  openFor: 1500,
  openForGrowth: 1,
  openForMax: 1500,
  halfOpenCalls: 1,
  permitFor: 1000,
  rampUp: 0,
  forced: null,
};

let clock: HandClock;
let service: ScriptedService;
beforeEach(() => {
  clock = new HandClock();
  service = new ScriptedService();
});

function around(
  settings: Partial<BreakerSettings> = {},
  failures: readonly (number | string)[] = ['5xx', 'reset'],
  random = () => 0,
) {
  const breaker = new CircuitBreaker({ ...SETTINGS, ...settings }, random, () => {});
  const options = { breaker, counted: countedFailures(failures), upstream: 'inventory', wheel: clock.wheel };
  const stack = breakerLayer(options)(service);
  const call = (callerWaits = Number.POSITIVE_INFINITY) => {
    const reply = new RecordedReply();
    const exchange = anExchange({ startedAt: clock.now });
    exchange.callerDeadline = clock.now + callerWaits;
    return { reply, call: stack.call(exchange, reply) };
  };
  return { breaker, call, totals: () => breaker.totals(clock.now) };
}

describe('what an exchange counts as', () => {
  test('an answer by its status', () => {
    const { call, totals } = around({}, ['5xx', 429]);
    for (const status of [200, 404, 429, 500, 503, 599]) {
      call();
      service.last.answer(status);
    }
    assert.deepEqual(totals(), { calls: 6, failed: 4, slow: 0 });
  });

  test('a single status, and not those beside it', () => {
    const { call, totals } = around({}, [503]);
    for (const status of [500, 503]) {
      call();
      service.last.answer(status);
    }
    assert.equal(totals().failed, 1);
  });

  for (const [kind, is] of [
    ['reset', 'failed'],
    ['connect-failure', 'failed'],
    ['connect-timeout', 'failed'],
    ['deadline', 'ignored'],
    ['overflow', 'ignored'],
    ['client-gone', 'ignored'],
  ] as [FailureKind, string][]) {
    test(`${kind} as ${is}, where the policy names reset and connect-failure`, () => {
      const { call, totals } = around({}, ['reset', 'connect-failure']);
      call();
      service.last.fail(kind);
      assert.deepEqual(totals(), {
        calls: is === 'ignored' ? 0 : 1,
        failed: is === 'ignored' ? 0 : 1,
        slow: 0,
      });
    });
  }

  test('a body that breaks off, as what it broke off by', () => {
    const { call, totals } = around();
    call();
    service.last.head({ bodyLength: 10 });
    assert.equal(totals().calls, 0);
    service.last.fail('reset');
    assert.deepEqual(totals(), { calls: 1, failed: 1, slow: 0 });
  });

  test('an answer whose end can not be foreseen, with its head, and once', () => {
    const { call, totals } = around();
    call();
    service.last.head({ bodyLength: UNKNOWN_LENGTH });
    assert.deepEqual(totals(), { calls: 1, failed: 0, slow: 0 });
    service.last.fail('reset');
    assert.equal(totals().calls, 1);
  });

  test('slow, where its head took longer than the limit; its body may take as long as it likes', () => {
    const { call, totals } = around();
    call();
    clock.advance(101);
    service.last.answer();
    call();
    service.last.head({ bodyLength: 5 });
    clock.advance(10_000);
    service.last.end();
    assert.deepEqual(totals(), { calls: 2, failed: 0, slow: 1 });
  });

  test('a deadline as failed, save where a caller brought it that would not wait for as long as takes to be slow', () => {
    const { call, totals } = around({}, ['deadline']);
    for (const [callerWaits, after] of [
      [Number.POSITIVE_INFINITY, 50],
      [200, 50],
      [50, 50],
      [200, 200],
    ] as const) {
      const { call: running } = call(callerWaits);
      clock.advance(after);
      running.cancel(failure('deadline', 'Too late.'));
    }
    assert.deepEqual(totals(), { calls: 3, failed: 3, slow: 1 });
  });

  test('nothing, where it was given up', () => {
    const { call, totals } = around();
    const { call: running } = call();
    running.cancel(failure('client-gone', 'The application is gone.'));
    assert.equal(totals().calls, 0);
  });
});

describe('while it is open', () => {
  test('an exchange is refused before it reaches anybody, with when to come back', () => {
    const { call } = around({ minimumCalls: 2 });
    for (const _ of [1, 2]) {
      call();
      service.last.answer(500);
    }
    clock.advance(100);
    const { reply } = call();
    assert.equal(service.calls.length, 2);
    assert.deepEqual(
      [reply.failure?.kind, reply.failure?.status, reply.failure?.reachedNobody, reply.failure?.retryAfterMs],
      ['breaker-open', 503, true, 1400],
    );
    assert.equal(
      reply.failure?.detail,
      'The circuit breaker of inventory is open: of 2 calls 2 failed and 0 were slow. It tries again in 1400 ms.',
    );
  });

  test('its words and its retry-after are in whole milliseconds, however fine the clock is', () => {
    const { call } = around({ minimumCalls: 1, openFor: 1500.25 });
    call();
    service.last.answer(500);
    const { failure: reason } = call().reply;
    assert.match(reason?.detail ?? '', /It tries again in 1501 ms\.$/);
    assert.equal(reason?.retryAfterMs, 1501);
  });

  test('and tries, others are asked to come back in a while, not when a trial would be given up', () => {
    const { call } = around({ minimumCalls: 1, permitFor: 15_000 });
    call();
    service.last.answer(500);
    clock.advance(1500);
    call();
    assert.equal(call().reply.failure?.retryAfterMs, 1_000);
  });

  test('it says so where a hand holds it', () => {
    const { call } = around({ forced: 'open' });
    assert.match(call().reply.failure?.detail ?? '', /is held open \(breaker\.force\)/);
  });

  test('after that one call is let through, and closes it', () => {
    const { breaker, call } = around({ minimumCalls: 1 });
    call();
    service.last.answer(500);
    clock.advance(1500);
    call();
    assert.equal(breaker.state, 'half-open');
    assert.match(
      call().reply.failure?.detail ?? '',
      /is half-open: some calls are tried, and others are refused until/,
    );
    service.last.answer(200);
    assert.equal(breaker.state, 'closed');
  });

  test('and it ramps up, what is refused says so', () => {
    const { call } = around({ minimumCalls: 1, rampUp: 10_000 }, ['5xx'], () => 0.9);
    call();
    service.last.answer(500);
    clock.advance(1500);
    call();
    service.last.answer(200);
    clock.advance(100);
    const { failure: reason } = call().reply;
    assert.match(reason?.detail ?? '', /has closed a while ago, and lets a part of the calls through/);
    assert.ok((reason?.retryAfterMs ?? 0) > 0);
  });
});
