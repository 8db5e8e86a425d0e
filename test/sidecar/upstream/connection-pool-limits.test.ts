import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ConnectionLimit } from '../../../sidecar/upstream/connection-limit.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { aTunnel } from '../exchanges.ts';
import { until } from '../until.ts';
import { answer, usePools } from './pools.ts';
import { OK } from './scripted-endpoint.ts';

const GONE = failure('client-gone', 'gone');

const on = usePools();

describe('where the limit of the upstream is reached', () => {
  test('attempts wait and are served in order', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const replies = ['/1', '/2', '/3'].map(target => under.attempt(on.a.endpoint, { target }).reply);
    assert.equal(under.counters.pendingWaiting, 2);
    for (const [i, target] of ['/1', '/2', '/3'].entries()) {
      assert.match(await on.a.request(), new RegExp(`^GET ${target} `));
      on.a.connections[0].write(OK);
      await replies[i].ended;
    }
    assert.equal(on.a.connections.length, 1);
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });

  test('a connection that comes free serves who has waited longest, whichever endpoint it was for', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const first = under.attempt(on.a.endpoint, { target: '/1' });
    const second = under.attempt(on.b.endpoint, { target: '/2' });
    assert.equal(on.b.endpoint.outstanding, 1);
    await answer(on.a, 0);
    await first.reply.ended;
    assert.match(await on.a.request(), /^GET \/2 /);
    assert.equal(second.attempt.endpoint, on.a.endpoint);
    assert.deepEqual(second.exchange.tried, [on.a.endpoint]);
    assert.deepEqual([on.b.endpoint.outstanding, on.b.endpoint.attempts], [0, 0]);
    assert.deepEqual([on.a.endpoint.outstanding, on.a.endpoint.attempts], [1, 2]);
  });

  test('one that has just joined gets its share of the connections, and then none is closed for it any more', async () => {
    const under = on.makePool({ settings: { connections: 4 } });
    for (let i = 0; i < 4; i++) under.attempt(on.a.endpoint);
    for (let n = 0; n < 4; n++) await on.a.request(n);
    for (let i = 0; i < 4; i++) under.attempt(on.b.endpoint);
    for (let n = 0; n < 4; n++) on.a.connections[n].write(OK);
    for (let n = 0; n < 2; n++) await on.b.request(n);
    await until(() => under.counters.pendingWaiting === 0, 'all to be sent');
    assert.deepEqual([on.a.endpoint.connections, on.b.endpoint.connections], [2, 2]);
    assert.deepEqual(under.gauges, { open: 4, busy: 4, waiting: 0 });
    assert.equal(under.counters.connectsStarted, 6);
  });

  test('one of a smaller weight gets less of them, and one that can not be connected to none', async () => {
    const under = on.makePool({ settings: { connections: 4 } });
    const place = { address: '127.0.0.1', zone: null, version: null };
    const light = new Endpoint({ ...place, id: 'light', port: on.b.endpoint.port, weight: 1 });
    const heavy = new Endpoint({ ...place, id: 'heavy', port: on.a.endpoint.port, weight: 3 });
    for (let i = 0; i < 4; i++) under.attempt(heavy);
    for (let n = 0; n < 4; n++) await on.a.request(n);
    light.noteLost(GONE);
    const moved = under.attempt(light);
    on.a.connections[0].write(OK);
    await on.a.request(0);
    assert.equal(moved.attempt.endpoint, heavy);
    light.noteReached();
    for (let i = 0; i < 4; i++) under.attempt(light);
    for (let n = 0; n < 4; n++) on.a.connections[n].write(OK);
    await until(() => under.counters.pendingWaiting === 0, 'all to be sent');
    await until(() => under.gauges.open === 4, 'the last connection');
    assert.deepEqual([heavy.connections, light.connections], [3, 1]);
  });

  test('an attempt is not moved to an endpoint that has failed it: that connection makes room for another', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const first = under.attempt(on.a.endpoint);
    const retried = under.attempt(on.b.endpoint, { target: '/again', tried: [on.a.endpoint] });
    await answer(on.a, 0);
    await first.reply.ended;
    assert.match(await on.b.request(), /^GET \/again /);
    assert.equal(retried.attempt.endpoint, on.b.endpoint);
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('an attempt that needs a fresh connection gets the room of one that comes free', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const first = under.attempt(on.a.endpoint);
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(on.a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
    await answer(on.a, 0);
    await first.reply.ended;
    await reply.answered;
    assert.equal(reply.answer?.tunnel, true);
    await on.a.connections[0].over();
    assert.equal(on.a.open, 1);
  });

  test('an idle connection to another endpoint is closed to make room', async () => {
    const under = await on.makeWarmPool({ settings: { connections: 1 } });
    under.attempt(on.b.endpoint);
    await on.b.request();
    await on.a.connections[0].over();
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
  });

  test('the one that has been idle longest is closed', async () => {
    const under = on.makePool({ settings: { connections: 2 } });
    for (const endpoint of [on.a, on.b]) {
      const { reply } = under.attempt(endpoint.endpoint);
      await answer(endpoint, 0);
      await reply.ended;
      under.clock.advance(50);
    }
    const { tunnel } = aTunnel();
    under.attempt(on.b.endpoint, { method: 'CONNECT', target: 'b:443', tunnel });
    await on.b.accepted(1);
    await on.a.connections[0].over();
    assert.equal(under.pool.idleCount(on.b.endpoint), 1);
  });

  test('more than `pending` are refused at once', async () => {
    const under = on.makePool({ settings: { connections: 1, pending: 1 } });
    under.attempt(on.a.endpoint);
    const waiting = under.attempt(on.a.endpoint).reply;
    const refused = under.attempt(on.a.endpoint).reply;
    assert.equal(refused.failure?.kind, 'overflow');
    assert.equal(refused.failure.reachedNobody, true);
    assert.match(refused.failure.detail, /limits\.connections.*1 requests wait.*limits\.pending/);
    assert.equal(waiting.isEnded, false);
    assert.equal(under.counters.overflowed, 1);
    assert.deepEqual([on.a.endpoint.failures, on.a.endpoint.outstanding], [0, 2]);
  });

  test('nobody waits where `pending` is 0', () => {
    const under = on.makePool({ settings: { connections: 1, pending: 0 } });
    under.attempt(on.a.endpoint);
    assert.equal(under.attempt(on.a.endpoint).reply.failure?.kind, 'overflow');
  });

  test('who waits for a connection that only rests until the turn is over is not too many', async () => {
    const turns: (() => void)[] = [];
    const settings = { connections: 1, pending: 0 };
    const under = on.makePool({ settings, afterTurn: run => turns.push(run) });
    const first = under.attempt(on.a.endpoint, { target: '/1' });
    await answer(on.a, 0);
    await first.reply.ended;
    const second = under.attempt(on.a.endpoint, { target: '/2' }).reply;
    assert.equal(second.isEnded, false);
    assert.equal(under.attempt(on.a.endpoint).reply.failure?.kind, 'overflow');
    while (turns.length > 0) turns.shift()?.();
    await answer(on.a, 0);
    await second.ended;
    assert.deepEqual(second.told, [200, 'data', 'end']);
  });

  test('the same for who waits for the place of one to another endpoint, whom nobody overtakes', async () => {
    const turns: (() => void)[] = [];
    const settings = { connections: 1, pending: 0 };
    const under = on.makePool({ settings, afterTurn: run => turns.push(run) });
    const first = under.attempt(on.a.endpoint).reply;
    await answer(on.a, 0);
    await first.ended;
    under.attempt(on.b.endpoint, { target: '/other' });
    assert.equal(under.gauges.waiting, 1);
    assert.equal(under.attempt(on.a.endpoint).reply.failure?.kind, 'overflow');
    while (turns.length > 0) turns.shift()?.();
    assert.match(await on.a.request(0), /^GET \/other/);
  });

  describe('and a connection to the endpoint rests', () => {
    /** Two connections, the most there may be: one to `b` that is idle, and one to `a` that rests. */
    async function makeRestingPool() {
      const turns: (() => void)[] = [];
      const under = on.makePool({ settings: { connections: 2 }, afterTurn: run => turns.push(run) });
      const endTurn = () => turns.shift()?.();
      const endTurns = () => {
        while (turns.length > 0) endTurn();
      };
      for (const endpoint of [on.b, on.a]) {
        endTurns();
        const { reply } = under.attempt(endpoint.endpoint);
        await answer(endpoint, 0);
        await reply.ended;
      }
      return { under, endTurn, endTurns, next: under.attempt(on.a.endpoint, { target: '/next' }) };
    }

    test('an attempt waits for that one, and none to another is closed', async () => {
      const { under, endTurn, next } = await makeRestingPool();
      assert.deepEqual(under.gauges, { open: 2, busy: 0, waiting: 0 });
      endTurn();
      assert.equal(under.gauges.busy, 0);
      endTurn();
      assert.equal(under.gauges.busy, 1);
      await answer(on.a, 0);
      await next.reply.ended;
      assert.deepEqual(next.reply.told, [200, 'data', 'end']);
      assert.deepEqual([under.counters.connectsStarted, on.a.open, on.b.open], [2, 1, 1]);
    });

    test('a second one does not: room is made for it', async () => {
      const { under, endTurns } = await makeRestingPool();
      under.attempt(on.a.endpoint, { target: '/second' });
      endTurns();
      assert.match(await on.a.request(0), /^GET \/next/);
      assert.match(await on.a.request(1), /^GET \/second/);
      await on.b.connections[0].over();
      assert.deepEqual(under.gauges, { open: 2, busy: 2, waiting: 0 });
    });

    test('an attempt gets the place of that one where it is closed before', async () => {
      const { under, endTurns } = await makeRestingPool();
      on.a.connections[0].write('more than was asked for');
      assert.match(await on.a.request(1), /^GET \/next/);
      endTurns();
      assert.deepEqual(under.gauges, { open: 2, busy: 1, waiting: 0 });
      assert.deepEqual([on.a.open, on.b.open], [1, 1]);
    });

    test('an attempt gets another one that rests too where one is closed before', async () => {
      const under = on.makePool({ settings: { connections: 2 }, afterTurn: run => turns.push(run) });
      const turns: (() => void)[] = [];
      const replies = [0, 1].map(() => under.attempt(on.a.endpoint).reply);
      await Promise.all([answer(on.a, 0), answer(on.a, 1), ...replies.map(reply => reply.ended)]);
      under.attempt(on.a.endpoint, { target: '/next' });
      on.a.connections[0].write('more than was asked for');
      await on.a.connections[0].over();
      while (turns.length > 0) turns.shift()?.();
      assert.match(await on.a.request(1), /^GET \/next/);
      assert.equal(under.counters.connectsStarted, 2);
    });

    test('an attempt that is given up leaves it to others', async () => {
      const { under, endTurns, next } = await makeRestingPool();
      next.attempt.cancel(GONE);
      endTurns();
      assert.equal(under.pool.idleCount(on.a.endpoint), 1);
      assert.deepEqual(under.gauges, { open: 2, busy: 0, waiting: 0 });
      assert.equal(on.a.endpoint.outstanding, 0);
    });

    test('an attempt goes elsewhere where the endpoint leaves', async () => {
      const { under, endTurns } = await makeRestingPool();
      const { reply } = under.attempt(on.b.endpoint);
      await answer(on.b, 0);
      await reply.ended;
      const moved = under.attempt(on.b.endpoint, { target: '/moved', elsewhere: on.a.endpoint });
      under.pool.remove(on.b.endpoint);
      endTurns();
      await on.b.connections[0].over();
      assert.match(await on.a.request(0), /^GET \/next/);
      assert.match(await on.a.request(1), /^GET \/moved/);
      assert.deepEqual([moved.attempt.endpoint, on.b.endpoint.outstanding], [on.a.endpoint, 0]);
    });

    test('a stop fails an attempt that waits for it', async () => {
      const { under, next } = await makeRestingPool();
      under.pool.stop();
      assert.equal(next.reply.failure?.kind, 'no-endpoint');
      assert.equal(under.counters.connectsStarted, 2);
      assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
    });

    test('an attempt that needs a fresh connection does not wait', async () => {
      const { under } = await makeRestingPool();
      const { tunnel } = aTunnel();
      under.attempt(on.a.endpoint, { method: 'CONNECT', target: 'a:443', tunnel });
      await on.a.accepted(1);
      await on.b.connections[0].over();
    });
  });

  test('nobody waits longer than `pendingFor`', async () => {
    const under = on.makePool({ settings: { connections: 1, pendingFor: 500 } });
    const first = under.attempt(on.a.endpoint).reply;
    await on.a.request();
    under.clock.advance(100);
    const { reply } = under.attempt(on.a.endpoint);
    under.clock.advance(499);
    assert.equal(reply.isEnded, false);
    under.clock.advance(1);
    assert.equal(reply.failure?.kind, 'overflow');
    assert.match(reply.failure.detail, /500 ms \(limits\.pendingFor\)/);
    assert.deepEqual(under.gauges, { open: 1, busy: 1, waiting: 0 });
    on.a.connections[0].write(OK);
    await first.ended;
    under.clock.advance(1_000);
  });

  test('whoever gives up makes room in the line', async () => {
    const under = on.makePool({ settings: { connections: 1, pending: 2 } });
    const first = under.attempt(on.a.endpoint, { target: '/1' });
    const second = under.attempt(on.a.endpoint, { target: '/2' });
    const third = under.attempt(on.a.endpoint, { target: '/3' });
    second.attempt.cancel(GONE);
    assert.deepEqual(second.reply.told, ['client-gone']);
    assert.equal(under.counters.pendingWaiting, 1);
    await answer(on.a, 0);
    await first.reply.ended;
    assert.match(await on.a.request(), /^GET \/3 /);
    under.clock.advance(5_000);
    assert.equal(third.reply.isEnded, false);
    assert.deepEqual(second.reply.told, ['client-gone']);
  });

  test('a connection that is lost makes room too', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    const first = under.attempt(on.a.endpoint);
    const second = under.attempt(on.a.endpoint, { target: '/2' });
    await on.a.request(0);
    on.a.connections[0].reset();
    await first.reply.ended;
    assert.equal(first.reply.failure?.kind, 'reset');
    assert.match(await on.a.request(1), /^GET \/2 /);
    assert.equal(second.reply.isEnded, false);
  });

  test('a lower limit closes as many idle connections as it takes to make room', async () => {
    const under = on.makePool({ settings: { connections: 3 } });
    const warm = [0, 1, 2].map(() => under.attempt(on.a.endpoint).reply);
    for (const n of [0, 1, 2]) await answer(on.a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    under.pool.configure({ ...under.pool.settings, connections: 1, pending: 0 });
    const { reply } = under.attempt(on.b.endpoint);
    await answer(on.b, 0);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual(under.gauges, { open: 1, busy: 0, waiting: 0 });
  });

  test('a higher limit serves who waits, at once', async () => {
    const under = on.makePool({ settings: { connections: 1 } });
    for (const target of ['/1', '/2', '/3']) under.attempt(on.a.endpoint, { target });
    under.pool.configure({ ...under.pool.settings, connections: 2 });
    assert.deepEqual([under.counters.connectsStarted, under.counters.pendingWaiting], [2, 1]);
    assert.match(await on.a.request(1), /^GET \/2 /);
  });
});

