import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSocket } from '../../../sidecar/io/byte-socket.ts';
import { type ConnectListener, connect } from '../../../sidecar/io/connect.ts';
import { until } from '../until.ts';
import { RecordedOwner } from './sockets.ts';

class RecordedListener implements ConnectListener {
  socket: ByteSocket | null = null;
  failed: string | null = null;

  onSocket(socket: ByteSocket): void {
    assert.ok(!this.isOver);
    this.socket = socket;
  }

  onFailed(reason: string): void {
    assert.ok(!this.isOver);
    this.failed = reason;
  }

  get isOver(): boolean {
    return this.socket !== null || this.failed !== null;
  }
}

describe('connecting', () => {
  let server: Server;
  let port: number;
  before(async () => {
    server = createServer(socket => {
      socket.on('error', () => {});
      socket.end('hello');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  for (const host of ['127.0.0.1', 'localhost']) {
    test(`to ${host} gives a socket, in a later turn`, async () => {
      const listener = new RecordedListener();
      connect(host, port, listener);
      assert.equal(listener.isOver, false);
      await until(() => listener.isOver, 'a connection');
      assert.ok(listener.socket, listener.failed ?? '');
      const owner = new RecordedOwner();
      listener.socket.open(owner);
      await until(() => owner.told.length > 0, 'the end');
      assert.equal(owner.received, 'hello');
      assert.equal(listener.socket.ends().remotePort, port);
      listener.socket.destroy();
    });
  }

  test('where nobody listens fails, in a later turn', async () => {
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port: closed } = unused.address() as AddressInfo;
    unused.close();
    await once(unused, 'close');
    for (const host of ['127.0.0.1', 'localhost']) {
      const listener = new RecordedListener();
      connect(host, closed, listener);
      assert.equal(listener.isOver, false);
      await until(() => listener.isOver, 'a failure');
      assert.equal(listener.failed, 'ECONNREFUSED');
    }
  });

  test('to an address that nobody can have fails', async () => {
    const listener = new RecordedListener();
    connect('255.255.255.255', port, listener);
    await until(() => listener.isOver, 'a failure');
    assert.match(listener.failed ?? '', /^(ENETUNREACH|EACCES|ENETDOWN)$/);
  });

  test('that was given up tells nothing', async () => {
    const heard: RecordedListener[] = [];
    for (const host of ['127.0.0.1', 'localhost']) {
      const listener = new RecordedListener();
      const abort = connect(host, port, listener);
      abort();
      abort();
      heard.push(listener);
    }
    const last = new RecordedListener();
    connect('localhost', port, last);
    await until(() => last.isOver, 'a connection');
    for (let i = 0; i < 5; i++) await nextTurn();
    assert.deepEqual(
      heard.map(({ isOver }) => isOver),
      [false, false],
    );
    last.socket?.destroy();
  });
});
