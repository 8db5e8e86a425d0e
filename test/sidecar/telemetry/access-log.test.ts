import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { LogDestination } from '../../../process/log-destination.ts';
import type { Exchange } from '../../../sidecar/exchange/exchange.ts';
import { badRequest, failure, retryExhausted } from '../../../sidecar/exchange/failure.ts';
import {
  AccessLog,
  type AccessLogCounts,
  type AccessLogOptions,
} from '../../../sidecar/telemetry/access-log.ts';
import { anExchange } from './exchanges.ts';

describe('AccessLog', () => {
  let now: number;
  let lines: string[];
  let counts: AccessLogCounts;

  beforeEach(() => {
    now = 5000;
    lines = [];
    counts = { written: 0, suppressed: 0 };
  });

  function aLog(options: Partial<AccessLogOptions> = {}): AccessLog {
    return new AccessLog({
      format: 'json',
      sample: 1,
      perSecond: 1000,
      destination: { write: (line: string) => lines.push(line) } as unknown as LogDestination,
      counts,
      clock: () => now,
      wallClock: () => Date.UTC(2026, 0, 2, 3, 4, 5) + now - 5000,
      random: () => 0.5,
      ...options,
    });
  }

  function recordSuccess(log: AccessLog): void {
    log.record(anExchange({}, now), 'inventory', 200, null, 0, now);
  }

  function recordFailure(log: AccessLog): void {
    log.record(anExchange({}, now), 'inventory', 503, failure('no-endpoint', 'none'), 0, now);
  }

  test('says everything about an exchange in one JSON line', () => {
    const log = aLog();
    const fields = ['X-Request-Id', 'r-1', 'Authorization', 'Bearer hush', 'Cookie', 'sid=hush'];
    const exchange = anExchange({ target: '/stock/7?depth=2', fields }, 4997.25);
    exchange.tried.push({ name: '10.0.0.1:80' }, { name: '10.0.0.2:80' });
    exchange.attempts = 2;
    exchange.staleReplays = 1;
    log.record(exchange, 'inventory', 200, null, 130, 5000);
    assert.equal(lines.length, 0, 'nothing is written while the exchange is served');
    log.flush();
    assert.equal(lines.length, 1);
    assert.match(lines[0], /^[^\n]*\n$/);
    assert.deepEqual(JSON.parse(lines[0]), {
      level: 'info',
      log: 'access',
      time: '2026-01-02T03:04:04.997Z',
      method: 'GET',
      path: '/stock/7?depth=2',
      authority: 'inventory',
      upstream: 'inventory',
      endpoint: '10.0.0.2:80',
      status: 200,
      flag: '-',
      requestBytes: 0,
      responseBytes: 130,
      durationMs: 2.75,
      attempts: 2,
      staleReplays: 1,
      requestId: 'r-1',
    });
  });

  test('names the failure, its flag and what the last attempt died of', () => {
    const log = aLog();
    const last = failure('connect-failure', 'refused');
    log.record(anExchange(), 'inventory', 503, retryExhausted(last, 2), 0, now);
    log.flush();
    const { status, flag, error, lastError, detail } = JSON.parse(lines[0]);
    assert.deepEqual(
      { status, flag, error, lastError },
      { status: 503, flag: 'URX,UF', error: 'retry-exhausted', lastError: 'connect-failure' },
    );
    assert.match(detail, /refused/);
  });

  test('shows of a refused request only why: what it said may be anything', () => {
    const log = aLog();
    log.recordRefused(badRequest(431, 'The request has more than 128 header fields.'), now);
    log.flush();
    const { status, flag, error, detail, method, path } = JSON.parse(lines[0]);
    assert.deepEqual({ status, flag, error }, { status: 431, flag: 'DPE', error: 'bad-request' });
    assert.deepEqual(
      { detail, method, path },
      { detail: 'The request has more than 128 header fields.', method: undefined, path: undefined },
    );
  });

  test('an entry that is used again keeps nothing of the exchange before', () => {
    const log = aLog();
    const exchange = anExchange({ fields: ['x-request-id', 'r-1'] });
    exchange.tried.push({ name: '10.0.0.1:80' });
    log.record(exchange, 'inventory', 503, failure('reset', 'gone'), 9, now);
    log.flush();
    log.recordRefused(badRequest(400, 'bad'), now);
    recordSuccess(log);
    log.flush();
    const [, refused, success] = lines.map(line => JSON.parse(line));
    assert.deepEqual(Object.keys(refused).sort(), [
      ...[
        'attempts',
        'detail',
        'durationMs',
        'error',
        'flag',
        'level',
        'log',
        'requestBytes',
        'responseBytes',
      ],
      ...['staleReplays', 'status', 'time'],
    ]);
    assert.equal(success.flag, '-');
    assert.equal('error' in success, false);
    assert.equal('requestId' in success, false);
  });

  test('logs the given share of successes and every failure', () => {
    let draw = 0;
    const log = aLog({ sample: 0.25, random: () => (draw++ % 100) / 100 });
    for (let i = 0; i < 200; i++) recordSuccess(log);
    for (let i = 0; i < 10; i++) recordFailure(log);
    log.record(anExchange(), 'inventory', 500, null, 0, now);
    log.flush();
    const statuses = lines.map(line => JSON.parse(line).status);
    assert.equal(statuses.filter(status => status === 200).length, 50);
    assert.equal(statuses.filter(status => status >= 500).length, 11);
    assert.equal(counts.suppressed, 0, 'what is left out by the sample is not suppressed');
  });

  test('writes no more than the bound allows, and counts the rest', () => {
    const log = aLog({ perSecond: 100 });
    for (let i = 0; i < 500; i++) recordSuccess(log);
    assert.equal(counts.suppressed, 420, 'successes leave a fifth to failures');
    for (let i = 0; i < 50; i++) recordFailure(log);
    assert.equal(counts.suppressed, 450);
    log.stop();
    assert.equal(counts.written, 100);
  });

  test('what was retried, moved, delayed or covered for goes before plain successes, and is never left to the sample', () => {
    const log = aLog({ perSecond: 10 });
    const noted: readonly ((exchange: Exchange) => unknown)[] = [
      exchange => (exchange.attempts = 2),
      exchange => (exchange.moves = 1),
      exchange => (exchange.injectedDelay = 1),
      exchange => (exchange.retryRefused = 'budget'),
    ];
    for (let i = 0; i < 10; i++) recordSuccess(log);
    for (const note of noted.slice(0, 2)) {
      const exchange = anExchange({ target: '/remarkable' }, now);
      note(exchange);
      log.record(exchange, 'inventory', 200, null, 0, now);
    }
    const unsampled = aLog({ sample: 0 });
    for (const note of noted) {
      const exchange = anExchange({ target: '/unsampled' }, now);
      note(exchange);
      unsampled.record(exchange, 'inventory', 200, null, 0, now);
    }
    log.stop();
    unsampled.stop();
    const paths = lines.map(line => JSON.parse(line).path);
    assert.equal(paths.filter(path => path === '/remarkable').length, 2);
    assert.equal(paths.filter(path => path === '/unsampled').length, noted.length);
  });

  test('over a long time lines come at the bounded rate, spread evenly', () => {
    const log = aLog({ perSecond: 100 });
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 1000; i++) {
        now += 1;
        recordSuccess(log);
      }
      log.flush();
    }
    const inLastSecond = lines.filter(line => JSON.parse(line).time >= '2026-01-02T03:04:14.001Z');
    assert.ok(counts.written >= 1000 && counts.written <= 1100, `${counts.written} lines in 10 s`);
    const exchanges = inLastSecond.filter(line => JSON.parse(line).method !== undefined);
    assert.ok(exchanges.length >= 95 && exchanges.length <= 105, `${exchanges.length} lines in a second`);
  });

  test('failures still get through while successes take all they can', () => {
    const log = aLog({ perSecond: 100 });
    let failures = 0;
    for (let ms = 0; ms < 5000; ms++) {
      now += 1;
      for (let i = 0; i < 10; i++) recordSuccess(log);
      if (ms % 20 === 0) {
        failures++;
        recordFailure(log);
      }
      if (ms % 150 === 0) log.flush();
    }
    log.stop();
    const logged = lines.map(line => JSON.parse(line)).filter(line => line.error === 'no-endpoint');
    assert.equal(logged.length, failures);
  });

  test('counts on where it takes the place of another one, and does not tell again of what that one suppressed', () => {
    const before = aLog({ perSecond: 10 });
    for (let i = 0; i < 30; i++) recordSuccess(before);
    before.stop();
    assert.deepEqual(counts, { written: 8, suppressed: 22 });
    lines = [];
    const log = aLog({ format: 'text' });
    recordSuccess(log);
    log.flush();
    assert.deepEqual([counts, lines.length], [{ written: 9, suppressed: 22 }, 1]);
  });

  test('tells once a second at most how much was suppressed', () => {
    const log = aLog({ perSecond: 10 });
    const told = () => lines.map(line => JSON.parse(line)).filter(line => line.suppressed !== undefined);
    for (let i = 0; i < 30; i++) recordSuccess(log);
    log.flush();
    assert.deepEqual(
      told().map(line => [line.level, line.log, line.suppressed]),
      [['warn', 'access', 22]],
    );
    for (let i = 0; i < 10; i++) recordSuccess(log);
    now += 500;
    log.flush();
    assert.equal(told().length, 1);
    now += 500;
    log.flush();
    assert.deepEqual(
      told().map(line => line.suppressed),
      [22, 10],
    );
    log.stop();
    assert.equal(told().length, 2, 'nothing new, nothing said');
  });

  test('writes batches by itself', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log = aLog();
    recordSuccess(log);
    t.mock.timers.tick(100);
    assert.equal(lines.length, 0);
    recordSuccess(log);
    t.mock.timers.tick(100);
    assert.equal(lines.length, 2);
    t.mock.timers.tick(1000);
    recordSuccess(log);
    t.mock.timers.tick(200);
    assert.equal(lines.length, 3);
  });

  test('writes no more than 64 lines in one go: nothing is served meanwhile', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log = aLog();
    for (let i = 0; i < 64; i++) recordSuccess(log);
    assert.equal(lines.length, 0);
    recordSuccess(log);
    assert.equal(lines.length, 64);
    t.mock.timers.tick(150);
    assert.equal(lines.length, 65);
  });

  test('lines that are written do not wait until it may be told again how many were not', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log = aLog({ perSecond: 10 });
    const pass = (ms: number): void => {
      now += ms;
      t.mock.timers.tick(ms);
    };
    for (let i = 0; i < 10; i++) recordSuccess(log);
    pass(150);
    assert.equal(lines.length, 9, 'eight lines, and that two were left out');
    for (let i = 0; i < 10; i++) recordSuccess(log);
    pass(150);
    const soon = lines.length;
    assert.ok(soon > 9 && soon < 19);
    pass(849);
    assert.equal(lines.length, soon);
    pass(2);
    assert.equal(JSON.parse(lines[soon]).suppressed, 19 - soon);
    assert.equal(lines.length, soon + 1);
  });

  test('in text, a line is words that can be told apart', () => {
    const log = aLog({ format: 'text', perSecond: 1 });
    const exchange = anExchange({ fields: ['X-Request-Id', 'r-1'] }, 4998);
    exchange.tried.push({ name: '10.0.0.1:80' });
    exchange.attempts = 1;
    log.record(exchange, 'inventory', 503, failure('reset', 'it "broke"\noff'), 3, 5000);
    recordSuccess(log);
    log.stop();
    assert.deepEqual(lines, [
      '2026-01-02T03:04:04.998Z GET inventory /stock/7 503 UC 2ms inventory@10.0.0.1:80 in=0 out=3 attempts=1 id=r-1 ' +
        'error=reset "it \\"broke\\"\\noff"\n',
      '2026-01-02T03:04:05.000Z exchanges not logged: 1, there are more than 1 a second\n',
    ]);
  });
});
