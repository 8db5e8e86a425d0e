import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ByteSocket } from '../../../sidecar/io/byte-socket.ts';
import { type ConnectListener, connect } from '../../../sidecar/io/connect.ts';
import { HostLookup } from '../../../sidecar/io/host-lookup.ts';
import { SystemResolver } from '../../../sidecar/io/name-resolver.ts';
import { FullBacklog } from '../../e2e/harness/full-backlog.ts';
import { until } from '../until.ts';
import { DnsServer } from './dns-server.ts';
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

  /** Knows every name to have these addresses. */
  const hostsWith = (...addresses: string[]) =>
    new HostLookup({
      inHostsFile: () => addresses,
      resolve4: () => Promise.reject(new Error('not asked')),
      resolve6: () => Promise.reject(new Error('not asked')),
      resolveSrv: () => Promise.reject(new Error('not asked')),
      lookup: () => Promise.reject(new Error('not asked')),
    });

  test('to a name tries its other addresses beside one that is silent', {
    skip: process.platform === 'linux' ? false : 'only Linux has 127.0.0.2 without asking',
  }, async t => {
    const silent = await FullBacklog.start('127.0.0.2');
    t.after(() => silent.stop());
    const other = createServer(socket => socket.destroy()).listen(silent.port, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const listener = new RecordedListener();
    connect('x.test', silent.port, listener, hostsWith('127.0.0.2', '127.0.0.1'));
    await until(() => listener.isOver, 'a connection');
    assert.equal(listener.socket?.ends().remoteAddress, '127.0.0.1');
    listener.socket.destroy();
  });

  test('to a name fails when all of its addresses have failed', async () => {
    const listener = new RecordedListener();
    connect('x.test', 1, listener, hostsWith('127.0.0.2', '127.0.0.1'));
    await until(() => listener.isOver, 'the end');
    assert.equal(listener.failed, 'ECONNREFUSED');
  });

  test('to nothing fails', async () => {
    const listener = new RecordedListener();
    connect('', port, listener);
    await until(() => listener.isOver, 'the end');
    assert.match(listener.failed ?? '', /ENOTFOUND/);
  });

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

  describe('to a name that only a DNS server knows', () => {
    let dns: DnsServer;
    let hosts: HostLookup;
    before(async () => {
      dns = await DnsServer.start();
      hosts = new HostLookup(new SystemResolver([dns.address]), () => ({ domains: [], ndots: 1 }));
    });
    after(() => dns.stop());

    test('tries each of its addresses', async () => {
      dns.zone.set('two.test', [
        { type: 'A', ttl: 5, address: '255.255.255.255' },
        { type: 'A', ttl: 5, address: '127.0.0.1' },
      ]);
      const listener = new RecordedListener();
      connect('two.test', port, listener, hosts);
      await until(() => listener.isOver, 'a connection');
      assert.equal(listener.socket?.ends().remoteAddress, '127.0.0.1', listener.failed ?? '');
      listener.socket.destroy();
    });

    test('fails for the reason that DNS gives', async () => {
      const listener = new RecordedListener();
      connect('nowhere.test', port, listener, hosts);
      await until(() => listener.isOver, 'a failure');
      assert.equal(listener.failed, 'there is no such host (ENOTFOUND)');
      dns.failure = 2;
      const next = new RecordedListener();
      connect('nowhere.test', port, next, hosts);
      await until(() => next.isOver, 'a failure');
      assert.equal(next.failed, 'DNS gave no answer (ESERVFAIL)');
      dns.failure = 0;
    });

    test('knows what it waits for, and others do not wait with it', async () => {
      dns.isSilent = true;
      // The runtime has four threads.
      const waiting = Array.from({ length: 8 }, (_, i) =>
        connect(`silent-${i}.test`, port, new RecordedListener(), hosts),
      );
      await until(() => dns.questions >= 8, 'questions');
      const listener = new RecordedListener();
      const other = connect('localhost', port, listener, hosts);
      assert.ok(await readFile(fileURLToPath(import.meta.url)));
      await until(() => listener.isOver, 'a connection');
      assert.deepEqual(
        waiting.map(({ isLookingUp }) => isLookingUp),
        Array(8).fill(true),
      );
      assert.equal(other.isLookingUp, false);
      assert.ok(listener.socket, listener.failed ?? '');
      listener.socket.destroy();
      for (const connecting of waiting) connecting.abort();
      dns.isSilent = false;
    });
  });

  test('that was given up tells nothing', async () => {
    const heard: RecordedListener[] = [];
    for (const host of ['127.0.0.1', 'localhost']) {
      const listener = new RecordedListener();
      const connecting = connect(host, port, listener);
      connecting.abort();
      connecting.abort();
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
