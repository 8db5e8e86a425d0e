import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { WatchMessage } from '../../../control-plane/contract/watch-messages.ts';
import { ServiceDirectory } from '../../../sidecar/discovery/service-directory.ts';
import { WatchClient } from '../../../sidecar/discovery/watch-client.ts';
import { RecordedLog } from '../recorded-log.ts';
import { until } from '../until.ts';
import { type ServedStream, WatchServer } from './watch-server.ts';

let server: WatchServer;
let directory: ServiceDirectory;
let client: WatchClient;
let log: RecordedLog;
/** How long the client wants to wait before it tries again, each time; it is not made to wait. */
let delays: number[];
/** What it draws. */
let random: number;
let isHeldBack: boolean;

beforeEach(async () => {
  server = await WatchServer.start();
  directory = new ServiceDirectory(() => () => {});
  log = new RecordedLog();
  delays = [];
  random = 1;
  isHeldBack = false;
  client = new WatchClient({
    target: { url: server.url, token: 'secret', sidecar: 's-1' },
    service: 'orders',
    instance: 'orders-1',
    version: '1.2.3',
    directory,
    schedule(task, delayMs) {
      delays.push(delayMs);
      if (isHeldBack) return () => {};
      const immediate = setImmediate(task);
      return () => clearImmediate(immediate);
    },
    random: () => random,
    log: log.log,
  });
});
afterEach(async () => {
  client.stop();
  await server.stop();
});

/** The stream that the client opens next, with its hello. */
async function nextStream(): Promise<ServedStream> {
  const { length } = server.streams;
  await until(() => server.streams.length > length && server.streams[length]!.heard.length > 0, 'a stream');
  return server.streams[length]!;
}

async function connected(heartbeat = 2000): Promise<ServedStream> {
  const coming = nextStream();
  client.start();
  const stream = await coming;
  stream.tell({ type: 'hello', epoch: 'e1', revision: 4, heartbeat });
  await until(() => client.isConnected, 'the hello');
  return stream;
}

const SYNC: WatchMessage = {
  type: 'sync',
  revision: 4,
  services: [{ name: 'inventory', exists: true, policy: {}, endpoints: [] }],
};

describe('a stream', () => {
  test('begins with who asks and for what', async () => {
    client.watch(['inventory', 'delivery']);
    const stream = await connected();
    const { headers, url } = server.requests[0]!;
    assert.deepEqual(
      [url, headers.authorization, headers['x-outrider-sidecar']],
      ['/v1/watch', 'Bearer secret', 's-1'],
    );
    assert.deepEqual(stream.heard, [
      {
        type: 'hello',
        sidecar: 's-1',
        service: 'orders',
        instance: 'orders-1',
        version: '1.2.3',
        known: null,
        services: ['delivery', 'inventory'],
      },
    ]);
    assert.equal(client.localAddress, '127.0.0.1');
  });

  test('acknowledges what the directory has taken, once for what came together', async () => {
    const stream = await connected();
    client.watch(['inventory']);
    await until(() => stream.ofType('watch').length === 1, 'the names');
    stream.tell(SYNC, {
      type: 'change',
      revision: 6,
      service: 'inventory',
      exists: true,
      policy: null,
      set: [],
      remove: ['x'],
    });
    await until(() => stream.ofType('applied').length > 0, 'applied');
    assert.deepEqual(stream.ofType('applied'), [{ type: 'applied', revision: 6 }]);
    assert.equal(directory.get('inventory')?.exists, true);
  });

  test('acknowledges a revision once what is under way at endpoints that left with it is answered', async () => {
    let looks = 0;
    client.isLeaving = () => ++looks <= 3;
    const stream = await connected();
    client.watch(['inventory']);
    await until(() => stream.ofType('watch').length === 1, 'the names');
    stream.tell(SYNC);
    await until(() => stream.ofType('applied').length > 0, 'applied');
    assert.equal(looks, 4);
    assert.equal(directory.get('inventory')?.exists, true);
  });

  test('waits for that for a while only', async () => {
    let isForgotten = false;
    client.isLeaving = () => !isForgotten;
    client.forgetLeaving = () => {
      isForgotten = true;
    };
    const stream = await connected();
    client.watch(['inventory']);
    await until(() => stream.ofType('watch').length === 1, 'the names');
    const since = performance.now();
    stream.tell(SYNC);
    await until(() => stream.ofType('applied').length > 0, 'applied');
    assert.ok(performance.now() - since >= 500);
    assert.ok(isForgotten, 'no later revision waits for the same');
    assert.deepEqual(stream.ofType('applied'), [{ type: 'applied', revision: 4 }]);
  });

  test('passes on that the registration of the own instance has ended', async () => {
    const stream = await connected();
    const reasons: string[] = [];
    client.onUnregistered = reason => reasons.push(reason);
    stream.tell({ type: 'unregistered', reason: 'Its registration was ended.' });
    await until(() => reasons.length > 0, 'the reason');
    assert.deepEqual(reasons, ['Its registration was ended.']);
  });

  test('says that the sidecar is alive as often as the control plane wants', async () => {
    const stream = await connected(20);
    await until(() => stream.ofType('heartbeat').length >= 2, 'heartbeats');
  });

  test('that is silent for three heartbeats is given up', async () => {
    isHeldBack = true;
    await connected(20);
    await until(() => !client.isConnected, 'the end');
    assert.match(client.problem ?? '', /^was silent for 60 ms/);
    assert.ok(log.lines.at(-1)?.endsWith('what is known of the mesh stays in use'));
  });

  test('that says what is no message is given up, and what came before it counts', async () => {
    isHeldBack = true;
    const stream = await connected();
    stream.socket.write(`${JSON.stringify(SYNC)}\n{"type":"change"}\n`);
    await until(() => !client.isConnected, 'the end');
    assert.match(client.problem ?? '', /no message of the watch: revision is not a whole number/);
    assert.equal(directory.revision, 4);
  });

  test('may say what this version does not know', async () => {
    const stream = await connected();
    stream.socket.write('{"type":"weather","sun":true}\n');
    stream.tell(SYNC);
    await until(() => directory.revision === 4, 'what comes after');
  });
});

