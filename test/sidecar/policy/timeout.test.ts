import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { deadlineLayer } from '../../../sidecar/policy/deadline.ts';
import { timeoutLayer } from '../../../sidecar/policy/timeout.ts';
import { Application, aCompleteBody, anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const MS = 200;

/** A call through the layer that has just begun. */
function start({
  body = null,
  kind = 'deadline',
}: {
  body?: RequestBody | null;
  kind?: 'deadline' | 'attempt-timeout';
} = {}) {
  const clock = new HandClock();
  const service = new ScriptedService();
  const upstream = 'inventory';
  const layer =
    kind === 'deadline'
      ? deadlineLayer({ total: MS, propagate: false, upstream }, clock.wheel)
      : timeoutLayer({ ms: MS, upstream }, clock.wheel);
  const timed = layer(service);
  const reply = new RecordedReply();
  const exchange = anExchange({ body, startedAt: clock.now });
  const call = timed.call(exchange, reply);
  return { clock, service, reply, call, exchange, timed };
}

/** A body of which the application has sent the first piece. */
function anUpload() {
  const body = new RequestBody(new Application(), 100, 1000);
  body.push(Buffer.from('x'));
  return body;
}

function complete(body: RequestBody, clock: HandClock): void {
  body.completedAt = clock.now;
  body.finish(null);
}

describe('a call that is not answered in time', () => {
  test('is cancelled at the millisecond', () => {
    const { clock, service, reply } = start();
    clock.advance(MS - 1);
    assert.equal(service.last.cancelled, null);
    clock.advance(1);
    assert.equal(reply.failure?.kind, 'deadline');
    assert.equal(service.last.cancelled, reply.failure);
  });

  test('counts from the start of the exchange, but an attempt from its own', () => {
    for (const [kind, left] of [
      ['deadline', 50],
      ['attempt-timeout', MS],
    ] as const) {
      const { clock, timed } = start({ kind });
      const exchange = anExchange({ startedAt: clock.now });
      clock.advance(MS - 50);
      const reply = new RecordedReply();
      timed.call(exchange, reply);
      clock.advance(left - 1);
      assert.equal(reply.failure, null);
      clock.advance(1);
      assert.equal(reply.told.at(-1), kind);
    }
  });

  test('is told why, with the name of the setting and of the upstream', () => {
    const { clock, reply } = start();
    clock.advance(MS);
    assert.equal(reply.failure?.detail, 'inventory did not answer within 200 ms (timeouts.total).');
    assert.equal(reply.failure.status, 504);
    assert.equal(reply.failure.reachedNobody, false);
  });

  test('is told otherwise where it is an attempt', () => {
    const { clock, reply } = start({ kind: 'attempt-timeout' });
    clock.advance(MS);
    assert.equal(reply.failure?.kind, 'attempt-timeout');
    assert.equal(reply.failure.detail, 'inventory did not answer within 200 ms (timeouts.attempt).');
  });

  test('is cancelled also when only interim answers came', () => {
    const { clock, service, reply } = start();
    service.last.informational(103);
    clock.advance(MS);
    assert.deepEqual(reply.told, [103, 'deadline']);
  });

  test('is cancelled once', () => {
    const { clock, reply } = start();
    clock.advance(10 * MS);
    assert.deepEqual(reply.told, ['deadline']);
  });
});

describe('the time stops', () => {
  test('at the head: the body may take as long as it likes', () => {
    const { clock, service, reply } = start();
    clock.advance(MS - 1);
    service.last.head(200);
    clock.advance(100 * MS);
    service.last.end();
    assert.deepEqual(reply.told, [200, 'end']);
    assert.equal(service.last.lateCancels, 0);
  });

  test('with a failure', () => {
    const { clock, service, reply } = start();
    service.last.fail('reset');
    clock.advance(10 * MS);
    assert.deepEqual(reply.told, ['reset']);
    assert.equal(service.last.lateCancels, 0);
  });

  test('when the caller gives up', () => {
    const { clock, reply, call, service } = start();
    call.cancel(failure('client-gone', 'gone'));
    clock.advance(10 * MS);
    assert.deepEqual(reply.told, ['client-gone']);
    assert.equal(service.last.lateCancels, 0);
  });

  test('also where the call ended at once', () => {
    const { clock, service, timed } = start();
    service.onCall = call => call.fail('no-endpoint');
    const reply = new RecordedReply();
    timed.call(anExchange({ startedAt: clock.now }), reply);
    clock.advance(10 * MS);
    assert.deepEqual(reply.told, ['no-endpoint']);
    assert.equal(service.last.lateCancels, 0);
  });
});

describe('the time that the application takes to send its request', () => {
  for (const late of [1, 7, MS - 1, MS, 10 * MS + 3]) {
    test(`does not count, where it is ${late} ms`, () => {
      const body = anUpload();
      const { clock, service } = start({ body });
      clock.advance(late);
      complete(body, clock);
      clock.advance(MS - 1);
      assert.equal(service.last.cancelled, null);
      clock.advance(1);
      assert.ok(service.last.cancelled);
    });
  }

  test('counts from the start where it was complete with its head', () => {
    const { clock, service } = start({ body: aCompleteBody('hello') });
    clock.advance(MS - 1);
    assert.equal(service.last.cancelled, null);
    clock.advance(1);
    assert.ok(service.last.cancelled);
  });

  test('counts no more once the answer has begun', () => {
    const body = anUpload();
    const { clock, service, reply } = start({ body });
    clock.advance(MS / 2);
    service.last.head(200);
    complete(body, clock);
    clock.advance(10 * MS);
    assert.deepEqual(reply.told, [200]);
  });
});

describe('the time begins', () => {
  test('with the exchange, for its first attempt', () => {
    const { clock, timed, service } = start();
    const exchange = anExchange({ startedAt: clock.now });
    clock.advance(50);
    timed.call(exchange, new RecordedReply());
    clock.advance(MS - 50);
    assert.ok(service.last.cancelled);
  });

  test('with the call, for a later attempt', () => {
    const { clock, exchange, service, timed } = start({ kind: 'attempt-timeout' });
    clock.advance(150);
    service.last.fail('reset');
    timed.call(exchange, new RecordedReply());
    clock.advance(MS - 1);
    assert.equal(service.last.cancelled, null);
    clock.advance(1);
    assert.ok(service.last.cancelled);
  });

  test('with the call, for a later attempt with a body that was complete long ago', () => {
    const body = anUpload();
    const { clock, exchange, service, timed } = start({ body, kind: 'attempt-timeout' });
    complete(body, clock);
    clock.advance(150);
    service.last.fail('reset');
    timed.call(exchange, new RecordedReply());
    clock.advance(MS - 1);
    assert.equal(service.last.cancelled, null);
    clock.advance(1);
    assert.ok(service.last.cancelled);
  });
});

test('pause and resume reach the call inside', () => {
  const { service, call } = start();
  call.pause();
  assert.equal(service.last.isPaused, true);
  call.resume();
  assert.equal(service.last.isPaused, false);
});

test('a process that was stopped for a while cancels what has become late, and no more', () => {
  const { clock, service } = start();
  clock.jump(1_000 * MS);
  assert.ok(service.last.cancelled);
});
