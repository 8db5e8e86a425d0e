import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { EgressConfig } from '../../../sidecar/config/sidecar-config.ts';
import { EgressListeners } from '../../../sidecar/downstream/egress-listeners.ts';
import { TimerWheel } from '../../../sidecar/io/timer-wheel.ts';
import { until } from '../until.ts';
import { DownstreamUnderTest } from './downstreams.ts';

const HOST = '127.0.0.1';
const SHARED = { host: HOST, port: 0 };

function egress(values: Partial<EgressConfig> = {}): EgressConfig {
  return {
    listen: SHARED,
    ports: new Map(),
    unknownHosts: 'pass',
    connect: { ports: [443] },
    via: true,
    ...values,
  };
}

let under: DownstreamUnderTest;
let listeners: EgressListeners;
let clients: Socket[];
beforeEach(() => {
  under = new DownstreamUnderTest();
  listeners = new EgressListeners(under.context);
  under.context.onClosed = connection => listeners.forget(connection);
  clients = [];
});
afterEach(() => {
  for (const client of clients) client.destroy();
  listeners.close();
});

async function apply(config: EgressConfig): Promise<void> {
  const switchOver = await listeners.prepare(config);
  switchOver();
}

/** Connects to the port, and waits until that is taken or refused. */
async function call(port: number, text = ''): Promise<{ client: Socket; isOver: () => boolean }> {
  const client = connect({ host: HOST, port });
  let isOver = false;
  client.on('error', () => {});
  client.on('close', () => {
    isOver = true;
  });
  client.resume();
  clients.push(client);
  await new Promise(resolve => client.once('connect', resolve).once('close', resolve));
  if (text !== '') client.write(text);
  return { client, isOver: () => isOver };
}

/** A port that was free a moment ago, below those that the system gives out by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise(resolve => {
      server.once('error', () => resolve(false)).listen(port, HOST, () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: inventory\r\n\r\n';

describe('listening', () => {
  test('begins when the configuration is in force, on the shared port and on those of upstreams', async () => {
    const own = await freePort();
    await apply(egress({ ports: new Map([[own, 'inventory']]) }));
    const shared = listeners.shared?.port ?? 0;
    assert.ok(shared > 0);
    assert.deepEqual(listeners.addresses, [`${HOST}:${shared}`, `${HOST}:${own}`]);
    assert.deepEqual([...listeners.upstreamByPort], [[own, 'inventory']]);
    assert.deepEqual([listeners.has(own), listeners.has(shared), listeners.has(1)], [true, true, false]);
    await call(own, GET);
    await call(shared, GET);
    await until(() => under.routed.length === 2, 'both requests');
    assert.deepEqual(new Set(under.routed.map(({ port }) => port)), new Set([own, shared]));
  });

  test('is also possible without a shared port', async () => {
    const own = await freePort();
    await apply(egress({ listen: null, ports: new Map([[own, 'inventory']]) }));
    assert.equal(listeners.shared, null);
    assert.deepEqual(listeners.addresses, [`${HOST}:${own}`]);
  });

  test('on IPv6 is written with brackets', async t => {
    try {
      await apply(egress({ listen: { host: '::1', port: 0 } }));
    } catch (error) {
      return t.skip(`no IPv6 here: ${error}`);
    }
    assert.match(listeners.addresses[0], /^\[::1\]:\d+$/);
  });

  test('that is asked for again goes on, with its connections', async () => {
    await apply(egress());
    const before = listeners.shared;
    const { isOver } = await call(before?.port ?? 0, GET);
    await until(() => listeners.size === 1, 'the connection');
    await apply(egress({ unknownHosts: 'refuse' }));
    assert.equal(listeners.shared, before);
    assert.equal(isOver(), false);
  });

  test('ends on ports that are asked for no more; what came in on them stays', async () => {
    const own = await freePort();
    await apply(egress({ ports: new Map([[own, 'inventory']]) }));
    const { client, isOver } = await call(own);
    await until(() => listeners.size === 1, 'the connection');
    await apply(egress());
    const refused = await call(own);
    await until(refused.isOver, 'the refusal');
    client.write(GET);
    await until(() => under.routed.length === 1, 'the request');
    assert.equal(isOver(), false);
  });

  test('that fails changes nothing', async () => {
    await apply(egress());
    const taken = createServer().listen(0, HOST);
    await once(taken, 'listening');
    const { port: takenPort } = taken.address() as { port: number };
    const free = await freePort();
    const before = listeners.addresses;
    const ports = new Map([
      [free, 'inventory'],
      [takenPort, 'delivery'],
    ]);
    await assert.rejects(listeners.prepare(egress({ ports })), { code: 'EADDRINUSE' });
    assert.deepEqual(listeners.addresses, before);
    const refused = await call(free);
    await until(refused.isOver, 'the refusal');
    taken.close();
  });

  test('that is only prepared is not in force', async () => {
    const own = await freePort();
    await apply(egress());
    const switchOver = await listeners.prepare(egress({ ports: new Map([[own, 'inventory']]) }));
    assert.equal(listeners.has(own), false);
    switchOver();
    assert.equal(listeners.has(own), true);
  });
});

describe('connections', () => {
  test('are forgotten when they are closed', async () => {
    await apply(egress());
    const { client } = await call(listeners.shared?.port ?? 0);
    await until(() => listeners.size === 1, 'the connection');
    client.destroy();
    await until(() => listeners.size === 0, 'its end');
    assert.equal(under.counters.connectionsOpen, 1); // the one of the fixture
  });

  test('beyond the limit are closed at once', async () => {
    under.context.limits = { ...under.context.limits, connections: 1 };
    await apply(egress());
    const port = listeners.shared?.port ?? 0;
    const first = await call(port);
    await until(() => listeners.size === 1, 'the connection');
    const second = await call(port);
    await until(second.isOver, 'the refusal');
    assert.equal(first.isOver(), false);
    assert.equal(under.counters.connectionsRefused, 1);
    assert.equal(listeners.size, 1);
  });

  test('are all closed in the end, and what they carry is aborted', async () => {
    await apply(egress());
    const { isOver } = await call(listeners.shared?.port ?? 0, GET);
    await until(() => under.service.calls.length === 1, 'the call');
    listeners.close();
    assert.equal(under.call.cancelled?.kind, 'client-gone');
    await until(isOver, 'the end');
    assert.equal(listeners.size, 0);
  });
});

describe('a stop', () => {
  // Its own clock: it waits for real, for a few milliseconds.
  const makeStopping = async () => {
    const wheel = new TimerWheel(() => performance.now());
    const stopping = new EgressListeners({ ...under.context, wheel });
    (await stopping.prepare(egress()))();
    return { stopping, port: stopping.shared?.port ?? 0 };
  };

  test('is quiet when nothing is open', async () => {
    const { stopping } = await makeStopping();
    assert.equal(await stopping.untilQuiet(1, 5_000), true);
    stopping.close();
  });

  test('waits no longer than it may for what is open', async () => {
    const { stopping, port } = await makeStopping();
    await call(port);
    await until(() => stopping.size === 1, 'the connection');
    assert.equal(await stopping.untilQuiet(1, 60), false);
    stopping.close();
  });
});
