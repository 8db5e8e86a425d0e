import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { readSlowly, sendBulk } from './harness/bulk.ts';
import type { Message } from './harness/message.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

const MiB = 1024 * 1024;

let sidecar: SidecarProcess;
/** An endpoint that switches protocols when asked to. */
let upstream: RawUpstream;
/** A TCP server that is no HTTP server: what a CONNECT leads to. It sends back what it gets. */
let echo: Server;
let client: RawClient;

const portOf = (server: Server) => (server.address() as AddressInfo).port;

before(async () => {
  upstream = await RawUpstream.start();
  echo = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>(resolve => echo.listen(0, '127.0.0.1', resolve));
  sidecar = await SidecarProcess.start({
    file: {
      egress: { connect: [portOf(echo)] },
      upstreams: {
        svc: { endpoints: [upstream.address], policy: { timeouts: { total: '500ms', idle: '500ms' } } },
        raw: { endpoints: [`127.0.0.1:${portOf(echo)}`] },
      },
    },
  });
});

afterEach(() => {
  client.close();
  for (const connection of upstream.connections) connection.close();
  upstream.forget();
});

after(async () => {
  await sidecar?.kill();
  await upstream?.stop();
  await new Promise(resolve => echo.close(resolve));
});

const UPGRADE =
  'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Accepts an upgrade; what follows is for the test. */
function switchProtocols(_: Message, connection: RawUpstreamConnection): void {
  connection.isRaw = true;
  connection.send(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX-Accept: ok\r\n\r\n',
  );
}

async function openWebSocket(): Promise<RawUpstreamConnection> {
  upstream.options = { onRequest: switchProtocols };
  client = await RawClient.connect(sidecar.port);
  const answer = await client.ask(get('/chat', 'svc', UPGRADE));
  assert.equal(answer.status, 101);
  assert.equal(answer.field('upgrade'), 'websocket');
  assert.equal(answer.field('connection'), 'upgrade');
  assert.equal(answer.field('x-accept'), 'ok');
  return upstream.connections.at(-1)!;
}

