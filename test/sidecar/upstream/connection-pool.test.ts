import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ConnectionLimit } from '../../../sidecar/upstream/connection-limit.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { aCompleteBody, aTunnel } from '../exchanges.ts';
import { until } from '../until.ts';
import { type PoolParts, PoolUnderTest } from './pools.ts';
import { OK, ScriptedEndpoint } from './scripted-endpoint.ts';

const GONE = failure('client-gone', 'gone');

let a: ScriptedEndpoint;
let b: ScriptedEndpoint;
let pools: PoolUnderTest[];

beforeEach(async () => {
  a = await ScriptedEndpoint.start(null, 'a');
  b = await ScriptedEndpoint.start(null, 'b');
  pools = [];
});

afterEach(async () => {
  for (const { pool } of pools) pool.stop();
  await Promise.all([a.close(), b.close()]);
});

function makePool(parts?: PoolParts): PoolUnderTest {
  const made = new PoolUnderTest(parts);
  pools.push(made);
  return made;
}

/** A pool with an idle connection to `a`. */
async function makeWarmPool(parts?: PoolParts): Promise<PoolUnderTest> {
  const made = makePool(parts);
  const { reply } = made.attempt(a.endpoint);
  await answer(a, 0);
  await reply.ended;
  return made;
}

/** Answers the next request on the endpoint's `n`th connection. */
async function answer(endpoint: ScriptedEndpoint, n: number, text = OK): Promise<void> {
  await endpoint.request(n);
  endpoint.connections[n].write(text);
}

/** An address where nobody listens. */
async function refusingEndpoint(): Promise<Endpoint> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return new Endpoint({ id: 'r', address: '127.0.0.1', port, weight: 1, zone: null, version: null });
}