describe('where the limit of all upstreams together is reached', () => {
  test('an idle connection of another upstream is closed to make room', async () => {
    const total = new ConnectionLimit(1);
    const other = await on.makeWarmPool({ total });
    total.reclaim = () => other.pool.closeOldestIdle();
    const under = on.makePool({ total });
    under.attempt(on.b.endpoint);
    await on.b.request();
    await on.a.connections[0].over();
    assert.deepEqual(other.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('who waits is served when a connection of another upstream is closed', async () => {
    const total = new ConnectionLimit(1);
    const other = on.makePool({ total });
    const first = other.attempt(on.a.endpoint);
    const under = on.makePool({ total });
    const { reply } = under.attempt(on.b.endpoint);
    assert.equal(under.counters.pendingWaiting, 1);
    await answer(on.a, 0, 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
    await first.reply.ended;
    await answer(on.b, 0);
    await reply.ended;
  });

  test('who waits is served when a connection of another upstream has come free', async () => {
    const total = new ConnectionLimit(1);
    const other = on.makePool({ total });
    total.reclaim = () => other.pool.closeOldestIdle();
    const first = other.attempt(on.a.endpoint);
    const under = on.makePool({ total });
    const { reply } = under.attempt(on.b.endpoint);
    await answer(on.a, 0);
    await first.reply.ended;
    await answer(on.b, 0);
    await reply.ended;
    assert.deepEqual(other.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('both limits at once: making room for one closes no more than it has to', async () => {
    const total = new ConnectionLimit(3);
    const under = on.makePool({ total, settings: { connections: 3 } });
    const warm = [0, 1, 2].map(() => under.attempt(on.a.endpoint).reply);
    for (const n of [0, 1, 2]) await answer(on.a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    const { reply } = under.attempt(on.b.endpoint);
    await answer(on.b, 0);
    await reply.ended;
    assert.equal(under.pool.idleCount(on.a.endpoint), 2);
  });

  test('a lower limit closes as many idle connections of others as it takes to make room', async () => {
    const total = new ConnectionLimit(3);
    const other = on.makePool({ total });
    total.reclaim = () => other.pool.closeOldestIdle();
    const warm = [0, 1, 2].map(() => other.attempt(on.a.endpoint).reply);
    for (const n of [0, 1, 2]) await answer(on.a, n);
    await Promise.all(warm.map(({ ended }) => ended));
    total.max = 1;
    const { reply } = on.makePool({ total, settings: { pending: 0 } }).attempt(on.b.endpoint);
    await answer(on.b, 0);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual(other.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('a wait that is in vain names the limit', () => {
    const total = new ConnectionLimit(1);
    on.makePool({ total }).attempt(on.a.endpoint);
    const under = on.makePool({ total, settings: { pendingFor: 100 } });
    const { reply } = under.attempt(on.b.endpoint);
    under.clock.advance(100);
    assert.match(reply.failure?.detail ?? '', /the limit of 1 connections in all is reached \(connections\)/);
  });
});
