import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import type { Exchange } from '../../../sidecar/exchange/exchange.ts';
import { failure, retryExhausted } from '../../../sidecar/exchange/failure.ts';
import { NO_FIELDS } from '../../../sidecar/exchange/fields.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import type { Reply, ResponseHead } from '../../../sidecar/exchange/service.ts';

import { Tunnel } from '../../../sidecar/exchange/tunnel.ts';
import type { AccessLog } from '../../../sidecar/telemetry/access-log.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { telemetryLayer } from '../../../sidecar/telemetry/telemetry-layer.ts';
import { A_CALL, anExchange, aResponseHead, NotedReply } from './exchanges.ts';

describe('telemetryLayer', () => {
  let counters: UpstreamCounters;
  let logged: unknown[][];
  let now: number;
  let clockReads: number;
  let below: Reply;

  beforeEach(() => {
    counters = new UpstreamCounters('inventory');
    logged = [];
    now = 100;
    clockReads = 0;
  });

  /** Calls a service under the layer; `below` is what that service answers to. */
  function begin(exchange: Exchange = anExchange({}, 100)): NotedReply {
    const accessLog = { record: (...values: unknown[]) => logged.push(values) } as unknown as AccessLog;
    const clock = () => {
      clockReads++;
      return now;
    };
    const layer = telemetryLayer({ counters, accessLog, clock });
    const noted = new NotedReply();
    const service = layer({
      call: (_exchange, reply) => {
        below = reply;
        return A_CALL;
      },
    });
    assert.equal(service.call(exchange, noted), A_CALL);
    return noted;
  }

  function answer(head: Partial<ResponseHead> = {}): NotedReply {
    const noted = begin();
    below.head(aResponseHead(head));
    below.end(null);
    return noted;
  }

  test('counts and logs what a fallback covers for, and the answer that it gives', () => {
    const exchange = anExchange({}, 100);
    begin(exchange);
    const reason = failure('reset', 'lost');
    exchange.fallback = { kind: 'static', reason, status: 0 };
    below.head(aResponseHead());
    below.end(null);
    assert.deepEqual([counters.failures.reset, counters.answers[2]], [1, 1]);
    assert.deepEqual(logged[0]?.slice(2, 4), [200, reason]);
  });

  test('passes everything on', () => {
    const noted = begin();
    below.informational(aResponseHead({ status: 103 }));
    below.head(aResponseHead());
    below.data(Buffer.from('x'));
    below.flush();
    below.end(NO_FIELDS);
    assert.deepEqual(noted.calls, ['informational', 'head', 'data', 'flush', 'end']);
    begin();
    const failed = begin();
    below.fail(failure('no-endpoint', 'none'));
    assert.deepEqual(failed.calls, ['fail']);
  });

  test('counts what is under way', () => {
    begin();
    assert.equal(counters.inFlight, 1);
    const first = below;
    begin();
    assert.equal(counters.inFlight, 2);
    first.fail(failure('reset', 'gone'));
    below.head(aResponseHead());
    below.end(null);
    assert.equal(counters.inFlight, 0);
  });

  test('counts answers by class, those above 599 as 5xx', () => {
    for (const status of [101, 200, 204, 302, 404, 429, 503, 599, 799]) answer({ status });
    assert.deepEqual(counters.answers, [0, 1, 2, 1, 2, 3]);
  });

  test('counts a failure before the head by its kind and the status it becomes', () => {
    begin();
    below.fail(failure('deadline', 'too slow'));
    begin();
    below.fail(retryExhausted(failure('reset', 'gone'), 2));
    assert.deepEqual(counters.answers, [0, 0, 0, 0, 0, 2]);
    assert.equal(counters.failures.deadline, 1);
    assert.equal(counters.failures['retry-exhausted'], 1);
    assert.equal(counters.failures.reset, 0);
  });

  test('a failure after the head leaves the status that the application got', () => {
    begin();
    below.head(aResponseHead({ status: 200 }));
    const broken = failure('reset', 'broke off');
    below.fail(broken);
    assert.deepEqual(counters.answers, [0, 0, 1, 0, 0, 0]);
    assert.equal(counters.failures.reset, 1);
    assert.deepEqual(logged[0].slice(2, 4), [200, broken]);
  });

  test('an application that hung up got no answer', () => {
    begin();
    below.fail(failure('client-gone', 'hung up'));
    assert.deepEqual(counters.answers, [1, 0, 0, 0, 0, 0]);
  });

  test('takes the latency from the start of the exchange, with one reading of the clock', () => {
    begin(anExchange({}, 100));
    now = 107.5;
    below.head(aResponseHead());
    below.data(Buffer.from('x'));
    below.end(null);
    assert.equal(counters.latency.count, 1);
    assert.equal(counters.latency.sumMs, 7.5);
    assert.equal(clockReads, 1);
  });

  test('a tunnel is counted, but its duration is not a latency', () => {
    begin();
    below.head(aResponseHead({ status: 101, tunnel: true }));
    now = 1e6;
    below.end(null);
    assert.equal(counters.answers[1], 1);
    assert.equal(counters.latency.count, 0);
  });

  test('counts bytes both ways, those of the answer as they come', () => {
    const body = new RequestBody({ pauseBody() {}, resumeBody() {} }, UNKNOWN_LENGTH, 1024);
    begin(anExchange({ method: 'POST' }, 100, body));
    body.push(Buffer.alloc(700));
    body.push(Buffer.alloc(800));
    below.head(aResponseHead());
    below.data(Buffer.alloc(10));
    assert.equal(counters.responseBytes, 10);
    below.data(Buffer.alloc(20));
    below.end(null);
    assert.equal(counters.responseBytes, 30);
    assert.equal(counters.requestBytes, 1500);
  });

  test('counts what the application sends through a tunnel', () => {
    const tunnel = new Tunnel({ pauseBody() {}, resumeBody() {}, upstreamEnded() {} });
    begin(anExchange({ method: 'CONNECT' }, 100, null, tunnel));
    below.head(aResponseHead({ tunnel: true }));
    tunnel.body.push(Buffer.alloc(70));
    below.end(null);
    assert.equal(counters.requestBytes, 70);
  });

  test('adds up attempts after the first one, and replays', () => {
    for (const [attempts, staleReplays] of [
      [0, 0],
      [1, 1],
      [3, 0],
    ]) {
      const exchange = anExchange();
      exchange.attempts = attempts;
      exchange.staleReplays = staleReplays;
      begin(exchange);
      below.head(aResponseHead());
      below.end(null);
    }
    assert.equal(counters.retries, 2);
    assert.equal(counters.staleReplays, 1);
  });

  test('offers the exchange to the access log once it has ended', () => {
    const exchange = anExchange({}, 100);
    begin(exchange);
    below.head(aResponseHead({ status: 404 }));
    below.data(Buffer.alloc(5));
    assert.equal(logged.length, 0);
    now = 103;
    below.end(null);
    assert.deepEqual(logged, [[exchange, 'inventory', 404, null, 5, 103]]);
  });
});
