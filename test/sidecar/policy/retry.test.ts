import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import type { Exchange } from '../../../sidecar/exchange/exchange.ts';
import { type Failure, type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { getField } from '../../../sidecar/exchange/fields.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { RETRY_REFUSALS, type RetryRefusal } from '../../../sidecar/exchange/retry-refusal.ts';
import { retryLayer } from '../../../sidecar/policy/retry.ts';
import { RetryBudget } from '../../../sidecar/policy/retry-budget.ts';
import type { RetrySettings } from '../../../sidecar/policy/retry-rules.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Application, aCompleteBody, anExchange, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const settingsOf = (values: Partial<RetrySettings> = {}): RetrySettings => ({
  ...DEFAULT_POLICY.retry,
  attempts: 2,
  on: ['connect-failure', 'reset'],
  ...values,
});

type Options = Parameters<typeof retryLayer>[0];

/** A layer over the service that never waits before a retry, save what is said. */
function layerOver(
  service: ScriptedService,
  settings: Partial<RetrySettings> = {},
  options: Partial<Options> = {},
) {
  const clock = new HandClock();
  const counters = new UpstreamCounters('inventory');
  const whole = settingsOf(settings);
  const layer = retryLayer({
    settings: whole,
    alternatives: service,
    shelter: null,
    budget: new RetryBudget(whole.budget),
    counters,
    wheel: clock.wheel,
    random: () => 0,
    ...options,
  });
  return { clock, counters, stack: layer(service) };
}

interface Setup {
  readonly settings?: Partial<RetrySettings>;
  readonly endpoints?: number;
  readonly exchange?: ExchangeParts;
  readonly options?: Partial<Options>;
}

/** A call through the layer, its first attempt under way. */
function start({ settings = {}, endpoints = 2, exchange: parts = {}, options = {} }: Setup = {}) {
  const service = new ScriptedService(endpoints);
  const reply = new RecordedReply();
  const { stack, clock, counters } = layerOver(service, settings, options);
  const exchange = anExchange(parts);
  const call = stack.call(exchange, reply);
  return { service, reply, call, clock, counters, exchange };
}

interface WaitSetup extends Setup {
  readonly isLost?: boolean;
  readonly mayTake?: boolean;
}

/** A call to the only endpoint, with somewhere to wait. */
function startSheltered({ settings = {}, endpoints = 1, exchange = {}, isLost, mayTake = true }: WaitSetup) {
  const service = new ScriptedService(endpoints);
  if (isLost) service.loss = failure('connect-failure', 'It was refused.');
  const taken: Failure[] = [];
  const shelter = {
    take(_: Exchange, reason: Failure) {
      if (mayTake) taken.push(reason);
      return mayTake;
    },
  };
  const reply = new RecordedReply();
  const { stack, counters } = layerOver(service, settings, { shelter });
  stack.call(anExchange(exchange), reply);
  return { service, reply, taken, counters };
}

const POST: ExchangeParts = { method: 'POST' };
const ALL: RetrySettings['on'] = ['connect-failure', 'reset', 'attempt-timeout', 'gateway-error', '5xx'];

interface Case extends Setup {
  readonly title: string;
  readonly kind: FailureKind;
  readonly reachedNobody?: boolean;
}

const RETRIED: readonly Case[] = [
  { title: 'a GET whose connection was refused', kind: 'connect-failure' },
  { title: 'a GET whose connection took too long', kind: 'connect-timeout' },
  { title: 'a GET whose connection was lost', kind: 'reset' },
  { title: 'a HEAD whose connection was lost', kind: 'reset', exchange: { method: 'HEAD' } },
  { title: 'a DELETE whose connection was lost', kind: 'reset', exchange: { method: 'DELETE' } },
  {
    title: 'a PUT with a kept body',
    kind: 'reset',
    exchange: { method: 'PUT', body: aCompleteBody('hello') },
  },
  { title: 'a POST that was refused', kind: 'connect-failure', exchange: POST },
  {
    title: 'a POST with a kept body that was refused',
    kind: 'connect-failure',
    exchange: { ...POST, body: aCompleteBody('hello') },
  },
  { title: 'a POST that was lost before it was sent', kind: 'reset', reachedNobody: true, exchange: POST },
  { title: 'a POST where any method may be', kind: 'reset', settings: { methods: 'any' }, exchange: POST },
  {
    title: 'a POST where POST may be',
    kind: 'reset',
    settings: { methods: ['PATCH', 'POST'] },
    exchange: POST,
  },
  {
    title: 'a GET that took too long, where that is asked for',
    kind: 'attempt-timeout',
    settings: { on: ALL },
  },
  {
    title: 'an upgrade that was refused',
    kind: 'connect-failure',
    exchange: { upgrade: 'websocket' },
  },
];

