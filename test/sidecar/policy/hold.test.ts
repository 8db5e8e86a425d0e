import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { HoldRoom, holdLayer } from '../../../sidecar/policy/hold.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Application, anExchange, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

/** A hold of 500 ms over a scripted upstream that has no endpoint yet. */
function makeHold({ ms = 500, pending = 3 } = {}) {
  const clock = new HandClock();
  const room = new HoldRoom(clock.now);
  const counters = new UpstreamCounters('inventory');
  const service = new ScriptedService();
  const stack = holdLayer({ ms, pending, upstream: 'inventory' }, room, counters, clock.wheel)(service);
  const start = (parts: ExchangeParts = {}) => {
    const reply = new RecordedReply();
    const call = stack.call(anExchange(parts), reply);
    return { reply, call };
  };
  const update = (isEmpty: boolean) => room.update(isEmpty, clock.now);
  return { clock, room, counters, service, start, update };
}

describe('an upstream with endpoints', () => {
  test('is called at once, by the very call of the layer below', () => {
    const { service, start, update, counters } = makeHold();
    update(false);
    const { call } = start();
    assert.equal(call, service.last);
    assert.equal(counters.held, 0);
  });
});

describe('an upstream without', () => {
  test('holds until there is one, then sends in the order in which requests came', () => {
    const { clock, counters, service, start, update } = makeHold();
    const replies = ['GET', 'POST', 'PUT'].map(method => start({ method }).reply);
    assert.deepEqual([service.calls.length, counters.pendingWaiting, counters.held], [0, 3, 3]);
    clock.advance(499);
    update(false);
    assert.deepEqual(
      service.calls.map(({ exchange }) => exchange.head.method),
      ['GET', 'POST', 'PUT'],
    );
    assert.equal(counters.pendingWaiting, 0);
    for (const call of service.calls) call.answer();
    assert.ok(replies.every(({ told }) => told[0] === 200));
    clock.advance(1000);
  });

  test('fails when it has been empty for the whole time, counted from when it became so', () => {
    const { clock, counters, start, update } = makeHold();
    update(false);
    clock.advance(10_000);
    update(true);
    clock.advance(400);
    const { reply } = start();
    clock.advance(99);
    assert.equal(reply.isEnded, false);
    clock.advance(1);
    assert.equal(reply.failure?.kind, 'no-endpoint');
    assert.equal(reply.failure.reachedNobody, true);
    assert.match(reply.failure.detail, /^inventory has had no endpoint for 500 ms \(limits.hold\)/);
    assert.equal(counters.pendingWaiting, 0);
  });

  test('lets requests through from then on, to fail at once below', () => {
    const { clock, service, start, update } = makeHold();
    clock.advance(500);
    start();
    assert.equal(service.calls.length, 1);
    // To be told again that it is empty changes nothing.
    update(true);
    start();
    assert.equal(service.calls.length, 2);
  });

  test('holds anew when it becomes empty anew', () => {
    const { clock, service, start, update } = makeHold();
    clock.advance(600);
    update(false);
    update(true);
    start();
    clock.advance(499);
    update(false);
    assert.equal(service.calls.length, 1);
  });

  test('refuses what is more than limits.pending, whoever else waits', () => {
    const { counters, start } = makeHold({ pending: 2 });
    counters.pendingWaiting = 1;
    start();
    const { reply } = start();
    assert.equal(reply.failure?.kind, 'overflow');
    assert.match(
      reply.failure.detail,
      /no endpoint right now and 2 requests wait already \(limits.pending\)/,
    );
    assert.equal(counters.overflowed, 1);
  });

  test('does not hold what can not be sent from its first byte any more', () => {
    const { service, start } = makeHold();
    const body = new RequestBody(new Application(), 10, 4);
    body.release();
    start({ method: 'POST', body });
    assert.equal(service.calls.length, 1);
  });

  test('keeps the body of what it holds, and lets the application wait at the bound', () => {
    const { service, start, update } = makeHold();
    const application = new Application();
    const body = new RequestBody(application, 10, 4);
    start({ method: 'POST', body });
    body.push(Buffer.from('12345'));
    assert.equal(application.isPaused, true);
    update(false);
    assert.equal(service.last.exchange.isReplayable, true);
  });
});

describe('a held call', () => {
  test('is given up by whoever waits for it', () => {
    const { clock, counters, service, start, update } = makeHold();
    const { reply, call } = start();
    call.cancel(failure('client-gone', 'gone'));
    assert.equal(reply.failure?.kind, 'client-gone');
    assert.equal(counters.pendingWaiting, 0);
    call.cancel(failure('deadline', 'late'));
    update(false);
    clock.advance(1000);
    assert.equal(service.calls.length, 0);
  });

  test('is the attempt that it became', () => {
    const { service, start, update } = makeHold();
    const { reply, call } = start();
    call.pause();
    update(false);
    assert.equal(service.last.isPaused, true);
    call.resume();
    assert.equal(service.last.isPaused, false);
    call.cancel(failure('deadline', 'late'));
    assert.equal(service.last.cancelled?.kind, 'deadline');
    assert.equal(reply.failure?.kind, 'deadline');
  });
});

test('whatever happens, each request ends once or is with the upstream, and nothing stays counted', () => {
  const step = fc.oneof(
    fc.constant('start'),
    fc.constant('empty'),
    fc.constant('filled'),
    fc.constant('cancel'),
    fc.integer({ min: 1, max: 400 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const { clock, counters, service, start, update } = makeHold();
      const started: ReturnType<typeof start>[] = [];
      for (const step of steps) {
        if (step === 'start') started.push(start());
        else if (step === 'empty') update(true);
        else if (step === 'filled') update(false);
        else if (step === 'cancel') started[0]?.call.cancel(failure('client-gone', 'gone'));
        else clock.advance(step as number);
      }
      clock.advance(1000);
      assert.equal(counters.pendingWaiting, 0);
      const underWay = service.calls.filter(({ isEnded }) => !isEnded).length;
      assert.equal(started.filter(({ reply }) => !reply.isEnded).length, underWay);
    }),
  );
});
