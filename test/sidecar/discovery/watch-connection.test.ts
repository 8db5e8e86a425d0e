import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { WatchMessage } from '../../../control-plane/contract/watch-messages.ts';
import { WatchConnection } from '../../../sidecar/discovery/watch-connection.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { until } from '../until.ts';
import { type ServedStream, WatchServer } from './watch-server.ts';

let server: WatchServer;
/** What its owner was told, in order. */
let told: (string | WatchMessage)[];
let connection: WatchConnection;

beforeEach(async () => {
  server = await WatchServer.start();
  told = [];
});
afterEach(async () => {
  connection.close('the test is over');
  await server.stop();
});

function connect(url = server.url): void {
  connection = new WatchConnection(
    { url, token: '', sidecar: 's-1' },
    {
      onOpen: () => told.push('open'),
      onMessages: messages => told.push(...messages),
      onClosed: reason => told.push(`closed: ${reason}`),
    },
  );
}

async function open(): Promise<ServedStream> {
  connect();
  await until(() => told.length > 0, 'the stream');
  assert.deepEqual(told.splice(0), ['open']);
  return server.streams[0]!;
}

const HEARTBEAT: WatchMessage = { type: 'heartbeat', revision: 3 };

/** An answer in full. */
function answer(status: string, body: string, fields = ''): string {
  return `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n${fields}\r\n${body}`;
}

describe('a stream', () => {
  test('brings messages, those before a line that is none included', async () => {
    const stream = await open();
    stream.socket.write(
      `${JSON.stringify(HEARTBEAT)}\n{"type":"weather"}\n[]\n${JSON.stringify(HEARTBEAT)}\n`,
    );
    await until(() => told.length === 2, 'the end');
    assert.deepEqual(told, [
      HEARTBEAT,
      'closed: sent what is no message of the watch: a line is not an object',
    ]);
  });

  test('may bring a message in pieces', async () => {
    const stream = await open();
    const line = `${JSON.stringify(HEARTBEAT)}\n`;
    stream.socket.write(line.slice(0, 7));
    await new Promise(resolve => setImmediate(resolve));
    stream.socket.write(line.slice(7));
    await until(() => told.length === 1, 'the message');
    assert.deepEqual(told, [HEARTBEAT]);
  });

  test('that ends is told of once', async () => {
    const stream = await open();
    stream.socket.end();
    await until(() => told.length > 0, 'the end');
    connection.close('again');
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(told, ['closed: closed the connection']);
  });

  test('takes what is said until it ends', async () => {
    const stream = await open();
    connection.send({ type: 'applied', revision: 4 });
    await until(() => stream.heard.length === 1, 'the message');
    connection.close('is left');
    connection.send({ type: 'applied', revision: 5 });
    await until(() => stream.isClosed, 'the end');
    assert.deepEqual([stream.heard, told], [[{ type: 'applied', revision: 4 }], ['closed: is left']]);
  });

  test('whose other side does not read is given up', async () => {
    const stream = await open();
    stream.socket.pause();
    const reason = 'x'.repeat(100_000);
    for (let i = 0; i < 1000 && told.length === 0; i++) {
      connection.send({ type: 'refused', revision: 1, service: 'inventory', reason });
      await new Promise(resolve => setImmediate(resolve));
    }
    assert.deepEqual(told, ['closed: does not read what it is told']);
  });

  test('with a line without end is given up', async () => {
    const stream = await open();
    stream.socket.write(Buffer.alloc(17 * 1024 * 1024, 'x'));
    await until(() => told.length > 0, 'the end');
    assert.deepEqual(told, ['closed: sent a line of more than 16777216 bytes']);
  });
});

describe('a control plane', () => {
  for (const [refusal, reason] of [
    [answer('503 x', '{"detail":"The control plane stops."}'), 'answered 503: The control plane stops'],
    [answer('403 x', ''), 'answered 403; look at controlPlane.token'],
    [answer('200 x', '<html>'), 'answered 200'],
    [
      'HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'switched to websocket instead of outrider-watch',
    ],
  ] as const) {
    test(`that does not switch: ${reason}`, async () => {
      server.refusal = refusal;
      connect();
      await until(() => told.length > 0, 'the end');
      assert.deepEqual(told, [`closed: ${reason}`]);
    });
  }

  test('that is not there', async () => {
    connect(`http://127.0.0.1:${await closedPort()}`);
    await until(() => told.length > 0, 'the end');
    assert.deepEqual(told, ['closed: refuses connections: nothing listens there (ECONNREFUSED)']);
  });

  test('that speaks no TLS where https is asked for is told of so', async () => {
    const plain = createServer().listen(0, '127.0.0.1');
    await once(plain, 'listening');
    connect(`https://127.0.0.1:${(plain.address() as AddressInfo).port}`);
    await until(() => told.length > 0, 'the end');
    plain.close();
    assert.deepEqual(told, ['closed: does not speak TLS: controlPlane.url has to begin with http://']);
  });

  test('that is left before it has answered', async () => {
    connect();
    connection.close('is left: the sidecar stops');
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(told, ['closed: is left: the sidecar stops']);
  });
});