const NOT_RETRIED: readonly Case[] = [
  { title: 'a POST that may have been acted upon', kind: 'reset', exchange: POST },
  { title: 'a PATCH that may have been acted upon', kind: 'reset', exchange: { method: 'PATCH' } },
  { title: 'an upgrade that may have been acted upon', kind: 'reset', exchange: { upgrade: 'websocket' } },
  {
    title: 'a POST that took too long',
    kind: 'attempt-timeout',
    settings: { on: ALL },
    exchange: POST,
  },
  {
    title: 'a POST where only other methods may be',
    kind: 'reset',
    settings: { methods: ['GET', 'PATCH'] },
    exchange: POST,
  },
  {
    title: 'a GET where only other methods may be',
    kind: 'reset',
    settings: { methods: ['POST'] },
  },
  { title: 'a GET that took too long, where that is not asked for', kind: 'attempt-timeout' },
  {
    title: 'a lost GET, where only refused ones are asked for',
    kind: 'reset',
    settings: { on: ['connect-failure'] },
  },
  {
    title: 'a refused GET, where only lost ones are asked for',
    kind: 'connect-failure',
    settings: { on: ['reset'] },
  },
  { title: 'anything where there is no other endpoint', kind: 'connect-failure', endpoints: 1 },
  {
    title: 'a PUT whose body is no longer there',
    kind: 'reset',
    exchange: { method: 'PUT', body: aLostBody() },
  },
  {
    title: 'a POST whose body is no longer there, though it reached nobody',
    kind: 'connect-failure',
    exchange: { ...POST, body: aLostBody() },
  },
  { title: 'what the deadline ended', kind: 'deadline', settings: { on: ALL } },
  { title: 'what no endpoint was there for', kind: 'no-endpoint', settings: { on: ALL } },
  { title: 'what a limit refused', kind: 'overflow', settings: { on: ALL } },
  { title: 'a malformed answer', kind: 'bad-response', settings: { on: ALL } },
  { title: 'a malformed request', kind: 'bad-request', settings: { on: ALL } },
  { title: 'what the application gave up', kind: 'client-gone', settings: { on: ALL } },
];

function aLostBody(): RequestBody {
  const body = aCompleteBody('hello');
  body.release();
  return body;
}

describe('sends again', () => {
  for (const { title, kind, reachedNobody, ...setup } of RETRIED) {
    test(title, () => {
      const { service, reply } = start(setup);
      service.last.fail(kind, reachedNobody);
      assert.equal(service.calls.length, 2);
      assert.deepEqual(reply.told, []);
      service.last.answer(200, 'hello');
      assert.deepEqual(reply.told, [200, 'data', 'end']);
    });
  }
});

describe('does not send again', () => {
  for (const { title, kind, reachedNobody, ...setup } of NOT_RETRIED) {
    test(title, () => {
      const { service, reply } = start(setup);
      service.last.fail(kind, reachedNobody);
      assert.equal(service.calls.length, 1);
      assert.equal(reply.failure?.kind, kind);
    });
  }

  test('what has begun to be answered', () => {
    const { service, reply } = start();
    service.last.head(200);
    service.last.fail('reset');
    assert.equal(service.calls.length, 1);
    assert.deepEqual(reply.told, [200, 'reset']);
  });
});

