import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { Service } from '../../../sidecar/exchange/service.ts';
import { ConcurrencyLimit, concurrencyLayer } from '../../../sidecar/policy/concurrency-limit.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { type ScriptedCall, ScriptedService } from '../scripted-service.ts';

let clock: HandClock;
let service: ScriptedService;
let limit: ConcurrencyLimit;
let layer: Service;
let counters: UpstreamCounters;
beforeEach(() => setUp(2, 2));

function setUp(max: number, pending: number, pendingFor = 1000): void {
  clock = new HandClock();
  service = new ScriptedService();
  counters = new UpstreamCounters('inventory');
  limit = new ConcurrencyLimit({ max, pending, pendingFor }, counters, clock.wheel);
  layer = concurrencyLayer(limit, 'inventory')(service);
}

function ask() {
  const reply = new RecordedReply();
  const exchange = anExchange();
  const call = layer.call(exchange, reply);
  return { exchange, reply, call };
}

const askTimes = (times: number) => Array.from({ length: times }, ask);

/** For 200 ms requests take 20 ms each and come five times as fast as two places can serve them. */
function overload() {
  const asked: ReturnType<typeof ask>[] = [];
  const begun = new Map<ScriptedCall, number>();
  service.onCall = call => begun.set(call, clock.now);
  for (let ms = 0; ms < 200; ms++) {
    if (ms % 2 === 0) asked.push(ask());
    clock.advance(1);
    for (const [call, at] of begun) {
      if (clock.now - at < 20) continue;
      begun.delete(call);
      call.answer();
    }
  }
  return asked;
}

describe('a place', () => {
  test('is given back by an answer, a failure, and a cancellation', () => {
    const endings = [
      () => service.last.answer(),
      () => service.last.fail('reset'),
      (call: ReturnType<typeof ask>['call']) => call.cancel(failure('client-gone', 'Gone.')),
    ];
    for (const end of endings) {
      const { call } = ask();
      assert.equal(limit.inFlight, 1);
      end(call);
      assert.equal(limit.inFlight, 0);
    }
  });

  test('is usually taken for as long as requests are under way, whatever a breaker refuses meanwhile', () => {
    ask();
    clock.advance(20);
    service.last.answer();
    service.onCall = call => call.fail('breaker-open', true);
    askTimes(100);
    assert.deepEqual([limit.room.usual, limit.inFlight], [20, 0]);
  });

  test('goes to whoever has waited longest', () => {
    const asked = askTimes(4);
    assert.deepEqual([service.calls.length, counters.waitingForPlace], [2, 2]);
    clock.advance(30);
    service.calls[0].answer();
    assert.equal(service.last.exchange, asked[2].exchange);
    assert.deepEqual([limit.inFlight, counters.waitingForPlace, asked[2].exchange.waited], [2, 1, 30]);
    service.last.answer(200, 'hello');
    assert.deepEqual(asked[2].reply.told, [200, 'data', 'end']);
    assert.equal(service.last.exchange, asked[3].exchange);
  });

  test('is left where it is by a lower limit, and given to who waits by a higher one', () => {
    askTimes(4);
    limit.configure({ max: 1, pending: 2, pendingFor: 1000 });
    service.calls[0].answer();
    assert.deepEqual([service.calls.length, limit.inFlight], [2, 1]);
    limit.configure({ max: 3, pending: 2, pendingFor: 1000 });
    assert.deepEqual([service.calls.length, limit.inFlight, counters.waitingForPlace], [4, 3, 0]);
  });

  test('that is given back at once goes on to the next, however many wait', () => {
    setUp(1, 20_000, 300_000);
    const asked = askTimes(20_000);
    service.onCall = call => call.answer(503);
    service.last.answer();
    assert.ok(asked.every(({ reply }) => reply.isEnded));
    assert.deepEqual([service.calls.length, limit.inFlight], [20_000, 0]);
  });
});

