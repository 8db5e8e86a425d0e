import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { sendBulk } from './harness/bulk.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

const MiB = 1024 * 1024;

let sidecar: SidecarProcess;
let upstream: RawUpstream;
let client: RawClient;

before(async () => {
  upstream = await RawUpstream.start();
  sidecar = await SidecarProcess.start({
    file: {
      downstream: { halfClose: '1s' },
      upstreams: {
        svc: { endpoints: [upstream.address], policy: { timeouts: { idle: '300ms' } } },
      },
    },
  });
});

afterEach(() => {
  client.close();
  for (const connection of upstream.connections) connection.close();
});

after(async () => {
  await sidecar?.kill();
  await upstream?.stop();
});

type End = (connection: RawUpstreamConnection) => void;

describe('an answer that breaks off is seen to be incomplete', () => {
  const WITH_LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
  const IN_A_CHUNK = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf';
  const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\n\r\nhalf';
  const closes: End = connection => connection.end();
  const resets: End = connection => connection.reset();
  const garbles: End = connection => connection.send('no chunk\r\n');
  const stops: End = () => {};

  const CASES: readonly (readonly [what: string, answer: string, how: string, end: End])[] = [
    ['a body with its length', WITH_LENGTH, 'closes', closes],
    ['a body with its length', WITH_LENGTH, 'resets', resets],
    ['a body with its length', WITH_LENGTH, 'goes silent', stops],
    ['a chunked body', CHUNKED, 'closes', closes],
    ['a chunked body', CHUNKED, 'resets', resets],
    ['a chunked body', CHUNKED, 'sends something else', garbles],
    ['a chunked body', IN_A_CHUNK, 'closes', closes],
    ['a body that ends with the connection', UNTIL_CLOSE, 'resets', resets],
    ['a body that ends with the connection', UNTIL_CLOSE, 'goes silent', stops],
  ];

  for (const version of ['1.1', '1.0']) {
    for (const [index, [what, answer, how, end]] of CASES.entries()) {
      it(`${what} whose upstream ${how} (${index}, HTTP/${version})`, async () => {
        let arrived: (() => void) | undefined;
        upstream.options = {
          onRequest(_, connection) {
            connection.send(answer);
            arrived = () => end(connection);
          },
        };
        client = await RawClient.connect(sidecar.port);
        const path = `/broken-${index}-${version}`;
        client.send(get(path).replace('HTTP/1.1', `HTTP/${version}`));
        await client.head();
        arrived!();
        const received = await client.answer();
        assert.equal(received.status, 200);
        assert.equal(received.text, 'half');
        assert.equal(received.isComplete, false);
        assert.equal(received.field('x-outrider-error'), null);
        const line = await sidecar.logged(path);
        assert.equal(line.status, 200);
        assert.ok(['reset', 'bad-response'].includes(line.error!), JSON.stringify(line));
      });
    }
  }
});

describe('an application that hangs up aborts its request', () => {
  const hangUps = {
    closes: () => client.close(),
    resets: () => client.reset(),
  };

  for (const [how, hangUp] of Object.entries(hangUps)) {
    it(`while it downloads (${how})`, async () => {
      upstream.options = {
        onRequest(_, connection) {
          connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${512 * MiB}\r\n\r\n`);
          void sendBulk(connection.socket, 512 * MiB);
        },
      };
      client = await RawClient.connect(sidecar.port);
      client.send(get(`/download-${how}`));
      await client.head();
      hangUp();
      await upstream.connections.at(-1)!.ended();
      const line = await sidecar.logged(`/download-${how}`);
      assert.deepEqual([line.flag, line.status], ['DC', 200]);
    });

    it(`while it uploads (${how})`, async () => {
      upstream.options = { onHead: (_, connection) => void connection.receiveBulk() };
      client = await RawClient.connect(sidecar.port);
      client.send(`POST /upload-${how} HTTP/1.1\r\nHost: svc\r\nContent-Length: ${512 * MiB}\r\n\r\n`);
      await sendBulk(client.socket, MiB);
      hangUp();
      await until(() => upstream.connections.at(-1)?.ending, 'the end of the connection to the upstream');
      const line = await sidecar.logged(`/upload-${how}`);
      assert.deepEqual([line.flag, line.status], ['DC', 0]);
    });
  }

  it('also while nobody takes its upload, and nothing is read from it', async () => {
    upstream.options = { onConnection: connection => void connection.socket.pause() };
    client = await RawClient.connect(sidecar.port);
    // Through the proxy to a host that nobody configured: no timeout ends it before this test does.
    const host = upstream.address;
    client.send(
      `POST http://${host}/stalled HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${512 * MiB}\r\n\r\n`,
    );
    void sendBulk(client.socket, 512 * MiB).catch(() => {});
    let written = -1;
    await until(() => {
      const before = written;
      written = client.socket.bytesWritten;
      return written === before && written > MiB;
    }, 'the upload to stand still');
    client.reset();
    const line = await sidecar.logged('/stalled');
    assert.deepEqual([line.flag, line.status], ['DC', 0]);
    upstream.options = {};
  });

  it('but one that only sends no more still gets its answer', async () => {
    upstream.options = { onRequest: (request, connection) => connection.answer(200, request.target) };
    client = await RawClient.connect(sidecar.port);
    client.send(get('/half-closed')).end();
    const answer = await client.answer();
    assert.equal(answer.text, '/half-closed');
    assert.equal(await client.ended(), 'fin');
  });

  it('and all of the answers to what it had asked for before', async () => {
    upstream.options = {
      async onRequest(request, connection) {
        const pieces = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
        connection.send(
          `HTTP/1.1 200 OK\r\nContent-Length: ${pieces.length}\r\nX-For: ${request.target}\r\n\r\n`,
        );
        for (const piece of pieces) {
          await new Promise(resolve => setTimeout(resolve, 15));
          connection.send(piece);
        }
      },
    };
    client = await RawClient.connect(sidecar.port);
    client.send(get('/1') + get('/2') + get('/3')).end();
    for (const path of ['/1', '/2', '/3']) {
      const answer = await client.answer();
      assert.deepEqual([answer.field('x-for'), answer.text, answer.isComplete], [path, 'abcdefgh', true]);
    }
    assert.equal(await client.ended(), 'fin');
  });

  it('leaves nothing behind', async () => {
    client.close();
    await sidecar.quiet();
  });
});