describe('where there is no other endpoint, waits with', () => {
  const WAITING: readonly (Case & WaitSetup)[] = [
    { title: 'a GET that was refused', kind: 'connect-failure', isLost: true },
    { title: 'a POST that was refused', kind: 'connect-failure', isLost: true, exchange: POST },
    { title: 'a POST that took too long to connect', kind: 'connect-timeout', isLost: true, exchange: POST },
    {
      title: 'a POST that waited for a connection to the endpoint that has left',
      kind: 'no-endpoint',
      reachedNobody: true,
      isLost: true,
      exchange: POST,
    },
    { title: 'a lost GET', kind: 'reset' },
    { title: 'a POST that was lost before it was sent', kind: 'reset', reachedNobody: true, exchange: POST },
    {
      title: 'a POST that was refused, where nothing is retried',
      kind: 'connect-failure',
      isLost: true,
      settings: { attempts: 1 },
      exchange: POST,
    },
  ];
  for (const { title, kind, reachedNobody, ...setup } of WAITING) {
    test(title, () => {
      const { service, reply, taken } = startSheltered(setup);
      service.last.fail(kind, reachedNobody);
      assert.equal(taken[0]?.kind, kind);
      service.last.answer(200);
      assert.deepEqual(reply.told, [200, 'end']);
      assert.equal(service.calls.length, 2);
    });
  }

  test('what was refused, however many attempts there were', () => {
    const { service, reply, taken } = startSheltered({ isLost: true });
    for (let i = 0; i < 5; i++) service.last.fail('connect-failure');
    assert.deepEqual([taken.length, reply.isEnded], [5, false]);
  });

  test('a lost GET as often as it may be retried, not counted what was refused in between', () => {
    const { service, reply, taken } = startSheltered({ settings: { attempts: 3 }, isLost: true });
    service.last.fail('reset');
    service.last.fail('connect-failure');
    service.last.fail('connect-failure');
    service.last.fail('reset');
    service.last.fail('connect-failure');
    assert.equal(taken.length, 5);
    // It may well be what ends whoever gets it.
    service.last.fail('reset');
    assert.equal(reply.failure?.last?.kind, 'reset');
  });

  test('a POST that was lost before it was sent, no more often than it may be retried', () => {
    const { service, reply } = startSheltered({ exchange: POST });
    service.last.fail('reset', true);
    service.last.fail('reset', true);
    assert.equal(reply.failure?.last?.kind, 'reset');
  });
});

describe('where there is no other endpoint, does not wait with', () => {
  const FAILING: readonly (Case & WaitSetup)[] = [
    { title: 'a POST that may have been acted upon', kind: 'reset', isLost: true, exchange: POST },
    { title: 'what was refused by an endpoint that never was there', kind: 'connect-failure' },
    { title: 'what never had an endpoint', kind: 'no-endpoint', reachedNobody: true },
    { title: 'what was too much', kind: 'overflow', reachedNobody: true, isLost: true },
    { title: 'what took too long', kind: 'attempt-timeout', isLost: true, settings: { on: ALL } },
    { title: 'what was answered badly', kind: 'bad-response', isLost: true },
    { title: 'a lost GET where nothing is retried', kind: 'reset', isLost: true, settings: { attempts: 1 } },
    {
      title: 'a lost GET where only refused ones are retried',
      kind: 'reset',
      isLost: true,
      settings: { on: ['connect-failure'] },
    },
    {
      title: 'a request whose body is no longer there',
      kind: 'connect-failure',
      isLost: true,
      exchange: { ...POST, body: aLostBody() },
    },
    { title: 'what has waited long enough', kind: 'connect-failure', isLost: true, mayTake: false },
  ];
  for (const { title, kind, reachedNobody, ...setup } of FAILING) {
    test(title, () => {
      const { service, reply, taken } = startSheltered(setup);
      service.last.fail(kind, reachedNobody);
      assert.deepEqual(taken, []);
      assert.equal(reply.failure?.kind, kind);
    });
  }

  test('a lost GET for which there is no budget, which is why it fails', () => {
    const { service, reply, taken, counters } = startSheltered({
      settings: { budget: { ratio: 0, floor: 0 } },
    });
    service.last.fail('reset');
    assert.deepEqual([taken, reply.told], [[], ['reset']]);
    assert.deepEqual([counters.retriesRefused.budget, counters.retriesRefused['no-other']], [1, 0]);
  });

  test('anything that another endpoint can have now', () => {
    const { service, taken } = startSheltered({ endpoints: 2, isLost: true });
    service.last.fail('connect-failure');
    assert.equal(service.calls.length, 2);
    assert.deepEqual(taken, []);
  });
});

