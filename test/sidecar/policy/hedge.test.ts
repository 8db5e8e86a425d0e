import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type FailureKind, failure, OUTRUN } from '../../../sidecar/exchange/failure.ts';
import { getField } from '../../../sidecar/exchange/fields.ts';
import { type BodySink, RequestBody } from '../../../sidecar/exchange/request-body.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { hedgeLayer } from '../../../sidecar/policy/hedge.ts';
import { HedgeDelay } from '../../../sidecar/policy/hedge-delay.ts';
import { RetryBudget } from '../../../sidecar/policy/retry-budget.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Application, aCompleteBody, anExchange, aTunnel, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { policyOf } from '../policies.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

interface Setup {
  readonly max?: number;
  readonly retry?: string;
  readonly after?: ConstructorParameters<typeof HedgeDelay>[0];
  readonly endpoints?: number;
  readonly exchange?: ExchangeParts;
  readonly reply?: RecordedReply;
}

/** A call through the layer, its first attempt under way; another one follows after 50 ms. */
function start(setup: Setup = {}) {
  const { max = 1, retry = '{}', after = 50, endpoints = 3, reply = new RecordedReply() } = setup;
  const clock = new HandClock();
  const counters = new UpstreamCounters('inventory');
  const service = new ScriptedService(endpoints);
  const settings = policyOf(`retry: ${retry}`).retry;
  const budget = new RetryBudget(settings.budget);
  const delay = new HedgeDelay(after);
  const { wheel } = clock;
  const layer = hedgeLayer({ max, retry: settings, delay, spares: service, budget, counters, wheel });
  const exchange = anExchange(setup.exchange);
  const stack = layer(service);
  const call = stack.call(exchange, reply);
  return { clock, counters, service, budget, delay, exchange, reply, call, stack };
}

/** The same, with the second attempt under way too. */
function startTwo(setup: Setup = {}) {
  const parts = start(setup);
  parts.clock.advance(50);
  const [first, second] = parts.service.calls;
  assert.ok(first !== undefined && second !== undefined);
  return { ...parts, first, second };
}

const refusedFor = ({ hedgesRefused }: UpstreamCounters) =>
  Object.entries(hedgesRefused).filter(([, count]) => count > 0);

const aBody = () => new RequestBody(new Application(), 5, 100);

describe('an attempt that is silent', () => {
  test('for long gets another one beside it, at an endpoint of its own', () => {
    const { clock, service, exchange, counters, budget } = start();
    clock.advance(49);
    assert.equal(service.calls.length, 1);
    clock.advance(1);
    assert.equal(service.calls.length, 2);
    assert.deepEqual(exchange.tried, service.endpoints.slice(0, 2));
    assert.equal(getField(exchange.head.fields, 'x-outrider-attempt'), '2');
    assert.deepEqual([exchange.hedges, counters.hedges, counters.hedgesWon], [1, 1, 0]);
    assert.equal(budget.describe(clock.now).retries, 1);
    clock.advance(1_000);
    assert.equal(service.calls.length, 2);
  });

  test('gets as many as there may be, each after the same time', () => {
    const { clock, service } = start({ max: 2 });
    clock.advance(99);
    assert.equal(service.calls.length, 2);
    clock.advance(1);
    assert.equal(service.calls.length, 3);
    clock.advance(1_000);
    assert.equal(service.calls.length, 3);
  });

  test('no longer than that gets none', () => {
    const { clock, service, reply, counters } = start();
    service.last.answer(200, 'hello');
    clock.advance(1_000);
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual([service.calls.length, counters.hedges], [1, 0]);
  });

  test('and then fails gets none: that is what retries are for', () => {
    const { clock, service, reply } = start();
    service.last.fail('reset');
    clock.advance(1_000);
    assert.deepEqual([service.calls.length, reply.told], [1, ['reset']]);
  });
});