describe('a WebSocket', () => {
  it('is asked for with its fields, and carries bytes both ways at once', async () => {
    const server = await openWebSocket();
    const [request] = upstream.requests;
    assert.equal(request!.field('upgrade'), 'websocket');
    assert.equal(request!.field('connection'), 'upgrade');
    assert.equal(request!.field('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==');
    for (let i = 0; i < 20; i++) {
      server.send(`from the server ${i}.`);
      client.send(`from the client ${i}.`);
      assert.equal(String(await client.bytes(`from the server ${i}.`.length)), `from the server ${i}.`);
      assert.equal(String(await server.bytes(`from the client ${i}.`.length)), `from the client ${i}.`);
    }
  });

  it('also carries what the application sends before it is accepted', async () => {
    upstream.options = {
      onRequest: (request, connection) => void setTimeout(switchProtocols, 50, request, connection),
    };
    client = await RawClient.connect(sidecar.port);
    client.send(get('/eager', 'svc', UPGRADE)).send('too early');
    assert.equal((await client.answer()).status, 101);
    assert.equal(String(await upstream.connections.at(-1)!.bytes(9)), 'too early');
  });

  it('outlives the timeouts of requests', async () => {
    const server = await openWebSocket();
    await new Promise(resolve => setTimeout(resolve, 1_200));
    server.send('still here');
    assert.equal(String(await client.bytes(10)), 'still here');
    assert.equal((await sidecar.metrics()).value('outrider_downstream_tunnels'), 1);
  });

  it('may be refused: then the connection goes on', async () => {
    upstream.options = { onRequest: (_, connection) => connection.answer(403, 'no') };
    client = await RawClient.connect(sidecar.port);
    assert.equal((await client.ask(get('/chat', 'svc', UPGRADE))).text, 'no');
    assert.equal((await client.ask(get('/'))).text, 'no');
  });

  it('can be closed on one side while the other goes on: the application first', async () => {
    const server = await openWebSocket();
    client.send('last words').end();
    assert.equal(String(await server.bytes(10)), 'last words');
    assert.equal(await server.ended(), 'fin');
    await sendBulk(server.socket, 4 * MiB);
    server.end();
    const bulk = client.receiveBulk();
    await client.ended();
    assert.equal(bulk.received, 4 * MiB);
    assert.equal(client.ending, 'fin');
  });

  it('can be closed on one side while the other goes on: the upstream first', async () => {
    const server = await openWebSocket();
    server.send('last words').end();
    assert.equal(String(await client.bytes(10)), 'last words');
    assert.equal(await client.ended(), 'fin');
    client.send('but');
    assert.equal(String(await server.bytes(3)), 'but');
    client.end();
    assert.equal(await server.ended(), 'fin');
  });

  it('carries the last byte to an upstream that has ended its side and is slow to read', async () => {
    const server = await openWebSocket();
    server.end();
    assert.equal(await client.ended(), 'fin');
    const bulk = server.receiveBulk();
    readSlowly(server.socket);
    await sendBulk(client.socket, 8 * MiB);
    client.end();
    assert.equal(await server.ended(), 'fin');
    assert.equal(bulk.received, 8 * MiB);
  });

  const resets: Record<string, (server: RawUpstreamConnection) => Promise<unknown>> = {
    application: server => {
      client.reset();
      return server.ended();
    },
    upstream: server => {
      server.reset();
      return client.ended();
    },
  };
  for (const [who, reset] of Object.entries(resets)) {
    it(`ends on both sides when the ${who} drops it`, async () => {
      const server = await openWebSocket();
      await reset(server);
      await until(
        async () => (await sidecar.metrics()).value('outrider_downstream_tunnels') === 0,
        'no tunnel',
      );
    });
  }
});

describe('CONNECT', () => {
  async function connect(target: string): Promise<Message> {
    client = await RawClient.connect(sidecar.port);
    return await client.ask(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  }

  for (const target of ['a port that is permitted', 'an upstream by its name']) {
    it(`makes a tunnel to ${target}`, async () => {
      const answer = await connect(target.startsWith('a port') ? `127.0.0.1:${portOf(echo)}` : 'raw:443');
      assert.equal(answer.status, 200);
      assert.equal(answer.field('content-length'), null);
      assert.equal(answer.field('transfer-encoding'), null);
      const bulk = client.receiveBulk();
      await sendBulk(client.socket, 32 * MiB);
      client.end();
      assert.equal(await client.ended(), 'fin');
      assert.equal(bulk.received, 32 * MiB);
    });
  }

  it('to any other port is refused', async () => {
    const answer = await connect(upstream.address);
    assert.equal(answer.status, 404);
    assert.equal(answer.field('x-outrider-error'), 'no-route');
    assert.match(answer.text, /egress\.connect/);
    assert.equal(upstream.connections.length, 0);
  });

  it('to the sidecar itself is refused', async () => {
    const answer = await connect(`127.0.0.1:${sidecar.port}`);
    assert.equal(answer.status, 404);
  });

  it('tells where nobody listens', async () => {
    const silent = createServer();
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
    const port = portOf(silent);
    await sidecar.reconfigure({
      egress: { connect: 'any' },
      upstreams: { svc: { endpoints: [upstream.address] } },
    });
    await new Promise(resolve => silent.close(resolve));
    const answer = await connect(`127.0.0.1:${port}`);
    assert.equal(answer.status, 503);
    assert.equal(answer.field('x-outrider-error'), 'connect-failure');
  });

  it('never uses a connection that carried something else', async () => {
    const sockets = new Set<Socket>();
    const plain = await RawUpstream.start((_, connection) => {
      sockets.add(connection.socket);
      connection.answer(200, 'plain');
    });
    await sidecar.reconfigure({ upstreams: { svc: { endpoints: [plain.address] } } });
    client = await RawClient.connect(sidecar.port);
    await client.ask(get('/'));
    client.close();
    assert.equal((await connect('svc:80')).status, 200);
    await until(() => plain.connections.length === 2, 'a connection of its own');
    assert.ok(!sockets.has(plain.connections[1]!.socket));
    await plain.stop();
  });

  it('leaves nothing behind', async () => {
    client.close();
    await sidecar.quiet(['svc', 'raw', '(pass)']);
  });
});