describe('how often', () => {
  for (const attempts of [2, 3, 5]) {
    test(`at most ${attempts} attempts, the first one included`, () => {
      const { service, reply } = start({ settings: { attempts } });
      while (!reply.isEnded) service.last.fail('connect-failure');
      assert.equal(service.calls.length, attempts);
    });
  }

  test('attempts that fail at once are counted like all others', () => {
    const service = new ScriptedService(3);
    service.onCall = call => call.fail('connect-failure');
    const reply = new RecordedReply();
    layerOver(service, { attempts: 4 }).stack.call(anExchange(), reply);
    assert.equal(service.calls.length, 4);
    assert.equal(reply.failure?.kind, 'retry-exhausted');
  });

  test('what is left in the end tells of the last failure and keeps its status', () => {
    const { service, reply } = start({ settings: { attempts: 3, on: ALL } });
    service.last.fail('connect-failure');
    service.last.fail('reset');
    service.last.fail('attempt-timeout');
    assert.equal(reply.failure?.kind, 'retry-exhausted');
    assert.equal(reply.failure.status, 504);
    assert.equal(reply.failure.last?.kind, 'attempt-timeout');
    assert.match(
      reply.failure.detail,
      /^Attempt 3 ended in attempt-timeout\. This was attempt 3\. All attempts/,
    );
  });

  test('a failure that no retry helps is told as it is, also by the second attempt', () => {
    const { service, reply } = start();
    service.last.fail('connect-failure');
    service.last.fail('overflow');
    assert.equal(reply.failure?.kind, 'overflow');
  });

  test('a POST is sent again after it reached nobody, and no more after it may have been acted upon', () => {
    const { service, reply } = start({ settings: { attempts: 9 }, exchange: POST });
    service.last.fail('connect-failure');
    service.last.fail('reset');
    assert.equal(service.calls.length, 2);
    assert.equal(reply.failure?.last?.kind, 'reset');
    assert.equal(reply.failure.reachedNobody, false);
  });
});