describe('of two attempts', () => {
  test('the second may be answered first, and the other is cancelled', () => {
    const { first, second, reply, counters } = startTwo();
    second.head(200);
    assert.equal(first.cancelled, OUTRUN);
    second.data('hello');
    second.flush();
    second.end();
    assert.deepEqual(reply.told, [200, 'data', 'flush', 'end']);
    assert.equal(counters.hedgesWon, 1);
  });

  test('the first may be', () => {
    const { first, second, reply, counters } = startTwo();
    first.answer(200, 'hello');
    assert.equal(second.cancelled, OUTRUN);
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(counters.hedgesWon, 0);
  });

  test('one that fails is no failure while the other is under way', () => {
    for (const which of ['first', 'second'] as const) {
      const call = startTwo();
      call[which].fail('reset');
      assert.deepEqual(call.reply.told, []);
      call[which === 'first' ? 'second' : 'first'].answer(200);
      assert.deepEqual(call.reply.told, [200, 'end']);
    }
  });

  test('the one that failed last tells of both, and of what may have reached somebody', () => {
    const { first, second, reply } = startTwo();
    first.fail('reset');
    second.fail('connect-failure');
    assert.deepEqual(reply.told, ['connect-failure']);
    assert.equal(reply.failure?.reachedNobody, false);
  });

  test('an endpoint tells more than the own limits', () => {
    const { first, second, reply } = startTwo();
    second.fail('reset');
    first.fail('overflow');
    assert.deepEqual(reply.told, ['reset']);
  });

  test('both may have reached nobody', () => {
    const { first, second, reply } = startTwo();
    first.fail('connect-failure');
    second.fail('connect-failure');
    assert.equal(reply.failure?.reachedNobody, true);
  });

  test('one that is answered by what a retry would follow loses, and is given up', () => {
    const { first, second, reply } = startTwo();
    second.head(503);
    second.data('sorry');
    assert.equal(second.cancelled, null);
    second.flush();
    assert.equal(second.cancelled, OUTRUN);
    first.answer(200);
    assert.deepEqual(reply.told, [200, 'end']);
  });

  test('the last one is passed on whatever it is answered by', () => {
    const { first, second, reply } = startTwo();
    first.answer(503, 'sorry');
    second.answer(503, 'sorry');
    assert.deepEqual(reply.told, [503, 'data', 'end']);
  });

  test('one that was answered badly is given up when the other fails', () => {
    const { first, second, reply } = startTwo();
    first.head(503);
    second.fail('reset');
    assert.equal(first.cancelled, OUTRUN);
    assert.deepEqual(reply.told, ['reset']);
  });

  test('both are cancelled with the whole, which is told of once', () => {
    const { first, second, reply, call } = startTwo();
    call.cancel(failure('client-gone', 'gone'));
    assert.deepEqual([first.cancelled?.kind, second.cancelled?.kind], ['client-gone', 'client-gone']);
    assert.deepEqual(reply.told, ['client-gone']);
  });

  test('the winner is cancelled with the whole', () => {
    const { second, reply, call } = startTwo();
    second.head(200);
    call.cancel(failure('client-gone', 'gone'));
    assert.equal(second.cancelled?.kind, 'client-gone');
    assert.deepEqual(reply.told, [200, 'client-gone']);
  });

  test('whichever wins is slowed down as the application is', () => {
    const { clock, service, call } = start();
    call.pause();
    clock.advance(50);
    const [first, second] = service.calls;
    assert.deepEqual([first!.isPaused, second!.isPaused], [true, true]);
    call.resume();
    assert.deepEqual([first!.isPaused, second!.isPaused], [false, false]);
  });

  test('the second may be answered before its call came back', () => {
    const { clock, service, reply } = start();
    service.onCall = call => call.answer(200);
    clock.advance(50);
    assert.equal(service.calls[0]?.cancelled, OUTRUN);
    assert.deepEqual(reply.told, [200, 'end']);
  });

  test('the second may fail before its call came back', () => {
    const { clock, service, reply } = start();
    service.onCall = call => call.fail('connect-failure');
    clock.advance(50);
    service.calls[0]!.answer(200);
    assert.deepEqual(reply.told, [200, 'end']);
  });

  test('the application may leave while the second begins', () => {
    class Leaving extends RecordedReply {
      override informational(head: ResponseHead): void {
        super.informational(head);
        parts.call.cancel(failure('client-gone', 'gone'));
      }
    }
    const parts = start({ reply: new Leaving() });
    parts.service.onCall = call => call.informational();
    parts.clock.advance(50);
    assert.deepEqual(parts.reply.told, [103, 'client-gone']);
    assert.ok(parts.service.calls.every(({ isEnded }) => isEnded));
  });
});

