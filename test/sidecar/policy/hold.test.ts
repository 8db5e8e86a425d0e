import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Failure, failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { Hold } from '../../../sidecar/policy/hold.ts';
import { HoldRoom } from '../../../sidecar/policy/hold-room.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Application, anExchange, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const REFUSED = failure('connect-failure', 'inventory: connecting to 10.0.0.1:80 failed: ECONNREFUSED.');

/** A hold of 500 ms over a scripted upstream that has no endpoint yet. */
function makeHold({ ms = 500, pending = 3 } = {}) {
  const clock = new HandClock();
  const room = new HoldRoom(clock.now);
  const counters = new UpstreamCounters('inventory');
  const service = new ScriptedService();
  const settings = {
    ms,
    pending,
    upstream: 'inventory',
    loss: () => service.loss,
    remedy: () => service.remedy,
  };
  const hold = new Hold(settings, room, counters, clock.wheel);
  const stack = hold.layer(service);
  const start = (parts: ExchangeParts = {}) => {
    const reply = new RecordedReply();
    const call = stack.call(anExchange({ startedAt: clock.now, ...parts }), reply);
    return { reply, call };
  };
  /** A request whose last attempt ended so waits; null where it may not. */
  const startAgain = (reason: Failure, exchange = anExchange()) => {
    if (!hold.take(exchange, reason)) return null;
    const reply = new RecordedReply();
    return { reply, call: stack.call(exchange, reply), exchange };
  };
  const update = (isEmpty: boolean) => room.update(isEmpty ? 'empty' : 'open', clock.now);
  const lose = () => {
    service.loss = REFUSED;
    room.update('lost', clock.now);
  };
  return { clock, room, counters, service, start, startAgain, update, lose };
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
    assert.match(
      reply.failure.detail,
      /^inventory has had no endpoint for 500 ms \(limits.hold\)\. Start one\.$/,
    );
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

describe('an upstream whose endpoints all can not be connected to any more', () => {
  test('holds until one can, the oldest request first, also one that was sent in vain', () => {
    const { clock, counters, service, start, startAgain, update, lose } = makeHold();
    update(false);
    const old = anExchange({ method: 'PUT', startedAt: clock.now });
    clock.advance(10);
    lose();
    start({ method: 'HEAD' });
    startAgain(REFUSED, old);
    clock.advance(10);
    start({ method: 'DELETE' });
    assert.deepEqual([service.calls.length, counters.pendingWaiting, counters.held], [0, 3, 3]);
    update(false);
    assert.deepEqual(
      service.calls.map(({ exchange }) => exchange.head.method),
      ['PUT', 'HEAD', 'DELETE'],
    );
  });

  test('fails when it has been so for the whole time, and says why', () => {
    const { clock, start, update, lose } = makeHold();
    update(false);
    clock.advance(10_000);
    lose();
    clock.advance(400);
    const { reply } = start();
    clock.advance(99);
    assert.equal(reply.isEnded, false);
    clock.advance(1);
    assert.equal(reply.failure?.kind, 'no-endpoint');
    assert.match(
      reply.failure.detail,
      /^inventory has had no endpoint that can be connected to for 500 ms \(limits.hold\)\. .*ECONNREFUSED\.$/,
    );
  });

  test('takes nothing from then on, nor lets it wait', () => {
    const { clock, service, start, startAgain, update, lose } = makeHold();
    update(false);
    lose();
    clock.advance(500);
    start();
    assert.equal(service.calls.length, 1);
    assert.equal(startAgain(REFUSED), null);
  });

  test('counts the time on when the last of them leaves meanwhile', () => {
    const { clock, start, update, lose } = makeHold();
    update(false);
    lose();
    clock.advance(300);
    update(true);
    const { reply } = start();
    clock.advance(200);
    assert.match(reply.failure?.detail ?? '', /has had no endpoint for 500 ms/);
  });

  test('says so where too many wait', () => {
    const { start, update, lose } = makeHold({ pending: 0 });
    update(false);
    lose();
    assert.match(start().reply.failure?.detail ?? '', /can not be connected to right now and 0 requests/);
  });
});

describe('a room that is shut', () => {
  test('lets go who waits, and nobody waits there any more', () => {
    const { clock, counters, service, room, start, startAgain } = makeHold();
    const { reply } = start();
    room.shut();
    assert.equal(reply.failure?.kind, 'no-endpoint');
    assert.equal(counters.pendingWaiting, 0);
    assert.equal(startAgain(REFUSED), null);
    start();
    assert.equal(service.calls.length, 1);
    clock.advance(1000);
  });
});

describe('a request that has to wait though there are endpoints', () => {
  test('waits alone, until one that can be connected to is found', () => {
    const { counters, service, room, start, startAgain, update } = makeHold();
    update(false);
    startAgain(REFUSED);
    start();
    assert.equal(service.calls.length, 1);
    // No news: nothing was found by that.
    update(false);
    assert.equal(service.calls.length, 1);
    room.release();
    assert.equal(service.calls.length, 2);
    assert.equal(counters.pendingWaiting, 0);
  });

  test('waits for as long as may be in all, however often', () => {
    const { clock, room, startAgain, update } = makeHold();
    update(false);
    const first = startAgain(REFUSED);
    clock.advance(300);
    room.release();
    const second = startAgain(REFUSED, first?.exchange);
    clock.advance(199);
    assert.equal(second?.reply.isEnded, false);
    clock.advance(1);
    assert.equal(second.reply.failure?.kind, 'no-endpoint');
    assert.equal(startAgain(REFUSED, first?.exchange), null);
  });

  test('that somebody may have acted upon says so when it fails', () => {
    const { clock, startAgain, update } = makeHold();
    update(false);
    const held = startAgain(failure('reset', 'inventory: the connection was lost before it answered.'));
    clock.advance(500);
    assert.equal(held?.reply.failure?.reachedNobody, false);
    assert.match(held.reply.failure.detail, /was lost before it answered\.$/);
  });

  test('waits once: another attempt after that is made at once', () => {
    const { service, room, startAgain, update } = makeHold();
    update(false);
    const held = startAgain(REFUSED);
    assert.ok(held);
    room.release();
    assert.equal(service.calls.length, 1);
    assert.equal(held.exchange.waitsFor, null);
  });
});

describe('a held call', () => {
  test('that the deadline ends tells what it waited for', () => {
    const { start, update, lose } = makeHold();
    const empty = start();
    empty.call.cancel(failure('deadline', 'inventory did not answer within 9 ms.'));
    assert.match(empty.reply.failure?.detail ?? '', /within 9 ms\. It was held \(limits\.hold\)\. Start one/);
    update(false);
    lose();
    const lost = start();
    lost.call.cancel(failure('deadline', 'inventory did not answer within 9 ms.'));
    assert.match(lost.reply.failure?.detail ?? '', /It was held \(limits\.hold\)\. .*ECONNREFUSED\.$/);
    assert.equal(lost.reply.failure?.kind, 'deadline');
  });

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
    fc.constant('lost'),
    fc.constant('found'),
    fc.constant('again'),
    fc.constant('cancel'),
    fc.integer({ min: 1, max: 400 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const { clock, room, counters, service, start, startAgain, update, lose } = makeHold();
      const started: ReturnType<typeof start>[] = [];
      for (const step of steps) {
        if (step === 'start') started.push(start());
        else if (step === 'empty') update(true);
        else if (step === 'filled') update(false);
        else if (step === 'lost') lose();
        else if (step === 'found') room.release();
        else if (step === 'again') started.push(...[startAgain(REFUSED) ?? []].flat());
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