describe('by status', () => {
  const STATUSES = [
    { on: ['gateway-error'], status: 502, isRetried: true },
    { on: ['gateway-error'], status: 503, isRetried: true },
    { on: ['gateway-error'], status: 504, isRetried: true },
    { on: ['gateway-error'], status: 500, isRetried: false },
    { on: ['gateway-error'], status: 505, isRetried: false },
    { on: ['5xx'], status: 500, isRetried: true },
    { on: ['5xx'], status: 503, isRetried: true },
    { on: ['5xx'], status: 599, isRetried: true },
    { on: ['5xx'], status: 404, isRetried: false },
    { on: ['5xx'], status: 200, isRetried: false },
    { on: ['gateway-error', '5xx'], status: 500, isRetried: true },
    { on: ['connect-failure', 'reset'], status: 503, isRetried: false },
  ] as const;
  for (const { on, status, isRetried } of STATUSES) {
    test(`on ${on.join(' and ')}, ${status} is ${isRetried ? '' : 'not '}followed by another attempt`, () => {
      const { service, reply } = start({ settings: { on } });
      const [first] = service.calls;
      first.answer(status);
      assert.deepEqual(reply.told, isRetried ? [] : [status, 'end']);
      if (isRetried) service.last.answer(200);
      assert.deepEqual(reply.told, [isRetried ? 200 : status, 'end']);
    });
  }

  const on: RetrySettings['on'] = ['gateway-error', 'connect-failure'];

  test('the last answer is passed on, whatever its status', () => {
    const { service, reply } = start({ settings: { on } });
    service.last.answer(503, 'busier');
    service.last.answer(503, 'busy');
    assert.deepEqual(reply.told, [503, 'data', 'end']);
    assert.equal(reply.body, 'busy');
  });

  test('a POST that was answered has reached somebody', () => {
    const { service, reply } = start({ settings: { on }, exchange: POST });
    service.last.answer(503);
    assert.equal(service.calls.length, 1);
    assert.deepEqual(reply.told, [503, 'end']);
  });

  test('the only endpoint is asked again, which may answer otherwise a little later', () => {
    const { service, reply } = start({ settings: { on }, endpoints: 1 });
    service.last.answer(503);
    service.last.answer(200);
    assert.deepEqual(reply.told, [200, 'end']);
  });

  test('the connection of an answer that is there whole is kept, one that is not is broken off', () => {
    const { service } = start({ settings: { on, attempts: 3 } });
    const [first] = service.calls;
    first.head(503);
    first.data('busy');
    assert.deepEqual([first.cancelled, service.calls.length], [null, 1]);
    first.end();
    const second = service.last;
    second.head(503);
    second.data('bu');
    second.flush();
    assert.equal(second.cancelled?.kind, 'reset');
    assert.equal(service.calls.length, 3);
  });

  test('a request that is still being sent is kept from the moment of its answer on', () => {
    const body = new RequestBody(new Application(), 5, 3);
    const { service } = start({ settings: { on }, exchange: { method: 'PUT', body } });
    service.last.onEnd = () => assert.ok(body.isReplayable);
    service.last.head(503);
    body.push(Buffer.from('hello'));
    assert.deepEqual([service.calls.length, body.heldBytes], [2, 5]);
  });

  test('what is given up while an answer is thrown away is not sent again', () => {
    const { service, reply, call } = start({ settings: { on } });
    service.last.head(503);
    call.cancel(failure('client-gone', 'gone'));
    assert.equal(service.calls.length, 1);
    assert.deepEqual(reply.told, ['client-gone']);
  });

  test('an attempt after a status may fail for good', () => {
    const { service, reply } = start({ settings: { on } });
    service.last.answer(503);
    service.last.fail('connect-failure');
    assert.equal(service.calls.length, 2);
    assert.equal(reply.failure?.last?.kind, 'connect-failure');
  });

  test('an answer that is there at once is passed on: there is nothing to cancel yet', () => {
    const service = new ScriptedService();
    service.onCall = call => call.answer(503, 'busy');
    const reply = new RecordedReply();
    layerOver(service, { on }).stack.call(anExchange(), reply);
    assert.deepEqual(reply.told, [503, 'data', 'end']);
  });

  test('so is one that is there at once after an attempt that failed later', () => {
    const { service, reply } = start({ settings: { on, attempts: 3 } });
    service.onCall = call => call.answer(503);
    service.last.fail('connect-failure');
    assert.deepEqual(reply.told, [503, 'end']);
    assert.equal(service.calls.length, 2);
  });
});

describe('while it goes on', () => {
  test('interim answers of every attempt are passed on', () => {
    const { service, reply } = start();
    service.last.informational(103);
    service.last.fail('reset');
    service.last.informational(100);
    service.last.answer(200);
    assert.deepEqual(reply.told, [103, 100, 200, 'end']);
  });

  test('the handle means the attempt that is under way', () => {
    const { service, call } = start();
    service.last.fail('connect-failure');
    call.pause();
    assert.deepEqual(
      service.calls.map(({ isPaused }) => isPaused),
      [false, true],
    );
    call.resume();
    assert.equal(service.last.isPaused, false);
  });

  test('a cancelled exchange is not sent again', () => {
    const { service, reply, call } = start();
    service.last.fail('connect-failure');
    const gone = failure('client-gone', 'gone');
    call.cancel(gone);
    assert.equal(service.last.cancelled, gone);
    assert.equal(reply.failure, gone);
    assert.equal(service.calls.length, 2);
  });

  test('the kept body is left to whoever may have another answer instead', () => {
    const { service } = start({ exchange: { method: 'PUT', body: aCompleteBody('hello') } });
    service.last.head(503);
    assert.equal(service.last.exchange.isReplayable, true);
  });

  test('the kept body survives an attempt that is followed by another', () => {
    const { service } = start({
      settings: { on: ['gateway-error'] },
      exchange: { method: 'PUT', body: aCompleteBody('hello') },
    });
    service.last.head(503);
    assert.equal(service.last.exchange.isReplayable, true);
  });
});