describe('a stream that breaks', () => {
  test('is resumed for what is known, and the rest is asked for behind it', async () => {
    client.watch(['inventory']);
    const first = await connected();
    first.tell(SYNC);
    await until(() => directory.revision === 4, 'the first state');
    client.watch(['inventory', 'payments']);
    await until(() => first.ofType('watch').length === 1, 'the names');
    const coming = nextStream();
    first.socket.destroy();
    const second = await coming;
    const hello = second.ofType('hello')[0]!;
    assert.deepEqual([hello.known, hello.services], [{ epoch: 'e1', revision: 4 }, ['inventory']]);
    second.tell({ type: 'hello', epoch: 'e1', revision: 4, heartbeat: 2000 });
    await until(() => second.ofType('watch').length === 1, 'the rest');
    assert.deepEqual(second.ofType('watch')[0]!.services, ['inventory', 'payments']);
    assert.equal(client.lost, 1);
  });

  test('is not resumed before another history was told whole', async () => {
    client.watch(['inventory']);
    const first = await connected();
    first.tell(SYNC, { type: 'hello', epoch: 'e2', revision: 1, heartbeat: 2000 });
    await until(() => directory.epoch === 'e2', 'the other epoch');
    const coming = nextStream();
    first.socket.destroy();
    const hello = (await coming).ofType('hello')[0]!;
    assert.deepEqual([hello.known, hello.services], [null, ['inventory']]);
  });

  test('with a goodbye says why', async () => {
    isHeldBack = true;
    const stream = await connected();
    stream.tell({ type: 'goodbye', reason: 'the control plane stops' });
    await until(() => !client.isConnected, 'the end');
    assert.match(client.problem ?? '', /^said goodbye: the control plane stops/);
  });

  test('is tried again after a random part of a bound that doubles, up to 4 s', async () => {
    const body = '{"detail":"Who are you."}';
    server.refusal = `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    client.start();
    await until(() => delays.length >= 7, 'seven tries');
    assert.deepEqual(delays.slice(0, 7), [200, 400, 800, 1600, 3200, 4000, 4000]);
    assert.equal(client.problem, 'answered 401: Who are you; look at controlPlane.token');
    const complaints = log.lines.filter(line => line.includes('401'));
    assert.equal(complaints.length, 1, 'is logged once, not for each try');
    random = 0.25;
    const { length } = delays;
    await until(() => delays.length > length + 1, 'another');
    assert.equal(delays.at(-1), 1000);
  });

  test('is not opened again after the end', async () => {
    await connected();
    client.stop();
    client.stop();
    await until(() => server.streams[0]!.isClosed, 'the end');
    assert.deepEqual(delays, []);
  });
});
