import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { aTunnel } from '../exchanges.ts';
import { until } from '../until.ts';
import { answer, usePools } from './pools.ts';
import { OK } from './scripted-endpoint.ts';

const GONE = failure('client-gone', 'gone');

const on = usePools();

describe('a connection is kept', () => {
  test('and used again', async () => {
    const under = await on.makeWarmPool();
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
    const { reply } = under.attempt(on.a.endpoint);
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
    await answer(on.a, 0);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(on.a.connections.length, 1);
    assert.equal(under.counters.connectsStarted, 1);
    assert.equal(under.counters.connectionsReused, 1);
  });

  test('for its own endpoint', async () => {
    const under = await on.makeWarmPool();
    under.attempt(on.b.endpoint);
    await on.b.request();
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
    assert.equal(under.counters.connectionsReused, 0);
  });

  test('and the one that came free last is used first', async () => {
    const under = on.makePool();
    const replies = [0, 1, 2].map(() => under.attempt(on.a.endpoint).reply);
    for (const n of [0, 1, 2]) await on.a.request(n);
    for (const n of [1, 2, 0]) {
      under.clock.advance(10);
      on.a.connections[n].write(OK);
      await until(
        () => under.pool.idleCount(on.a.endpoint) === [1, 2, 0].indexOf(n) + 1,
        'an idle connection',
      );
    }
    await Promise.all(replies.map(({ ended }) => ended));
    under.attempt(on.a.endpoint);
    await on.a.request(0);
    under.attempt(on.a.endpoint);
    await on.a.request(2);
  });

  test('for 3 s where nothing is known of the endpoint', async () => {
    const under = await on.makeWarmPool();
    under.clock.advance(2_900);
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('for as long as the endpoint says that it keeps it, less a second', async () => {
    const under = on.makePool();
    const { reply } = under.attempt(on.a.endpoint);
    await answer(on.a, 0, 'HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=10\r\n\r\n');
    await reply.ended;
    under.clock.advance(8_900);
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
  });

  test('for less than the age at which the endpoint closed one', async () => {
    const under = await on.makeWarmPool();
    under.clock.advance(2_000);
    on.a.connections[0].end();
    await until(() => under.pool.idleCount(on.a.endpoint) === 0, 'the end');
    const { reply } = under.attempt(on.a.endpoint);
    await answer(on.a, 1);
    await reply.ended;
    under.clock.advance(900);
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
    under.clock.advance(200);
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
  });

  test('and what can not be sent twice stays away from one that may be about to be closed', async () => {
    const under = await on.makeWarmPool();
    under.clock.advance(1_600);
    under.attempt(on.a.endpoint, { method: 'POST' });
    await on.a.request(1);
    under.attempt(on.a.endpoint, { method: 'GET' });
    await on.a.request(0);
  });

  test('and one that is new enough takes a POST too', async () => {
    const under = await on.makeWarmPool();
    under.clock.advance(1_400);
    under.attempt(on.a.endpoint, { method: 'POST' });
    await on.a.request(0);
  });

  test('but not for a tunnel, which gets one of its own', async () => {
    const under = await on.makeWarmPool();
    const { tunnel } = aTunnel();
    under.attempt(on.a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await on.a.accepted(1);
    assert.equal(under.pool.idleCount(on.a.endpoint), 1);
  });

  test('not before the turn in which its answer ended is over: more may have come behind that', async () => {
    const turns: (() => void)[] = [];
    const under = on.makePool({ afterTurn: run => turns.push(run) });
    const { reply } = under.attempt(on.a.endpoint);
    await answer(on.a, 0);
    await reply.ended;
    under.attempt(on.a.endpoint);
    await on.a.request(1);
    on.a.connections[0].write(OK);
    await on.a.connections[0].over();
    for (const run of turns) run();
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('and goes to whoever waits for it once the turn after that is over', async () => {
    const turns: (() => void)[] = [];
    const under = on.makePool({ settings: { connections: 1 }, afterTurn: run => turns.push(run) });
    const { reply } = under.attempt(on.a.endpoint);
    await on.a.request(0);
    under.attempt(on.a.endpoint);
    on.a.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 1 });
    assert.equal(turns.length, 1);
    turns[0]();
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 1 });
    turns[1]();
    await on.a.request(0);
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('not when bytes come that nobody asked for', async () => {
    const under = await on.makeWarmPool();
    on.a.connections[0].write(OK);
    await on.a.connections[0].over();
    assert.equal(under.pool.idleCount(on.a.endpoint), 0);
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });
});

describe('an attempt that is given up', () => {
  test('while its connection is being opened leaves it to the next one', async () => {
    const under = on.makePool();
    const { attempt, reply } = under.attempt(on.a.endpoint);
    attempt.cancel(GONE);
    assert.deepEqual(reply.told, ['client-gone']);
    await until(() => under.pool.idleCount(on.a.endpoint) === 1, 'the connection');
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
    under.attempt(on.a.endpoint);
    await on.a.request(0);
    assert.equal(on.a.connections.length, 1);
    assert.equal(on.a.endpoint.outstanding, 1);
  });

  test('in the middle of its answer closes the connection', async () => {
    const under = on.makePool();
    const { attempt, reply } = under.attempt(on.a.endpoint);
    await answer(on.a, 0, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await reply.answered;
    attempt.cancel(GONE);
    attempt.cancel(failure('client-gone', 'again'));
    assert.equal(reply.failure, GONE);
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
    assert.equal(on.a.endpoint.outstanding, 0);
  });

  test('does nothing to the next one on its connection', async () => {
    const under = await on.makeWarmPool();
    const first = under.attempt(on.a.endpoint);
    await answer(on.a, 0);
    await first.reply.ended;
    const second = under.attempt(on.a.endpoint);
    first.attempt.pause();
    first.attempt.cancel(GONE);
    first.attempt.resume();
    await answer(on.a, 0);
    await second.reply.ended;
    assert.deepEqual(second.reply.told, [200, 'data', 'end']);
  });
});

describe('an endpoint that has left', () => {
  test('loses its idle connections at once', async () => {
    const under = await on.makeWarmPool();
    under.pool.remove(on.a.endpoint);
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('ends what it carries, and then the connection', async () => {
    const under = on.makePool();
    const { reply } = under.attempt(on.a.endpoint);
    await on.a.request();
    under.pool.remove(on.a.endpoint);
    on.a.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('gets nobody who waits for a connection to it: that one goes elsewhere', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const first = under.attempt(on.a.endpoint);
    await on.a.request();
    const second = under.attempt(on.b.endpoint, { elsewhere: on.a.endpoint });
    const third = under.attempt(on.b.endpoint, { tried: [on.a.endpoint] });
    under.pool.remove(on.b.endpoint);
    on.a.connections[0].end(OK);
    await first.reply.ended;
    await answer(on.a, 1);
    await second.reply.ended;
    on.a.connections[1].end();
    await third.reply.ended;
    assert.deepEqual(second.exchange.tried, [on.a.endpoint]);
    assert.equal(third.reply.failure?.kind, 'no-endpoint');
    assert.equal(on.b.connections.length, 0);
    await until(() => under.gauges.open === 0, 'the end');
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('gets nobody whose connection to it was still being opened', async () => {
    const under = on.makePool();
    const moved = under.attempt(on.b.endpoint, { elsewhere: on.a.endpoint });
    const lost = under.attempt(on.b.endpoint);
    under.pool.remove(on.b.endpoint);
    assert.equal(lost.reply.failure?.kind, 'no-endpoint');
    await answer(on.a, 0);
    await moved.reply.ended;
    assert.deepEqual(
      on.b.connections.flatMap(({ heads }) => heads),
      [],
    );
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
    assert.equal(on.b.endpoint.outstanding, 0);
  });

  test('gets nobody again whose connection to it was stale', async () => {
    const under = await on.makeWarmPool();
    const { reply } = under.attempt(on.a.endpoint, { elsewhere: on.b.endpoint });
    await on.a.request(0);
    under.pool.remove(on.a.endpoint);
    on.a.connections[0].socket.destroy();
    await answer(on.b, 0);
    await reply.ended;
    assert.equal(on.a.connections.length, 1);
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });
});

describe('an exchange that stands still', () => {
  test('is ended after `timeouts.idle`', async () => {
    const under = on.makePool({ settings: { streamIdle: 1_000 } });
    const { reply } = under.attempt(on.a.endpoint);
    await on.a.request();
    under.clock.advance(900);
    on.a.connections[0].write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    await reply.answered;
    under.clock.advance(900);
    assert.equal(reply.isEnded, false);
    under.clock.advance(250);
    assert.equal(reply.failure?.kind, 'reset');
    assert.match(reply.failure.detail, /was silent for 1000 ms \(timeouts\.idle\)/);
    await on.a.connections[0].over();
  });

  test('on account of the application where that one reads or sends no more', async () => {
    const under = on.makePool({ settings: { streamIdle: 1_000 } });
    const reader = under.attempt(on.a.endpoint);
    await answer(on.a, 0, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await reader.reply.answered;
    reader.attempt.pause();
    const body = new RequestBody({ pauseBody() {}, resumeBody() {} }, 100, 1000);
    const sender = under.attempt(on.a.endpoint, { method: 'POST', body });
    await on.a.request(1);
    under.clock.advance(1_100);
    assert.equal(reader.reply.failure?.kind, 'client-gone');
    assert.deepEqual([sender.reply.failure?.kind, sender.reply.failure?.status], ['bad-request', 408]);
    assert.equal(on.a.endpoint.failures, 0);
  });

  test('may, where there is no such limit', async () => {
    const under = on.makePool({ settings: { streamIdle: null } });
    const { reply } = under.attempt(on.a.endpoint);
    await on.a.request();
    under.clock.advance(60_000);
    assert.equal(reply.isEnded, false);
  });

  test('may for longer where it is a tunnel', async () => {
    const under = on.makePool({ settings: { streamIdle: 1_000, tunnelIdle: 60_000 } });
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(on.a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await reply.answered;
    under.clock.advance(30_000);
    on.a.connections[0].write('alive');
    await until(() => reply.body === 'alive', 'bytes');
    under.clock.advance(59_000);
    assert.equal(reply.isEnded, false);
    under.clock.advance(1_100);
    assert.match(reply.failure?.detail ?? '', /was silent for 60000 ms \(timeouts\.tunnel\)/);
    await on.a.connections[0].over();
  });

  test('may for good where it is a tunnel without such a limit', async () => {
    const under = on.makePool({ settings: { streamIdle: 1_000, tunnelIdle: null } });
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(on.a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await reply.answered;
    under.clock.advance(24 * 60 * 60_000);
    assert.equal(reply.isEnded, false);
  });
});

test('a stop closes everything, fails what is under way, and leaves nothing', async () => {
  const under = await on.makeWarmPool({ settings: { connections: 2 } });
  const busy = under.attempt(on.a.endpoint);
  await on.a.request(0);
  const connecting = under.attempt(on.b.endpoint);
  const waiting = under.attempt(on.b.endpoint);
  assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 1 });
  under.pool.stop();
  const told = [busy, connecting, waiting].map(({ reply }) => reply.told);
  assert.deepEqual(told, [['reset'], ['no-endpoint'], ['no-endpoint']]);
  assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  under.clock.advance(10_000);
  assert.equal(under.counters.overflowed, 0);
  await on.a.connections[0].over();
  assert.deepEqual([on.a.endpoint.outstanding, on.b.endpoint.outstanding], [0, 0]);
});