const GATEWAY: RetrySettings['on'] = [
  'gateway-error',
  'connect-failure',
  'reset',
  { status: [429], header: null },
];

describe('waits before it sends again', () => {
  const options = { random: () => 0.5 };

  test('not at all where a first attempt reached nobody', () => {
    const { service } = start({ options });
    service.last.fail('connect-failure');
    assert.equal(service.calls.length, 2);
  });

  test('half of a bound that doubles, with a random number of a half', () => {
    const { service, clock } = start({ settings: { attempts: 5 }, endpoints: 5, options });
    for (const [wait, reachedNobody] of [
      [12.5, false],
      [25, true],
      [50, false],
      [100, false],
    ] as const) {
      const before = service.calls.length;
      service.last.fail('reset', reachedNobody);
      clock.advance(Math.floor(wait));
      assert.equal(service.calls.length, before + (wait === Math.floor(wait) ? 1 : 0));
      clock.advance(1);
      assert.equal(service.calls.length, before + 1);
    }
  });

  test('and goes nowhere where it is given up meanwhile', () => {
    const { service, clock, call, reply } = start({ options });
    service.last.fail('reset');
    call.pause();
    call.cancel(failure('client-gone', 'gone'));
    call.cancel(failure('client-gone', 'gone'));
    clock.advance(1_000);
    assert.deepEqual([service.calls.length, reply.told], [1, ['client-gone']]);
  });

  test('as long as the only endpoint asks for', () => {
    const { service, clock } = start({ settings: { on: GATEWAY }, endpoints: 1 });
    service.last.head({ status: 503, fields: ['Retry-After', '1'] });
    service.last.end();
    clock.advance(999);
    assert.equal(service.calls.length, 1);
    clock.advance(1);
    assert.equal(service.calls.length, 2);
  });

  test('not for what one of several asks for, unless it is about the caller', () => {
    for (const [status, attempts] of [
      [503, 2],
      [429, 1],
    ]) {
      const { service } = start({ settings: { on: GATEWAY } });
      service.last.head({ status, fields: ['Retry-After', '1'] });
      service.last.end();
      assert.equal(service.calls.length, attempts);
    }
  });
});

interface Refused extends Setup {
  readonly reason: RetryRefusal;
  /** What the attempt ends in: a failure, or a status. */
  readonly ends: FailureKind | number;
  readonly fields?: string[];
}

describe('a connection to the only endpoint that does not come up in time', () => {
  for (const [kind, isReachable, attempts] of [
    ['connect-timeout', true, 3],
    ['connect-timeout', false, 1],
    ['connect-failure', true, 1],
  ] as const) {
    test(`${kind}, ${isReachable ? 'with others to it' : 'the first one'}: ${attempts} attempts`, () => {
      const { service, counters } = start({
        endpoints: 1,
        exchange: POST,
        settings: { attempts: 3 },
      });
      service.isReachable = isReachable;
      for (let i = 0; i < attempts; i++) service.last.fail(kind);
      assert.equal(service.calls.length, attempts);
      assert.equal(counters.retriesRefused[attempts === 1 ? 'no-other' : 'attempts'], 1);
    });
  }
});