describe('no other attempt is sent', () => {
  const refusals: readonly [string, Setup, FailureKind | string][] = [
    ['where there is no other endpoint', { endpoints: 1 }, 'no-other'],
    ['beyond all attempts', { retry: '{ attempts: 1 }' }, 'attempts'],
    ['beyond the budget', { retry: '{ budget: { ratio: 0%, floor: 0 } }' }, 'budget'],
    ['below a retry of an outer sidecar', { exchange: { fields: ['X-Outrider-Attempt', '2'] } }, 'nested'],
  ];
  for (const [title, setup, reason] of refusals) {
    test(title, () => {
      const { clock, service, counters } = start(setup);
      clock.advance(1_000);
      assert.equal(service.calls.length, 1);
      assert.deepEqual(refusedFor(counters), [[reason, 1]]);
    });
  }

  test('past the deadline', () => {
    const { clock, service, counters, exchange } = start();
    exchange.total = 50;
    clock.advance(50);
    assert.deepEqual([service.calls.length, refusedFor(counters)], [1, [['deadline', 1]]]);
  });

  test('where the body is gone', () => {
    const body = aCompleteBody('hello');
    const { clock, service, counters } = start({ exchange: { method: 'PUT', body } });
    body.release();
    clock.advance(50);
    assert.deepEqual([service.calls.length, refusedFor(counters)], [1, [['body', 1]]]);
  });

  const { tunnel } = aTunnel();
  const never: readonly [string, ExchangeParts, string?][] = [
    ['of a POST', { method: 'POST' }],
    ['of a POST, whatever is said of methods', { method: 'POST' }, '{ methods: any }'],
    ['of a method that must not be sent again', { method: 'PUT' }, '{ methods: [GET] }'],
    ['of what may become another protocol', { upgrade: 'websocket', tunnel }],
    ['of a CONNECT', { method: 'CONNECT', tunnel }],
  ];
  for (const [title, exchange, retry] of never) {
    test(title, () => {
      const { clock, service, counters } = start({ exchange, retry });
      clock.advance(1_000);
      assert.deepEqual([service.calls.length, refusedFor(counters)], [1, []]);
    });
  }

  test('while the percentile is not known', () => {
    const { clock, service, counters } = start({ after: 'p95' });
    clock.advance(10_000);
    assert.deepEqual([service.calls.length, refusedFor(counters)], [1, []]);
  });
});

describe('the body', () => {
  test('is waited for: the time that the application takes does not count', () => {
    const body = aBody();
    const { clock, service } = start({ exchange: { method: 'PUT', body } });
    clock.advance(120);
    body.push(Buffer.from('hello'));
    body.completedAt = clock.now;
    body.finish(null);
    clock.advance(49);
    assert.equal(service.calls.length, 1);
    clock.advance(1);
    assert.equal(service.calls.length, 2);
  });

  test('is sent to each of the attempts', () => {
    const received: string[] = [];
    const sink = (): BodySink => {
      const index = received.push('') - 1;
      const note = (text: string) => {
        received[index] += text;
        return true;
      };
      return { write: chunk => note(chunk.toString()), end: () => note('.') };
    };
    const body = aCompleteBody('hello');
    const { clock, service } = start({ exchange: { method: 'PUT', body } });
    const first = sink();
    body.attach(first);
    service.onCall = () => body.attach(sink());
    clock.advance(50);
    body.detach(first);
    assert.deepEqual(received, ['hello.', 'hello.']);
    assert.equal(body.isReplayable, true);
  });
});