describe('a connection is kept', () => {
  test('and used again', async () => {
    const under = await makeWarmPool();
    assert.equal(under.pool.idleCount(a.endpoint), 1);
    const { reply } = under.attempt(a.endpoint);
    assert.equal(under.pool.idleCount(a.endpoint), 0);
    await answer(a, 0);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(a.connections.length, 1);
    assert.equal(under.counters.connectsStarted, 1);
    assert.equal(under.counters.connectionsReused, 1);
  });

  test('for its own endpoint', async () => {
    const under = await makeWarmPool();
    under.attempt(b.endpoint);
    await b.request();
    assert.equal(under.pool.idleCount(a.endpoint), 1);
    assert.equal(under.counters.connectionsReused, 0);
  });

  test('and the one that came free last is used first', async () => {
    const under = makePool();
    const replies = [0, 1, 2].map(() => under.attempt(a.endpoint).reply);
    for (const n of [0, 1, 2]) await a.request(n);
    for (const n of [1, 2, 0]) {
      under.clock.advance(10);
      a.connections[n].write(OK);
      await until(() => under.pool.idleCount(a.endpoint) === [1, 2, 0].indexOf(n) + 1, 'an idle connection');
    }
    await Promise.all(replies.map(({ ended }) => ended));
    under.attempt(a.endpoint);
    await a.request(0);
    under.attempt(a.endpoint);
    await a.request(2);
  });

  test('for 3 s where nothing is known of the endpoint', async () => {
    const under = await makeWarmPool();
    under.clock.advance(2_900);
    assert.equal(under.pool.idleCount(a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(a.endpoint), 0);
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('for as long as the endpoint says that it keeps it, less a second', async () => {
    const under = makePool();
    const { reply } = under.attempt(a.endpoint);
    await answer(a, 0, 'HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=10\r\n\r\n');
    await reply.ended;
    under.clock.advance(8_900);
    assert.equal(under.pool.idleCount(a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(a.endpoint), 0);
  });

  test('for less than the age at which the endpoint closed one', async () => {
    const under = await makeWarmPool();
    under.clock.advance(2_000);
    a.connections[0].end();
    await until(() => under.pool.idleCount(a.endpoint) === 0, 'the end');
    const { reply } = under.attempt(a.endpoint);
    await answer(a, 1);
    await reply.ended;
    under.clock.advance(900);
    assert.equal(under.pool.idleCount(a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(a.endpoint), 0);
  });

  test('and what can not be sent twice stays away from one that may be about to be closed', async () => {
    const under = await makeWarmPool();
    under.clock.advance(1_600);
    under.attempt(a.endpoint, { method: 'POST' });
    await a.request(1);
    under.attempt(a.endpoint, { method: 'GET' });
    await a.request(0);
  });

  test('and one that is new enough takes a POST too', async () => {
    const under = await makeWarmPool();
    under.clock.advance(1_400);
    under.attempt(a.endpoint, { method: 'POST' });
    await a.request(0);
  });

  test('but not for a tunnel, which gets one of its own', async () => {
    const under = await makeWarmPool();
    const { tunnel } = aTunnel();
    under.attempt(a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await a.accepted(1);
    assert.equal(under.pool.idleCount(a.endpoint), 1);
  });

  test('not when bytes come that nobody asked for', async () => {
    const under = await makeWarmPool();
    a.connections[0].write(OK);
    await a.connections[0].over();
    assert.equal(under.pool.idleCount(a.endpoint), 0);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });
});

describe('where the limit of the upstream is reached', () => {
  test('attempts wait and are served in order', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const replies = ['/1', '/2', '/3'].map(target => under.attempt(a.endpoint, { target }).reply);
    assert.equal(under.counters.pendingWaiting, 2);
    for (const [i, target] of ['/1', '/2', '/3'].entries()) {
      assert.match(await a.request(), new RegExp(`^GET ${target} `));
      a.connections[0].write(OK);
      await replies[i].ended;
    }
    assert.equal(a.connections.length, 1);
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });

  test('a connection that comes free serves who has waited longest, whichever endpoint it was for', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const first = under.attempt(a.endpoint, { target: '/1' });
    const second = under.attempt(b.endpoint, { target: '/2' });
    assert.equal(b.endpoint.outstanding, 1);
    await answer(a, 0);
    await first.reply.ended;
    assert.match(await a.request(), /^GET \/2 /);
    assert.equal(second.attempt.endpoint, a.endpoint);
    assert.deepEqual(second.exchange.tried, [a.endpoint]);
    assert.deepEqual([b.endpoint.outstanding, b.endpoint.attempts], [0, 0]);
    assert.deepEqual([a.endpoint.outstanding, a.endpoint.attempts], [1, 2]);
  });

  test('an attempt is not moved to an endpoint that has failed it: that connection makes room for another', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const first = under.attempt(a.endpoint);
    const retried = under.attempt(b.endpoint, { target: '/again', tried: [a.endpoint] });
    await answer(a, 0);
    await first.reply.ended;
    assert.match(await b.request(), /^GET \/again /);
    assert.equal(retried.attempt.endpoint, b.endpoint);
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('an attempt that needs a fresh connection gets the room of one that comes free', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const first = under.attempt(a.endpoint);
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await answer(a, 0);
    await first.reply.ended;
    await reply.answered;
    assert.equal(reply.answer?.tunnel, true);
    await a.connections[0].over();
    assert.equal(a.open, 1);
  });

  test('an idle connection to another endpoint is closed to make room', async () => {
    const under = await makeWarmPool({ settings: { connections: 1 } });
    under.attempt(b.endpoint);
    await b.request();
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('the one that has been idle longest is closed', async () => {
    const under = makePool({ settings: { connections: 2 } });
    for (const endpoint of [a, b]) {
      const { reply } = under.attempt(endpoint.endpoint);
      await answer(endpoint, 0);
      await reply.ended;
      under.clock.advance(50);
    }
    const { tunnel } = aTunnel();
    under.attempt(b.endpoint, { method: 'CONNECT', target: 'b:443', tunnel });
    await b.accepted(1);
    await a.connections[0].over();
    assert.equal(under.pool.idleCount(b.endpoint), 1);
  });

  test('more than `pending` are refused at once', async () => {
    const under = makePool({ settings: { connections: 1, pending: 1 } });
    under.attempt(a.endpoint);
    const waiting = under.attempt(a.endpoint).reply;
    const refused = under.attempt(a.endpoint).reply;
    assert.equal(refused.failure?.kind, 'overflow');
    assert.equal(refused.failure.reachedNobody, true);
    assert.match(refused.failure.detail, /limits\.connections.*1 requests wait.*limits\.pending/);
    assert.equal(waiting.isEnded, false);
    assert.equal(under.counters.overflowed, 1);
    assert.deepEqual([a.endpoint.failures, a.endpoint.outstanding], [0, 2]);
  });

  test('nobody waits where `pending` is 0', () => {
    const under = makePool({ settings: { connections: 1, pending: 0 } });
    under.attempt(a.endpoint);
    assert.equal(under.attempt(a.endpoint).reply.failure?.kind, 'overflow');
  });

  test('nobody waits longer than `pendingFor`', async () => {
    const under = makePool({ settings: { connections: 1, pendingFor: 500 } });
    const first = under.attempt(a.endpoint).reply;
    await a.request();
    under.clock.advance(100);
    const { reply } = under.attempt(a.endpoint);
    under.clock.advance(499);
    assert.equal(reply.isEnded, false);
    under.clock.advance(1);
    assert.equal(reply.failure?.kind, 'overflow');
    assert.match(reply.failure.detail, /500 ms \(pendingFor\)/);
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
    a.connections[0].write(OK);
    await first.ended;
    under.clock.advance(1_000);
  });

  test('whoever gives up makes room in the line', async () => {
    const under = makePool({ settings: { connections: 1, pending: 2 } });
    const first = under.attempt(a.endpoint, { target: '/1' });
    const second = under.attempt(a.endpoint, { target: '/2' });
    const third = under.attempt(a.endpoint, { target: '/3' });
    second.attempt.cancel(GONE);
    assert.deepEqual(second.reply.told, ['client-gone']);
    assert.equal(under.counters.pendingWaiting, 1);
    await answer(a, 0);
    await first.reply.ended;
    assert.match(await a.request(), /^GET \/3 /);
    under.clock.advance(5_000);
    assert.equal(third.reply.isEnded, false);
    assert.deepEqual(second.reply.told, ['client-gone']);
  });

  test('a connection that is lost makes room too', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const first = under.attempt(a.endpoint);
    const second = under.attempt(a.endpoint, { target: '/2' });
    await a.request(0);
    a.connections[0].reset();
    await first.reply.ended;
    assert.equal(first.reply.failure?.kind, 'reset');
    assert.match(await a.request(1), /^GET \/2 /);
    assert.equal(second.reply.isEnded, false);
  });

  test('a higher limit serves who waits, at once', async () => {
    const under = makePool({ settings: { connections: 1 } });
    for (const target of ['/1', '/2', '/3']) under.attempt(a.endpoint, { target });
    under.pool.configure({ ...under.pool.settings, connections: 2 });
    assert.deepEqual([under.counters.connectsStarted, under.counters.pendingWaiting], [2, 1]);
    assert.match(await a.request(1), /^GET \/2 /);
  });
});

describe('where the limit of all upstreams together is reached', () => {
  test('an idle connection of another upstream is closed to make room', async () => {
    const total = new ConnectionLimit(1);
    const other = await makeWarmPool({ total });
    total.reclaim = () => other.pool.closeOldestIdle();
    const under = makePool({ total });
    under.attempt(b.endpoint);
    await b.request();
    await a.connections[0].over();
    assert.deepEqual(other.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('who waits is served when a connection of another upstream is closed', async () => {
    const total = new ConnectionLimit(1);
    const other = makePool({ total });
    const first = other.attempt(a.endpoint);
    const under = makePool({ total });
    const { reply } = under.attempt(b.endpoint);
    assert.equal(under.counters.pendingWaiting, 1);
    await answer(a, 0, 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    await first.reply.ended;
    await answer(b, 0);
    await reply.ended;
  });

  test('who waits is served when a connection of another upstream has come free', async () => {
    const total = new ConnectionLimit(1);
    const other = makePool({ total });
    total.reclaim = () => other.pool.closeOldestIdle();
    const first = other.attempt(a.endpoint);
    const under = makePool({ total });
    const { reply } = under.attempt(b.endpoint);
    await answer(a, 0);
    await first.reply.ended;
    await answer(b, 0);
    await reply.ended;
    assert.deepEqual(other.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('both limits at once: making room for one closes no more than it has to', async () => {
    const total = new ConnectionLimit(3);
    const under = makePool({ total, settings: { connections: 3 } });
    const warm = [0, 1, 2].map(() => under.attempt(a.endpoint).reply);
    for (const n of [0, 1, 2]) await answer(a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    const { reply } = under.attempt(b.endpoint);
    await answer(b, 0);
    await reply.ended;
    assert.equal(under.pool.idleCount(a.endpoint), 2);
  });

  test('a wait that is in vain names the limit', () => {
    const total = new ConnectionLimit(1);
    makePool({ total }).attempt(a.endpoint);
    const under = makePool({ total, settings: { pendingFor: 100 } });
    const { reply } = under.attempt(b.endpoint);
    under.clock.advance(100);
    assert.match(reply.failure?.detail ?? '', /the limit of 1 connections in all is reached \(connections\)/);
  });
});

describe('an endpoint that can not be reached', () => {
  test('fails one attempt for each connection', async () => {
    const under = makePool();
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
      assert.match(reason.detail, /^connecting to 127\.0\.0\.1:\d+ failed: ECONNREFUSED$/);
    }
    assert.equal(under.counters.connectFailures, 2);
    assert.deepEqual([refusing.outstanding, refusing.failures, refusing.attempts], [0, 2, 2]);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('has given back its room before the attempt is told, so that another one can follow', async () => {
    const under = makePool({ settings: { connections: 1, pending: 0 } });
    const refusing = await refusingEndpoint();
    const { reply } = under.attempt(refusing);
    let next: ReturnType<PoolUnderTest['attempt']> | null = null;
    reply.onEnd = () => {
      next = under.attempt(b.endpoint);
    };
    await reply.ended;
    await answer(b, 0);
    await next!.reply.ended;
    assert.deepEqual(next!.reply.told, [200, 'data', 'end']);
  });

  test('fails after the time that a connection may take', async () => {
    const under = makePool({ settings: { connectTimeout: 300 } });
    // Connections to it are taken by the system, but our side has not been told yet.
    const { reply } = under.attempt(a.endpoint);
    under.clock.advance(300);
    assert.equal(reply.failure?.kind, 'connect-timeout');
    assert.match(reply.failure.detail, /took longer than 300 ms/);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
    assert.equal(under.total.isReached, false);
  });
});

describe('an attempt that is given up', () => {
  test('while its connection is being opened leaves it to the next one', async () => {
    const under = makePool();
    const { attempt, reply } = under.attempt(a.endpoint);
    attempt.cancel(GONE);
    assert.deepEqual(reply.told, ['client-gone']);
    await until(() => under.pool.idleCount(a.endpoint) === 1, 'the connection');
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
    under.attempt(a.endpoint);
    await a.request(0);
    assert.equal(a.connections.length, 1);
    assert.equal(a.endpoint.outstanding, 1);
  });

  test('in the middle of its answer closes the connection', async () => {
    const under = makePool();
    const { attempt, reply } = under.attempt(a.endpoint);
    await answer(a, 0, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await reply.answered;
    attempt.cancel(GONE);
    attempt.cancel(failure('client-gone', 'again'));
    assert.equal(reply.failure, GONE);
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
    assert.equal(a.endpoint.outstanding, 0);
  });

  test('does nothing to the next one on its connection', async () => {
    const under = await makeWarmPool();
    const first = under.attempt(a.endpoint);
    await answer(a, 0);
    await first.reply.ended;
    const second = under.attempt(a.endpoint);
    first.attempt.pause();
    first.attempt.cancel(GONE);
    first.attempt.resume();
    await answer(a, 0);
    await second.reply.ended;
    assert.deepEqual(second.reply.told, [200, 'data', 'end']);
  });
});

describe('a connection that the endpoint has closed under us', () => {
  test('costs nothing: the request goes out again on a fresh one', async () => {
    const under = await makeWarmPool();
    a.connections[0].socket.destroy();
    const { reply, exchange } = under.attempt(a.endpoint);
    await answer(a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual([exchange.attempts, exchange.staleReplays], [1, 1]);
    assert.equal(a.endpoint.failures, 0);
    assert.equal(a.endpoint.outstanding, 0);
  });

  test('also with a kept body', async () => {
    const under = await makeWarmPool();
    a.connections[0].socket.destroy();
    const body = aCompleteBody('hello');
    const { reply } = under.attempt(a.endpoint, { method: 'PUT', body });
    await a.request(1);
    await until(() => a.connections[1].received.length >= 5, 'the body');
    assert.equal(a.connections[1].received, 'hello');
    a.connections[1].write(OK);
    await reply.ended;
  });

  test('another idle one is not tried: it may be just as stale', async () => {
    const under = makePool();
    const warm = [0, 1].map(() => under.attempt(a.endpoint).reply);
    for (const n of [0, 1]) await answer(a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    a.connections[0].socket.destroy();
    a.connections[1].socket.destroy();
    const { reply, exchange } = under.attempt(a.endpoint);
    await answer(a, 2);
    await reply.ended;
    assert.equal(exchange.staleReplays, 1);
  });

  test('is told of where the request may have been acted upon', async () => {
    const under = await makeWarmPool();
    const { reply, exchange } = under.attempt(a.endpoint, { method: 'POST' });
    await a.request(0);
    a.connections[0].socket.destroy();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(reply.failure.reachedNobody, false);
    assert.equal(exchange.staleReplays, 0);
    assert.equal(a.connections.length, 1);
  });

  test('sends a POST again where the system refused to send it', async () => {
    const under = await makeWarmPool();
    a.connections[0].reset();
    const { reply, exchange } = under.attempt(a.endpoint, { method: 'POST', body: aCompleteBody('hello') });
    await answer(a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(exchange.staleReplays, 1);
  });

  test('may have carried nothing yet: it was opened for an attempt that was given up', async () => {
    const under = makePool();
    under.attempt(a.endpoint).attempt.cancel(GONE);
    await a.accepted(0);
    await until(() => under.pool.idleCount(a.endpoint) === 1, 'the connection');
    a.connections[0].socket.destroy();
    const { reply } = under.attempt(a.endpoint);
    await answer(a, 1);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
  });

  test('keeps its turn where the limit is reached', async () => {
    const under = await makeWarmPool({ settings: { connections: 1, pending: 1 } });
    const stale = under.attempt(a.endpoint, { target: '/stale' });
    const waiting = under.attempt(a.endpoint, { target: '/waiting' });
    await a.request(0);
    a.connections[0].socket.destroy();
    assert.match(await a.request(1), /^GET \/stale /);
    a.connections[1].write(OK);
    await stale.reply.ended;
    assert.match(await a.request(1), /^GET \/waiting /);
    a.connections[1].write(OK);
    await waiting.reply.ended;
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });
});

describe('an endpoint that has left', () => {
  test('loses its idle connections at once', async () => {
    const under = await makeWarmPool();
    under.pool.remove(a.endpoint);
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('ends what it carries, and then the connection', async () => {
    const under = makePool();
    const { reply } = under.attempt(a.endpoint);
    await a.request();
    under.pool.remove(a.endpoint);
    a.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    await a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('gives connections that come up to those who wait for them, and keeps none', async () => {
    const under = makePool();
    const { reply } = under.attempt(a.endpoint);
    const given = under.attempt(a.endpoint);
    under.pool.remove(a.endpoint);
    given.attempt.cancel(GONE);
    await answer(a, 0);
    await reply.ended;
    await Promise.all([0, 1].map(async n => (await a.accepted(n)).over()));
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('keeps no connection that was opened for an attempt which waited meanwhile', async () => {
    const under = makePool({ settings: { connections: 1 } });
    const first = under.attempt(a.endpoint);
    await a.request();
    const second = under.attempt(b.endpoint, { tried: [a.endpoint] });
    under.pool.remove(b.endpoint);
    a.connections[0].write(OK);
    await first.reply.ended;
    await answer(b, 0);
    await second.reply.ended;
    await b.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('keeps no connection that took the place of a stale one', async () => {
    const under = await makeWarmPool();
    const { reply } = under.attempt(a.endpoint);
    await a.request(0);
    under.pool.remove(a.endpoint);
    a.connections[0].socket.destroy();
    await answer(a, 1);
    await reply.ended;
    await a.connections[1].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });
});

describe('an exchange that stands still', () => {
  test('is ended after `timeouts.idle`', async () => {
    const under = makePool({ settings: { streamIdle: 1_000 } });
    const { reply } = under.attempt(a.endpoint);
    await a.request();
    under.clock.advance(900);
    a.connections[0].write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    await reply.answered;
    under.clock.advance(900);
    assert.equal(reply.isEnded, false);
    under.clock.advance(250);
    assert.equal(reply.failure?.kind, 'reset');
    assert.match(reply.failure.detail, /was silent for 1000 ms \(timeouts\.idle\)/);
    await a.connections[0].over();
  });

  test('may, where there is no such limit', async () => {
    const under = makePool({ settings: { streamIdle: null } });
    const { reply } = under.attempt(a.endpoint);
    await a.request();
    under.clock.advance(60_000);
    assert.equal(reply.isEnded, false);
  });

  test('may, where it is a tunnel', async () => {
    const under = makePool({ settings: { streamIdle: 1_000 } });
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await reply.answered;
    under.clock.advance(60_000);
    assert.equal(reply.isEnded, false);
  });
});

test('a stop closes everything, fails what is under way, and leaves nothing', async () => {
  const under = await makeWarmPool({ settings: { connections: 2 } });
  const busy = under.attempt(a.endpoint);
  await a.request(0);
  const connecting = under.attempt(b.endpoint);
  const waiting = under.attempt(b.endpoint);
  assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 1 });
  under.pool.stop();
  const told = [busy, connecting, waiting].map(({ reply }) => reply.told);
  assert.deepEqual(told, [['reset'], ['connect-failure'], ['no-endpoint']]);
  assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  under.clock.advance(10_000);
  assert.equal(under.counters.overflowed, 0);
  await a.connections[0].over();
  assert.deepEqual([a.endpoint.outstanding, b.endpoint.outstanding], [0, 0]);
});