describe('what should have been sent again and was not is counted, and told of', () => {
  const REFUSED: readonly Refused[] = [
    { reason: 'method', ends: 'reset', exchange: POST },
    { reason: 'method', ends: 503, exchange: POST },
    { reason: 'body', ends: 'connect-failure', exchange: { ...POST, body: aLostBody() } },
    { reason: 'no-other', ends: 'connect-failure', endpoints: 1 },
    { reason: 'nested', ends: 'reset', exchange: { fields: ['X-Outrider-Attempt', '2'] } },
    { reason: 'nested', ends: 503, exchange: { fields: ['x-outrider-attempt', 'many'] } },
    { reason: 'exhausted', ends: 503, fields: ['X-Outrider-Retry', 'exhausted'] },
    { reason: 'retry-after', ends: 429, fields: ['Retry-After', '2'] },
    { reason: 'budget', ends: 'reset', settings: { budget: { ratio: 0, floor: 0 } } },
    { reason: 'budget', ends: 503, settings: { budget: { ratio: 0, floor: 0 } } },
  ];
  for (const { reason, ends, fields = [], settings, ...setup } of REFUSED) {
    test(`${ends}: ${reason}${fields.length + (setup.exchange?.fields?.length ?? 0) > 0 ? ' by a field' : ''}`, () => {
      const { service, reply, counters, exchange } = start({
        ...setup,
        settings: { on: GATEWAY, ...settings },
      });
      if (typeof ends === 'string') service.last.fail(ends);
      else {
        service.last.head({ status: ends, fields });
        service.last.end();
      }
      assert.equal(service.calls.length, 1);
      assert.equal(counters.retriesRefused[reason], 1);
      assert.equal(exchange.retryRefused, reason);
      const told = (reply.answer?.fields ?? []).filter(field => field === 'exhausted');
      // Whoever sent a retry may send another one.
      const isEnd = reason !== 'nested';
      if (reply.failure === null) assert.deepEqual(told, isEnd ? ['exhausted'] : []);
      else assert.equal(reply.failure.isExhausted, isEnd);
      if (reply.failure !== null) assert.ok(reply.failure.detail.includes(RETRY_REFUSALS[reason]));
    });
  }

  test('a wait that ends behind the deadline', () => {
    const { service, reply, counters, exchange } = start({ options: { random: () => 0.5 } });
    exchange.total = 10;
    service.last.fail('reset');
    assert.deepEqual([service.calls.length, reply.failure?.kind], [1, 'reset']);
    assert.equal(counters.retriesRefused.deadline, 1);
  });

  test('one attempt too many', () => {
    const { service, reply, counters } = start({ settings: { on: GATEWAY } });
    service.last.fail('reset');
    service.last.answer(503);
    assert.equal(counters.retriesRefused.attempts, 1);
    assert.equal(getField(reply.answer?.fields ?? [], 'x-outrider-retry'), 'exhausted');
  });

  test('nothing where no retry was asked for', () => {
    const { service, reply, counters } = start({ settings: { on: ['connect-failure'] } });
    service.last.answer(503);
    assert.deepEqual(reply.answer?.fields, []);
    assert.ok(Object.values(counters.retriesRefused).every(count => count === 0));
  });
});

describe('one layer of a chain of calls', () => {
  test('a further attempt says which one it is, the first one says nothing', () => {
    const { service } = start({ settings: { attempts: 3, on: GATEWAY }, endpoints: 3 });
    const { fields } = service.last.exchange.head;
    const said = [getField(fields, 'x-outrider-attempt')];
    service.last.fail('reset');
    said.push(getField(fields, 'x-outrider-attempt'));
    service.last.answer(503);
    said.push(getField(fields, 'x-outrider-attempt'));
    assert.deepEqual(said, [undefined, '2', '3']);
  });

  test('what reached nobody is sent again whoever retries it too, and counts on', () => {
    const { service } = start({ exchange: { fields: ['x-outrider-attempt', '4'] } });
    service.last.fail('connect-failure');
    assert.equal(service.calls.length, 2);
    assert.deepEqual(service.last.exchange.head.fields, ['x-outrider-attempt', '5']);
  });

  test('can be turned off', () => {
    const { service, reply } = start({
      settings: { oneLayer: false, on: GATEWAY },
      exchange: { fields: ['x-outrider-attempt', '2'] },
    });
    service.last.head({ status: 503, fields: ['x-outrider-retry', 'exhausted'] });
    service.last.end();
    assert.equal(service.calls.length, 2);
    assert.deepEqual(service.last.exchange.head.fields, ['x-outrider-attempt', '2']);
    service.last.answer(503);
    assert.deepEqual(reply.answer?.fields, []);
  });
});

