import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { runtimeHandles } from '../../../sidecar/io/runtime-handles.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { Application, aCompleteBody, type ExchangeParts } from '../exchanges.ts';
import { until } from '../until.ts';
import { answer, type PoolUnderTest, usePools } from './pools.ts';
import { type EndpointConnection, OK } from './scripted-endpoint.ts';

const GONE = failure('client-gone', 'gone');

const on = usePools();

// By public API alone a socket that can not be written to is not read from any more, and writes go out at once.
const skip = runtimeHandles === null;

/** An address where nobody listens. */
async function refusingEndpoint(): Promise<Endpoint> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return new Endpoint({ id: 'r', address: '127.0.0.1', port, weight: 1, zone: null, version: null });
}

describe('an endpoint that can not be reached', () => {
  test('fails one attempt for each connection', async () => {
    const under = on.makePool();
    const refusing = await refusingEndpoint();
    const [first, second] = [under.attempt(refusing).reply, under.attempt(refusing).reply];
    let wasSecondEnded = false;
    first.onEnd = () => {
      wasSecondEnded = second.isEnded;
    };
    await Promise.all([first.ended, second.ended]);
    assert.equal(wasSecondEnded, false);
    for (const { failure: reason } of [first, second]) {
      assert.equal(reason?.kind, 'connect-failure');
      assert.equal(reason.reachedNobody, true);
      assert.match(reason.detail, /: connecting to 127\.0\.0\.1:\d+ failed: ECONNREFUSED\./);
    }
    assert.equal(under.counters.connectFailures, 2);
    assert.deepEqual([refusing.outstanding, refusing.failures, refusing.attempts], [0, 2, 2]);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('has given back its room before the attempt is told, so that another one can follow', async () => {
    const under = on.makePool({ settings: { connections: 1, pending: 0 } });
    const refusing = await refusingEndpoint();
    const { reply } = under.attempt(refusing);
    let next: ReturnType<PoolUnderTest['attempt']> | null = null;
    reply.onEnd = () => {
      next = under.attempt(on.b.endpoint);
    };
    await reply.ended;
    await answer(on.b, 0);
    await next!.reply.ended;
    assert.deepEqual(next!.reply.told, [200, 'data', 'end']);
  });

  test('fails after the time that a connection may take', async () => {
    const under = on.makePool({ settings: { connectTimeout: 300 } });
    // The system has taken the connection, but our side has not been told yet.
    const { reply } = under.attempt(on.a.endpoint);
    under.clock.advance(300);
    assert.equal(reply.failure?.kind, 'connect-timeout');
    assert.match(reply.failure.detail, /took longer than 300 ms/);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
    assert.equal(under.total.isReached, false);
  });
});

describe('a connection that the endpoint has closed under us', () => {
  test('costs nothing: the request goes out again on a fresh one', async () => {
    const under = await on.makeWarmPool();
    on.a.connections[0].socket.destroy();
    const { reply, exchange } = under.attempt(on.a.endpoint);
    await answer(on.a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual([exchange.attempts, exchange.staleReplays], [1, 1]);
    assert.equal(on.a.endpoint.failures, 0);
    assert.equal(on.a.endpoint.outstanding, 0);
  });

  test('also with a kept body', async () => {
    const under = await on.makeWarmPool();
    on.a.connections[0].socket.destroy();
    const body = aCompleteBody('hello');
    const { reply } = under.attempt(on.a.endpoint, { method: 'PUT', body });
    await on.a.request(1);
    await until(() => on.a.connections[1].received.length >= 5, 'the body');
    assert.equal(on.a.connections[1].received, 'hello');
    on.a.connections[1].write(OK);
    await reply.ended;
  });

  test('another idle one is not tried: it may be just as stale', async () => {
    const under = on.makePool();
    const warm = [0, 1].map(() => under.attempt(on.a.endpoint).reply);
    for (const n of [0, 1]) await answer(on.a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    on.a.connections[0].socket.destroy();
    on.a.connections[1].socket.destroy();
    const { reply, exchange } = under.attempt(on.a.endpoint);
    await answer(on.a, 2);
    await reply.ended;
    assert.equal(exchange.staleReplays, 1);
  });

  test('is told of where the request may have been acted upon', async () => {
    const under = await on.makeWarmPool();
    const { reply, exchange } = under.attempt(on.a.endpoint, { method: 'POST' });
    await on.a.request(0);
    on.a.connections[0].socket.destroy();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(reply.failure.reachedNobody, false);
    assert.equal(exchange.staleReplays, 0);
    assert.equal(on.a.connections.length, 1);
  });

  test('sends a POST again where the system refused to send it', async () => {
    const under = await on.makeWarmPool();
    on.a.connections[0].reset();
    const { reply, exchange } = under.attempt(on.a.endpoint, {
      method: 'POST',
      body: aCompleteBody('hello'),
    });
    await answer(on.a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(exchange.staleReplays, 1);
  });

  test('may have carried nothing yet: it was opened for an attempt that was given up', async () => {
    const under = on.makePool();
    under.attempt(on.a.endpoint).attempt.cancel(GONE);
    await on.a.accepted(0);
    await until(() => under.pool.idleCount(on.a.endpoint) === 1, 'the connection');
    on.a.connections[0].socket.destroy();
    const { reply } = under.attempt(on.a.endpoint);
    await answer(on.a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
  });

  const DEEDS: Record<string, (connection: EndpointConnection) => void> = {
    'sends what nobody has asked for': connection => connection.write(OK),
    closes: connection => connection.end(),
    resets: connection => connection.reset(),
  };
  for (const [deed, act] of Object.entries(DEEDS)) {
    test(`carries nothing where the endpoint ${deed} before the request has gone out`, { skip }, async () => {
      const under = await on.makeWarmPool();
      // Behind this, sockets are read before anything is written.
      await nextTurn();
      const [connection] = on.a.connections;
      act(connection);
      const { reply, exchange } = under.attempt(on.a.endpoint, { method: 'POST' });
      await answer(on.a, 1);
      await reply.ended;
      assert.deepEqual(reply.told, [200, 'data', 'end']);
      assert.deepEqual([exchange.attempts, exchange.staleReplays, connection.received], [1, 1, '']);
    });
  }

  const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n';

  test('says so with a 408 that crosses the request', async () => {
    const under = await on.makeWarmPool();
    const { reply, exchange } = under.attempt(on.a.endpoint, { method: 'PUT', body: aCompleteBody('hello') });
    await on.a.request(0);
    on.a.connections[0].write(TIMED_OUT);
    await nextTurn();
    on.a.connections[0].write('Connection: close\r\n\r\n');
    await answer(on.a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual([exchange.attempts, exchange.staleReplays, on.a.endpoint.failures], [1, 1, 0]);
  });

  const ANSWERS: Record<string, [exchange: ExchangeParts, close: string]> = {
    'to a POST, which may have been acted upon': [{ method: 'POST' }, 'Connection: close\r\n'],
    'that leaves the connection open': [{}, ''],
    'to a request that is still on its way': [
      { method: 'PUT', body: new RequestBody({ pauseBody() {}, resumeBody() {} }, 5, 100) },
      'Connection: close\r\n',
    ],
  };
  for (const [which, [parts, close]] of Object.entries(ANSWERS)) {
    test(`is not meant by a 408 ${which}`, async () => {
      const under = await on.makeWarmPool();
      const { reply, exchange } = under.attempt(on.a.endpoint, parts);
      await on.a.request(0);
      on.a.connections[0].write(`${TIMED_OUT}${close}\r\n`);
      await reply.ended;
      assert.deepEqual(reply.told, [408, 'end']);
      assert.equal(exchange.staleReplays, 0);
    });
  }

  test('nor by one on a connection that carried nothing before', async () => {
    const under = on.makePool();
    const { reply } = under.attempt(on.a.endpoint);
    await on.a.request(0);
    on.a.connections[0].write(`${TIMED_OUT}Connection: close\r\n\r\n`);
    await reply.ended;
    assert.deepEqual(reply.told, [408, 'end']);
  });

  test('keeps its turn where the limit is reached', async () => {
    const under = await on.makeWarmPool({ settings: { connections: 1, pending: 1 } });
    const stale = under.attempt(on.a.endpoint, { target: '/stale' });
    const waiting = under.attempt(on.a.endpoint, { target: '/waiting' });
    await on.a.request(0);
    on.a.connections[0].socket.destroy();
    assert.match(await on.a.request(1), /^GET \/stale /);
    on.a.connections[1].write(OK);
    await stale.reply.ended;
    assert.match(await on.a.request(1), /^GET \/waiting /);
    on.a.connections[1].write(OK);
    await waiting.reply.ended;
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });
});

test('an answer that came before the endpoint refused to read on is not lost', { skip }, async () => {
  const under = on.makePool();
  const body = new RequestBody(new Application(), 1_000_000, 0);
  const { reply } = under.attempt(on.a.endpoint, { method: 'POST', body });
  await on.a.request();
  // All in one turn: when the next piece is refused by the system, the answer is there and has not been read.
  on.a.connections[0].write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!');
  on.a.connections[0].reset();
  for (let i = 0; i < 3; i++) body.push(Buffer.alloc(20_000));
  await reply.ended;
  assert.deepEqual(reply.told, [413, 'data', 'end']);
  assert.equal(reply.body, 'no!');
  assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
});
