import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import type { Policy } from '../../../control-plane/contract/policy.ts';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { Exchange } from '../../../sidecar/exchange/exchange.ts';
import { type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { getField } from '../../../sidecar/exchange/fields.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import type { ResponseHead, Service } from '../../../sidecar/exchange/service.ts';
import { AnswerCache } from '../../../sidecar/policy/answer-cache.ts';
import { markFurtherAttempt } from '../../../sidecar/policy/attempt-number.ts';
import { fallbackLayer } from '../../../sidecar/policy/fallback.ts';
import { Application, aCompleteBody, anExchange, aTunnel, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

type Settings = NonNullable<Policy['fallback']>;

const CACHED: NonNullable<Settings['cached']> = {
  maxAge: 60_000,
  vary: [],
  ignore: [],
  entrySize: 1_024,
  size: 65_536,
  entries: 10,
};
const OWN: NonNullable<Settings['static']> = {
  methods: 'safe',
  status: 200,
  headers: { 'x-made': 'here' },
  body: 'instead',
};

const NONE: Settings = {
  on: ['failure', 'gateway-error'],
  after: null,
  cached: null,
  upstream: null,
  static: null,
};

let clock: HandClock;
/** For how many ms the process was stopped, in which its timers did not go on. */
let stopped: number;
let service: ScriptedService;
let standby: ScriptedService;
beforeEach(() => {
  clock = new HandClock();
  stopped = 0;
  service = new ScriptedService();
  standby = new ScriptedService();
});

/** A layer around the scripted upstream, with a standby by that name. */
function around(settings: Partial<Settings>, methods: Policy['retry']['methods'] = 'idempotent') {
  const counters = { fallbacks: { cached: 0, upstream: 0, static: 0 } };
  const cached = settings.cached ?? null;
  const answers = cached === null ? null : new AnswerCache(cached);
  const stack: Service = fallbackLayer({
    settings: { ...NONE, ...settings },
    methods,
    answers,
    other: name => (name === 'standby' ? standby : null),
    upstream: 'inventory',
    counters,
    wheel: clock.wheel,
    date: { now: () => 'now' },
    ageClock: () => clock.now + stopped,
  })(service);
  const start = (exchange: ExchangeParts | Exchange = {}) => {
    const reply = new RecordedReply();
    const made = exchange instanceof Exchange ? exchange : anExchange(exchange);
    return { reply, exchange: made, call: stack.call(made, reply) };
  };
  /** A whole answer, to be kept. */
  const answered = (exchange: ExchangeParts = {}, head: Partial<ResponseHead> = {}, body = 'good') => {
    const { reply } = start(exchange);
    service.last.head({ bodyLength: body.length, fields: ['Content-Length', String(body.length)], ...head });
    if (body !== '') service.last.data(body);
    service.last.end();
    return reply;
  };
  /** What the application gets where the upstream fails. */
  const failed = (exchange: ExchangeParts | Exchange = {}, kind: FailureKind = 'reset') => {
    const started = start(exchange);
    service.last.fail(kind);
    return started;
  };
  return { start, answered, failed, counters, answers };
}

const marks = ({ answer }: RecordedReply) => [
  getField(answer?.fields ?? [], 'x-outrider-fallback'),
  getField(answer?.fields ?? [], 'x-outrider-error'),
];

describe('a static answer', () => {
  test('is given for whatever the exchange failed with, and says so', () => {
    const { failed, counters } = around({ static: { ...OWN, methods: 'all' } });
    const kinds = ['reset', 'deadline', 'breaker-open', 'overflow', 'no-endpoint', 'bad-response'] as const;
    for (const kind of kinds) {
      const { reply, exchange } = failed({ method: 'POST' }, kind);
      assert.deepEqual(reply.told, [200, 'data', 'end']);
      assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', kind]);
      assert.deepEqual([exchange.fallback?.kind, exchange.fallback?.reason?.kind], ['static', kind]);
    }
    assert.deepEqual(counters.fallbacks, { cached: 0, upstream: 0, static: kinds.length });
  });

  test('is given to what asks for nothing to be done, unless it is for all methods', () => {
    const { failed } = around({ static: OWN });
    for (const method of ['GET', 'OPTIONS', 'TRACE']) assert.equal(failed({ method }).reply.body, 'instead');
    for (const method of ['POST', 'PUT', 'DELETE', 'get', 'QUERY'])
      assert.equal(failed({ method }).reply.failure?.kind, 'reset');
  });

  test('is not given for what the application did itself, or would only do again', () => {
    const { failed } = around({ static: OWN });
    for (const kind of ['client-gone', 'bad-request', 'no-route', 'rate-limited'] as const)
      assert.equal(failed({}, kind).reply.failure?.kind, kind);
  });

  test('has no body for a HEAD', () => {
    const { reply } = around({ static: OWN }).failed({ method: 'HEAD' });
    assert.deepEqual(reply.told, [200, 'end']);
    assert.equal(getField(reply.answer?.fields ?? [], 'content-length'), '7');
  });

  test('replaces an answer with a status that is covered for, whose rest is not waited for', () => {
    const { start } = around({ static: OWN });
    const { reply, exchange } = start();
    service.last.head({ status: 503, bodyLength: 10 });
    service.last.data('unavail');
    assert.deepEqual(reply.told, []);
    service.last.flush();
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual(marks(reply), ['static', undefined]);
    assert.deepEqual([exchange.fallback?.reason, exchange.fallback?.status], [null, 503]);
  });

  test('one that is there before its call came back, too', () => {
    service.onCall = call => {
      call.head({ status: 503, bodyLength: 10 });
      call.flush();
    };
    const { reply } = around({ static: OWN }).start();
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(service.last.cancelled?.kind, 'reset');
  });

  test('leaves other answers alone', () => {
    const { start } = around({ static: OWN });
    for (const status of [200, 404, 500]) {
      const { reply } = start();
      service.last.answer(status, 'x');
      assert.deepEqual(reply.told, [status, 'data', 'end']);
      assert.deepEqual(marks(reply), [undefined, undefined]);
    }
  });

  test('is given for what the policy names, and for nothing else', () => {
    const { start, failed } = around({ static: OWN, on: [404, '5xx'] });
    for (const [status, told] of [
      [404, 200],
      [500, 200],
      [599, 200],
      [600, 200],
      [403, 403],
    ] as const) {
      const { reply } = start();
      service.last.answer(status);
      assert.equal(reply.answer?.status, told);
    }
    assert.equal(failed().reply.failure?.kind, 'reset');
  });

  test('comes too late once the head of an answer has gone out', () => {
    const { reply, call } = around({ static: OWN }).start();
    service.last.head({ bodyLength: 10 });
    service.last.data('half');
    call.pause();
    assert.ok(service.last.isPaused);
    call.resume();
    service.last.fail('reset');
    assert.deepEqual(reply.told, [200, 'data', 'reset']);
  });

  test('says that retries are exhausted where they are', () => {
    const { reply, call } = around({ static: { ...OWN, status: 503 } }).start();
    call.cancel({ ...failure('retry-exhausted', 'gone'), isExhausted: true });
    assert.equal(getField(reply.answer?.fields ?? [], 'x-outrider-retry'), 'exhausted');
  });

  test('is no tunnel', () => {
    const { tunnel } = aTunnel();
    assert.equal(around({ static: OWN }).failed({ method: 'CONNECT', tunnel }).reply.failure?.kind, 'reset');
  });

  test('is not gone on with where the application gives up meanwhile', () => {
    const { start } = around({ static: OWN });
    const { reply, call } = start();
    const head = reply.head.bind(reply);
    reply.head = given => {
      head(given);
      call.cancel(failure('client-gone', 'gone'));
    };
    service.last.fail('reset');
    assert.deepEqual(reply.told, [200, 'client-gone']);
  });

  test('is given when the deadline passes: that cancels the call, and the failure comes by', () => {
    const { reply, call } = around({ static: OWN }).start();
    call.cancel(failure('deadline', 'late'));
    assert.equal(service.last.cancelled?.kind, 'deadline');
    assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', 'deadline']);
  });

  test('is given when the deadline passes while an answer is discarded', () => {
    const { reply, call } = around({ static: OWN }).start();
    service.last.head({ status: 503, bodyLength: 10 });
    call.cancel(failure('deadline', 'late'));
    assert.deepEqual(marks(reply), ['static', 'deadline']);
    const gone = around({ static: OWN }).start();
    service.last.head({ status: 503, bodyLength: 10 });
    gone.call.cancel(failure('client-gone', 'gone'));
    assert.equal(gone.reply.failure?.kind, 'client-gone');
  });
});

describe('the last good answer', () => {
  test('is given to the same GET, with its age', () => {
    const { answered, failed } = around({ cached: CACHED });
    answered({}, { status: 203, reason: 'Fine', fields: ['ETag', '"1"', 'Content-Length', '4'] });
    clock.advance(3_400);
    const { reply } = failed();
    assert.deepEqual([reply.answer?.status, reply.answer?.reason, reply.body], [203, 'Fine', 'good']);
    assert.deepEqual(reply.answer?.fields, [
      ...['ETag', '"1"', 'Content-Length', '4', 'Age', '3'],
      ...['x-outrider-fallback', 'cached', 'x-outrider-error', 'reset'],
    ]);
    assert.equal(failed({ target: '/other' }).reply.failure?.kind, 'reset');
  });

  test('is as old as its head: a body may take its time', () => {
    const { start, failed } = around({ cached: CACHED });
    start();
    service.last.head({ bodyLength: 4 });
    clock.advance(30_000);
    service.last.data('good');
    service.last.end();
    assert.equal(getField(failed().reply.answer?.fields ?? [], 'age'), '30');
  });

  test('is given to a HEAD too, without its body', () => {
    const { answered, failed } = around({ cached: CACHED });
    answered();
    const { reply } = failed({ method: 'HEAD' });
    assert.deepEqual(reply.told, [200, 'end']);
    assert.equal(getField(reply.answer?.fields ?? [], 'content-length'), '4');
  });

  test('is that of nobody else: neither kept nor given with credentials, unless told', () => {
    const own = (value: string) => ({ fields: ['Authorization', value] });
    const { answered, failed } = around({ cached: CACHED });
    answered(own('me'));
    assert.equal(failed().reply.failure?.kind, 'reset');
    answered();
    assert.equal(failed(own('me')).reply.failure?.kind, 'reset');
    const apart = around({ cached: { ...CACHED, vary: ['authorization'] } });
    apart.answered(own('me'));
    assert.equal(apart.failed(own('me')).reply.body, 'good');
    assert.equal(apart.failed(own('you')).reply.failure?.kind, 'reset');
    assert.equal(apart.failed().reply.failure?.kind, 'reset');
    const shared = around({ cached: { ...CACHED, ignore: ['authorization'] } });
    shared.answered(own('me'));
    assert.equal(shared.failed(own('you')).reply.body, 'good');
  });

  test('is not given when it has become too old', () => {
    const { answered, failed } = around({ cached: CACHED });
    answered();
    clock.advance(60_001);
    assert.equal(failed().reply.failure?.kind, 'reset');
  });

  test('grows old while the process is stopped, too', () => {
    const { answered, failed } = around({ cached: CACHED });
    answered();
    stopped = 60_000;
    assert.equal(getField(failed().reply.answer?.fields ?? [], 'age'), '60');
    stopped++;
    assert.equal(failed().reply.failure?.kind, 'reset');
  });

  test('is whole: one that broke off, has trailers, is too large or of another length is none', () => {
    const { start, failed, answered, answers } = around({ cached: CACHED });
    start();
    service.last.head({ bodyLength: 10 });
    service.last.data('half');
    service.last.fail('reset');
    start();
    service.last.head({ bodyLength: UNKNOWN_LENGTH });
    service.last.data('good');
    service.last.end(['x-sum', '1']);
    answered({}, {}, 'x'.repeat(1_025));
    const { reply } = start();
    service.last.head({ bodyLength: UNKNOWN_LENGTH });
    for (const _ of [1, 2, 3]) service.last.data('x'.repeat(500));
    service.last.end();
    assert.equal(reply.body.length, 1_500);
    assert.equal(answers?.count, 0);
    assert.equal(failed().reply.failure?.kind, 'reset');
  });

  test('has a length, also where it came without', () => {
    const { start, failed } = around({ cached: CACHED });
    start();
    service.last.head({ bodyLength: UNKNOWN_LENGTH });
    service.last.data('go');
    service.last.data('od\xe9');
    service.last.end();
    const { answer, body } = failed().reply;
    assert.deepEqual([answer?.bodyLength, body], [5, 'good\xe9']);
    assert.equal(getField(answer?.fields ?? [], 'content-length'), '5');
  });

  test('is gone when the resource is, or was changed', () => {
    const { answered, failed, answers } = around({ cached: CACHED });
    answered();
    failed({}, 'reset');
    assert.equal(answers?.count, 1);
    for (const [method, status] of [
      ['GET', 404],
      ['GET', 410],
      ['DELETE', 204],
      ['POST', 303],
    ] as const) {
      answered();
      answered({ method }, { status }, '');
      assert.equal(answers?.count, 0, `${method} ${status}`);
    }
    answered();
    answered({ method: 'POST' }, { status: 409 }, '');
    answered({ method: 'HEAD' }, {}, '');
    assert.equal(answers?.count, 1);
  });

  test('is gone when it was changed by another name of the upstream, or at the one that stood in for it', () => {
    const { answered, failed, answers } = around({ cached: CACHED, upstream: 'standby' });
    answered({ authority: 'inventory' });
    answered({ method: 'POST', authority: 'inventory.mesh' }, { status: 201 }, '');
    assert.equal(answers?.count, 0);
    answered();
    failed({ method: 'PUT' });
    standby.last.answer(409);
    assert.equal(answers?.count, 1);
    failed({ method: 'PUT' });
    standby.last.answer(200);
    assert.equal(answers?.count, 0);
  });

  test('goes before the others', () => {
    const { answered, failed } = around({ cached: CACHED, upstream: 'standby', static: OWN });
    answered();
    assert.deepEqual(marks(failed().reply), ['cached', 'reset']);
    assert.equal(standby.calls.length, 0);
  });
});

describe('another upstream', () => {
  test('is asked with the same request, in the time that is left', () => {
    const { failed, counters } = around({ upstream: 'standby' });
    const body = aCompleteBody('new');
    const exchange = anExchange({ method: 'PUT', body, fields: ['Host', 'inventory', 'x', '1'] });
    exchange.total = 1_000;
    exchange.tellsGrpcTimeout = true;
    clock.advance(400);
    const { reply } = failed(exchange);
    const asked = standby.last.exchange;
    assert.deepEqual(asked.head.fields, ['Host', 'standby', 'x', '1']);
    assert.deepEqual([asked.head.method, asked.head.target, asked.body], ['PUT', '/stock/7', body]);
    assert.deepEqual([asked.head.authority, exchange.head.authority], ['standby', 'inventory']);
    assert.deepEqual([asked.timeLeft(clock.now), asked.attempts, asked.isFallback], [600, 1, true]);
    assert.equal(asked.tellsGrpcTimeout, true);
    standby.last.head({ fields: ['x-outrider-fallback', 'static', 'y', '2'] });
    standby.last.data('other');
    standby.last.end();
    assert.deepEqual(reply.answer?.fields, [
      ...['y', '2', 'x-outrider-fallback', 'upstream', 'x-outrider-error', 'reset'],
    ]);
    assert.equal(reply.body, 'other');
    assert.equal(counters.fallbacks.upstream, 1);
  });

  test('is told its own name only where the request names the upstream', () => {
    const { failed } = around({ upstream: 'standby' });
    for (const [authority, told] of [
      ['inventory.mesh:80', 'standby'],
      ['Inventory', 'standby'],
      ['shop.example', 'shop.example'],
      ['inventory.example', 'inventory.example'],
    ] as const) {
      failed({ authority });
      assert.equal(standby.last.exchange.head.authority, told);
      assert.equal(getField(standby.last.exchange.head.fields, 'host'), told);
    }
  });

  test('is told which attempt it is by who sent the request, and not by retries here', () => {
    const { start } = around({ upstream: 'standby' });
    const told = (fields: string[]) => {
      const { exchange } = start({ fields });
      markFurtherAttempt(exchange);
      service.last.fail('reset');
      return getField(standby.last.exchange.head.fields, 'x-outrider-attempt');
    };
    assert.equal(told([]), undefined);
    assert.equal(told(['x-outrider-attempt', '2']), '2');
  });

  test('is not asked for what may not be done twice, save where it reached nobody', () => {
    const { failed } = around({ upstream: 'standby' });
    assert.equal(failed({ method: 'POST' }).reply.failure?.kind, 'reset');
    assert.equal(standby.calls.length, 0);
    const { start } = around({ upstream: 'standby' });
    start({ method: 'POST' });
    service.last.fail('breaker-open', true);
    assert.equal(standby.calls.length, 1);
    around({ upstream: 'standby' }, 'any').failed({ method: 'POST' });
    assert.equal(standby.calls.length, 2);
  });

  test('is not asked without the whole body, or without time', () => {
    const body = aCompleteBody('lost');
    body.release();
    const { failed } = around({ upstream: 'standby' });
    assert.equal(failed({ method: 'PUT', body }).reply.failure?.kind, 'reset');
    const late = anExchange();
    late.total = 100;
    clock.advance(100);
    assert.equal(failed(late, 'deadline').reply.failure?.kind, 'deadline');
    assert.equal(standby.calls.length, 0);
  });

  test('that nobody knows is not there', () => {
    const { failed } = around({ upstream: 'nobody' });
    assert.equal(failed().reply.failure?.kind, 'reset');
  });

  test('falls back no further, whatever its own policy says', () => {
    const { start } = around({ upstream: 'standby', static: OWN });
    const exchange = anExchange();
    exchange.isFallback = true;
    const { reply } = start(exchange);
    service.last.fail('reset');
    assert.equal(reply.failure?.kind, 'reset');
  });

  test('that fails too leaves the static answer, for what failed first', () => {
    const { failed } = around({ upstream: 'standby', static: OWN });
    const { reply } = failed({}, 'overflow');
    standby.last.fail('rate-limited');
    assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', 'overflow']);
  });

  test('that answers badly leaves the static answer too; without one its answer is passed on', () => {
    const { failed } = around({ upstream: 'standby', static: OWN });
    const { reply } = failed();
    standby.last.answer(503, 'busy');
    assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', 'reset']);
    const alone = around({ upstream: 'standby' }).failed().reply;
    standby.last.answer(503, 'busy');
    assert.deepEqual([alone.answer?.status, alone.body, ...marks(alone)], [503, 'busy', 'upstream', 'reset']);
  });

  test('that fails too, and nothing else: both are told of', () => {
    const { failed, start } = around({ upstream: 'standby' });
    const { reply } = failed();
    standby.last.fail('connect-failure');
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(
      reply.failure?.detail,
      'Attempt 1 ended in reset. Then standby was asked instead (fallback.upstream): Attempt 1 ended in connect-failure.',
    );
    const second = start();
    service.last.answer(503, 'busy');
    standby.last.fail('connect-failure');
    assert.equal(second.reply.failure?.kind, 'connect-failure');
    assert.match(second.reply.failure?.detail ?? '', /^inventory answered 503\. Then standby was asked/);
  });

  test('is paused and cancelled like the one before', () => {
    const { start } = around({ upstream: 'standby', static: OWN });
    const { reply, call } = start();
    call.pause();
    service.last.fail('reset');
    assert.ok(standby.last.isPaused);
    call.resume();
    assert.ok(!standby.last.isPaused);
    call.cancel(failure('client-gone', 'gone'));
    assert.equal(standby.last.cancelled?.kind, 'client-gone');
    assert.deepEqual(reply.told, ['client-gone']);
  });

  test('is cut short by the deadline, and then comes the static answer', () => {
    const { start } = around({ upstream: 'standby', static: OWN });
    const { reply, call } = start();
    service.last.fail('reset');
    call.cancel(failure('deadline', 'late'));
    assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', 'reset']);
  });

  test('may answer before its call came back', () => {
    standby.onCall = call => call.answer(200, 'at once');
    const { reply } = around({ upstream: 'standby' }).failed();
    assert.equal(reply.body, 'at once');
  });

  test('is streamed, and its answer is not taken for one of the upstream', () => {
    const { failed, answers } = around({ cached: CACHED, upstream: 'standby' });
    const { reply } = failed();
    standby.last.informational();
    standby.last.head({ bodyLength: 4 });
    standby.last.data('ot');
    standby.last.flush();
    standby.last.data('he');
    standby.last.end();
    assert.deepEqual(reply.told, [103, 200, 'data', 'flush', 'data', 'end']);
    assert.equal(answers?.count, 0);
  });
});

test('there is none without a policy', () => assert.equal(DEFAULT_POLICY.fallback, null));

describe('an answer that is waited for no longer than a while', () => {
  test('is replaced then, and what was asked is cancelled', () => {
    const { start } = around({ static: OWN, after: 300 });
    const { reply, exchange } = start();
    clock.advance(299);
    assert.deepEqual(reply.told, []);
    clock.advance(50);
    assert.equal(service.last.cancelled?.kind, 'deadline');
    assert.deepEqual([reply.body, ...marks(reply)], ['instead', 'static', 'deadline']);
    assert.match(exchange.fallback?.reason?.detail ?? '', /not answered within 300 ms \(fallback\.after\)/);
  });

  test('goes on where there is nothing else', () => {
    const { start, answered } = around({ cached: CACHED, after: 300 });
    const { reply } = start();
    clock.advance(10_000);
    assert.deepEqual(reply.told, []);
    service.last.head({ bodyLength: 0 });
    service.last.end();
    assert.deepEqual(reply.told, [200, 'end']);
    answered();
    const later = start();
    clock.advance(350);
    assert.deepEqual([later.reply.body, ...marks(later.reply)], ['good', 'cached', 'deadline']);
  });

  test('is left alone once it has begun, and while the application is still sending', () => {
    const { start } = around({ static: { ...OWN, methods: 'all' }, after: 300 });
    const { reply } = start();
    service.last.head({ bodyLength: UNKNOWN_LENGTH });
    clock.advance(10_000);
    assert.equal(service.last.cancelled, null);
    service.last.end();
    assert.deepEqual(reply.told, [200, 'end']);
    const body = new RequestBody(new Application(), 1, 64);
    const upload = start({ method: 'PUT', body });
    clock.advance(1_000);
    assert.deepEqual(upload.reply.told, []);
    body.completedAt = clock.now;
    body.finish(null);
    clock.advance(299);
    assert.deepEqual(upload.reply.told, []);
    clock.advance(50);
    assert.deepEqual(upload.reply.told, [200, 'data', 'end']);
  });

  test('is not waited for where it failed at once', () => {
    const { start, answered } = around({ cached: CACHED, after: 300 });
    service.onCall = call => call.fail('reset');
    start();
    const failed = service.last;
    service.onCall = () => {};
    answered();
    clock.advance(1_000);
    assert.equal(failed.lateCancels, 0);
  });
});