describe('the budget', () => {
  test('bounds what may have cost an endpoint work, and nothing else', () => {
    const budget = new RetryBudget({ ratio: 0, floor: 0 });
    const free = start({ options: { budget } });
    free.service.last.fail('connect-failure');
    assert.equal(free.service.calls.length, 2);
    const held = start({ options: { budget } });
    held.service.last.fail('reset', false);
    assert.equal(held.service.calls.length, 1);
  });

  test('when all fail, there are a fifth more attempts than requests', () => {
    const service = new ScriptedService(3);
    const { stack } = layerOver(service, { on: GATEWAY, attempts: 3, budget: { ratio: 0.2, floor: 0 } });
    for (let i = 0; i < 1_000; i++) {
      const reply = new RecordedReply();
      stack.call(anExchange(), reply);
      while (!reply.isEnded) service.last.answer(503);
    }
    assert.equal(service.calls.length, 1_200);
  });
});

describe('how many are being sent again at once is bounded', () => {
  const oneAtATime = () => {
    const budget = new RetryBudget({ ratio: 1, floor: 100 });
    budget.configure({ ratio: 1, floor: 100 }, 1);
    return budget;
  };
  const settings = { on: ALL, attempts: 3 };

  test('and a request has its place until its end, however that comes', () => {
    const endings: ((one: ReturnType<typeof start>) => void)[] = [
      ({ service }) => service.last.answer(200),
      ({ service }) => service.last.fail('deadline'),
      ({ call }) => call.cancel(failure('client-gone', 'Gone.')),
      ({ service }) => {
        service.last.fail('reset');
        service.last.fail('reset');
      },
    ];
    for (const end of endings) {
      const budget = oneAtATime();
      const first = start({ settings, endpoints: 3, options: { budget } });
      first.service.last.answer(503);
      assert.deepEqual([first.service.calls.length, budget.running], [2, 1]);
      const second = start({ settings, options: { budget } });
      second.service.last.fail('reset');
      assert.equal(second.service.calls.length, 1);
      assert.deepEqual(
        [second.exchange.retryRefused, second.counters.retriesRefused.concurrent],
        ['concurrent', 1],
      );
      assert.match(String(second.reply.failure?.detail), /\(limits\.retries\), so it is not sent again\.$/);
      end(first);
      assert.deepEqual([first.reply.isEnded, budget.running], [true, 0]);
    }
  });

  test('while it pauses too', () => {
    const budget = oneAtATime();
    const paused = start({
      settings: { ...settings, backoff: { base: 100, max: 100 } },
      options: { budget, random: () => 0.5 },
    });
    paused.service.last.fail('reset');
    assert.deepEqual([paused.service.calls.length, budget.running], [1, 1]);
    paused.call.cancel(failure('client-gone', 'Gone.'));
    assert.equal(budget.running, 0);
  });

  test('but not what reached nobody', () => {
    const budget = oneAtATime();
    budget.running = 1;
    const { service } = start({ options: { budget } });
    service.last.fail('connect-failure');
    assert.deepEqual([service.calls.length, budget.running], [2, 1]);
  });
});

test('an answer that was followed by another attempt counts among those that a lost connection may still be followed by', () => {
  const { service, reply, taken } = startSheltered({
    endpoints: 2,
    settings: { attempts: 2, on: ALL, backoff: { base: 0, max: 0 } },
  });
  service.last.answer(503);
  assert.equal(service.calls.length, 2);
  service.last.fail('reset');
  assert.deepEqual([service.calls.length, taken.length, reply.failure?.kind], [2, 0, 'retry-exhausted']);
});