describe('what it learns', () => {
  test('is how long first attempts take, and have taken when another was answered first', () => {
    const { clock, stack, service, delay } = start({ after: 'p75' });
    service.last.answer(200);
    for (let i = 0; i < 19; i++) {
      stack.call(anExchange(), new RecordedReply());
      clock.advance(i < 15 ? 10 : 100);
      service.last.answer(200);
    }
    assert.equal(delay.at(clock.now + 1_000), 12);
    // From now on every first attempt is silent, and every second one is answered at once.
    clock.advance(1_000);
    service.onCall = call => {
      if (call.exchange.attempts === 2) call.answer(200);
    };
    for (let i = 0; i < 20; i++) {
      stack.call(anExchange(), new RecordedReply());
      clock.advance(100);
    }
    assert.ok((delay.at(clock.now + 100) ?? 0) > 12);
  });

  test('is nothing of errors, which are quick to come', () => {
    const { stack, service, delay } = start({ after: 'p50' });
    service.last.answer(503);
    for (let i = 0; i < 50; i++) {
      stack.call(anExchange(), new RecordedReply());
      service.last.answer(500);
    }
    assert.equal(delay.at(1_000), null);
  });
});

// Whatever happens in whichever order, against a model.

type Step =
  | { readonly what: 'advance'; readonly ms: number }
  | {
      readonly what: 'tell';
      readonly which: number;
      readonly tells: 'fail' | 'bad' | 'good' | 'flush' | 'end';
    }
  | { readonly what: 'cancel' }
  | { readonly what: 'pause' }
  | { readonly what: 'resume' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ what: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    what: fc.constant('tell' as const),
    which: fc.nat(3),
    tells: fc.constantFrom(
      'fail' as const,
      'bad' as const,
      'good' as const,
      'flush' as const,
      'end' as const,
    ),
  }),
  fc.constantFrom<Step>({ what: 'cancel' }, { what: 'pause' }, { what: 'resume' }),
);

test('the first good answer wins, a failure is told once all have failed, and nothing is left behind', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 30 }),
      (max, endpoints, steps) => {
        const retry = '{ attempts: 10, on: [gateway-error, reset] }';
        const { clock, service, reply, call, counters } = start({ max, endpoints, retry });
        /** Those that could still win. */
        const racing = new Set([service.last]);
        let winner: unknown = null;
        for (const one of steps) {
          const before = service.calls.length;
          if (one.what === 'advance') clock.advance(one.ms);
          else if (one.what === 'cancel') call.cancel(failure('client-gone', 'gone'));
          else if (one.what === 'pause') call.pause();
          else if (one.what === 'resume') call.resume();
          else {
            const attempt = service.calls[one.which];
            if (attempt === undefined || attempt.isEnded) continue;
            if (one.tells === 'flush') {
              if (attempt.hasHead) attempt.flush();
            } else if (one.tells === 'end') {
              if (attempt.hasHead) attempt.end();
            } else if (one.tells === 'fail') {
              racing.delete(attempt);
              attempt.fail('reset');
              if (winner === null && racing.size === 0) assert.equal(reply.failure?.kind, 'reset');
            } else if (!attempt.hasHead) {
              const wins = winner === null && (one.tells === 'good' || racing.size === 1);
              racing.delete(attempt);
              attempt.head(one.tells === 'good' ? 200 : 503);
              if (wins) {
                winner = attempt;
                racing.clear();
                assert.ok(service.calls.every(other => other === attempt || other.isEnded));
              }
            }
          }
          assert.equal(reply.answer !== null, winner !== null);
          for (const sent of service.calls.slice(before)) racing.add(sent);
          if (reply.isEnded) {
            racing.clear();
            assert.ok(service.calls.every(({ isEnded }) => isEnded));
          }
        }
        call.cancel(failure('client-gone', 'gone'));
        assert.ok(reply.isEnded);
        assert.ok(service.calls.every(({ isEnded }) => isEnded));
        const made = service.calls.length;
        clock.jump(10_000);
        assert.equal(service.calls.length, made);
        assert.ok(made <= Math.min(max + 1, endpoints));
        assert.equal(counters.hedges, made - 1);
        assert.equal(new Set(service.calls.map(({ exchange }) => exchange)).size, 1);
      },
    ),
    { numRuns: 2_000 },
  );
});