describe('who waits in vain', () => {
  test('is refused at once where too many wait already', () => {
    askTimes(4);
    const { reply } = ask();
    assert.deepEqual([reply.failure?.kind, reply.failure?.reachedNobody], ['overflow', true]);
    assert.equal(
      reply.failure?.detail,
      'All 2 requests that may be under way to inventory at once are (limits.concurrency), and 2 more wait already (limits.pending).',
    );
    assert.deepEqual([service.calls.length, counters.overflowed], [2, 1]);
  });

  test('or where none may wait', () => {
    setUp(2, 0);
    askTimes(2);
    assert.equal(
      ask().reply.failure?.detail,
      'All 2 requests that may be under way to inventory at once are (limits.concurrency).',
    );
  });

  test('is refused when it has waited for as long as it may', () => {
    const [, , waiting] = askTimes(3);
    clock.advance(999);
    assert.ok(!waiting.reply.isEnded);
    clock.advance(1);
    assert.equal(
      waiting.reply.failure?.detail,
      'All 2 requests that may be under way to inventory at once are (limits.concurrency), and no place came free within 1000 ms (limits.pendingFor).',
    );
    assert.deepEqual([counters.waitingForPlace, counters.overflowed, counters.shed], [0, 1, 0]);
    assert.equal(waiting.exchange.waited, 1000);
  });

  test('is refused sooner where the policy says so from now on', () => {
    setUp(1, 5, 300_000);
    const [, waiting] = askTimes(2);
    limit.configure({ max: 1, pending: 5, pendingFor: 100 });
    const [later] = askTimes(1);
    clock.advance(110);
    assert.deepEqual([waiting.reply.failure?.kind, later.reply.failure?.kind], ['overflow', 'overflow']);
  });

  test('is refused early where the queue does not get shorter', () => {
    setUp(2, 100);
    ask();
    clock.advance(20);
    service.last.answer();
    const asked = overload();
    const refused = asked.flatMap(({ reply }) => reply.failure ?? []);
    assert.match(
      refused[0].detail,
      /are \(limits\.concurrency\), and so many come that none waits for longer than 30 ms\.$/,
    );
    // Whoever gets a place then has come just before.
    assert.ok(asked.slice(60).every(({ exchange, reply }) => reply.failure !== null || exchange.waited <= 2));
    assert.ok(counters.shed > 50 && counters.shed === counters.overflowed, String(counters.shed));
  });

  test('leaves when the application is gone, or its time is over', () => {
    const [, , gone, late] = askTimes(4);
    gone.call.cancel(failure('client-gone', 'Gone.'));
    late.call.cancel(failure('deadline', 'inventory did not answer within 5 ms (timeouts.total).'));
    assert.equal(counters.waitingForPlace, 0);
    assert.equal(gone.reply.failure?.kind, 'client-gone');
    assert.match(
      String(late.reply.failure?.detail),
      /\(timeouts\.total\)\. It waited for a place \(limits\.concurrency\)\.$/,
    );
    service.calls[0].answer();
    assert.equal(service.calls.length, 2);
  });
});

describe('a limit that is found out', () => {
  beforeEach(() => {
    setUp(2, 2);
    limit.configure({ max: { min: 1, max: 50 }, pending: 2, pendingFor: 1000 });
  });

  const usualAfter = (end: (call: ScriptedCall) => void) => {
    for (let i = 0; i < 25; i++) {
      ask();
      clock.advance(5);
      end(service.last);
    }
    return limit.adaptive?.usual;
  };

  test('is about the time to the head of an answer', () => {
    const streams: ScriptedCall[] = [];
    assert.equal(
      usualAfter(call => {
        call.head(200);
        streams.push(call);
      }),
      5,
    );
    clock.advance(1000);
    for (const call of streams) call.end();
    assert.deepEqual([limit.adaptive?.usual, limit.inFlight], [5, 0]);
  });

  test('leaves out what failed, was sent again or held', () => {
    const endings: ((call: ScriptedCall) => void)[] = [
      call => call.answer(503),
      call => call.fail('reset'),
      call => {
        call.exchange.attempts = 2;
        call.answer();
      },
      call => {
        call.exchange.waitsSince = 1;
        call.answer();
      },
    ];
    for (const end of endings) assert.equal(usualAfter(end), 0);
  });

  test('leaves nothing undecided when one is told instead', () => {
    limit.room.doubt();
    limit.configure({ max: 2, pending: 100, pendingFor: 1000 });
    assert.equal(limit.room.isShedding, false);
    overload();
    assert.ok(counters.shed > 25, String(counters.shed));
  });

  test('is said in the failure', () => {
    limit.configure({ max: { min: 1, max: 1 }, pending: 0, pendingFor: 1000 });
    ask();
    assert.equal(
      ask().reply.failure?.detail,
      'All 1 requests that may be under way to inventory at once are (limits.concurrency: adaptive).',
    );
  });
});

test('whatever happens, no more are under way than may be, and every request ends once', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('ask' as const) }),
    fc.record({ do: fc.constant('answer' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ do: fc.constant('configure' as const), max: fc.integer({ min: 1, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (steps, pending) => {
      setUp(2, pending, 50);
      let highest = 2;
      const asked: ReturnType<typeof ask>[] = [];
      const running = () => service.calls.filter(({ isEnded }) => !isEnded);
      for (const one of steps) {
        if (one.do === 'ask') asked.push(ask());
        else if (one.do === 'answer') running()[one.which % Math.max(1, running().length)]?.answer();
        else if (one.do === 'cancel')
          asked[one.which % Math.max(1, asked.length)]?.call.cancel(failure('client-gone', 'Gone.'));
        else if (one.do === 'advance') clock.advance(one.ms);
        else {
          limit.configure({ max: one.max, pending, pendingFor: 50 });
          highest = Math.max(highest, one.max);
        }
        assert.ok(running().length <= highest);
        assert.equal(running().length, limit.inFlight);
        assert.equal(limit.room.length, counters.waitingForPlace);
        assert.ok(counters.waitingForPlace <= pending);
        assert.ok(counters.waitingForPlace === 0 || limit.inFlight >= limit.max, 'waits for nothing');
      }
      for (const { call } of asked) call.cancel(failure('client-gone', 'Gone.'));
      assert.ok(asked.every(({ reply }) => reply.isEnded));
      assert.deepEqual([limit.inFlight, limit.room.length, counters.waitingForPlace], [0, 0, 0]);
    }),
    { numRuns: 500 },
  );
});
