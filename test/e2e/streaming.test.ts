import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendBulk } from './harness/bulk.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

const MiB = 1024 * 1024;

describe('what arrives is passed on at once', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let client: RawClient;

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({ file: { upstreams: { svc: { endpoints: [upstream.address] } } } });
  });

  afterEach(() => {
    client.close();
    for (const connection of upstream.connections) connection.close();
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  it('each event of an event stream', async () => {
    upstream.options = {
      onRequest(_, connection) {
        connection.send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
      },
    };
    client = await RawClient.connect(sidecar.port);
    client.send(get('/events'));
    const head = await client.head();
    assert.equal(head.field('content-type'), 'text/event-stream');
    for (let i = 0; i < 20; i++) {
      const event = `data: event ${i}\n\n`;
      upstream.connections.at(-1)!.send(event);
      await client.until(() => {
        client.reader.take('GET');
        return client.reader.current!.text.endsWith(event);
      }, event);
    }
  });

  it('both ways at the same time', async () => {
    upstream.options = {
      onHead(_, connection) {
        connection.isRaw = true;
        connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        // Bytes of a chunked request are those of a chunked answer.
        connection.socket.on('data', bytes => connection.send(bytes));
        connection.send(connection.reader.takeRest());
      },
    };
    client = await RawClient.connect(sidecar.port);
    client.send('POST /echo HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n');
    await client.head('POST');
    for (let i = 0; i < 20; i++) {
      const piece = `piece ${i}.`;
      client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
      await client.until(() => {
        client.reader.take('POST');
        return client.reader.current!.text.endsWith(piece);
      }, piece);
    }
    client.send('0\r\n\r\n');
    const answer = await client.answer('POST');
    assert.ok(answer.isComplete);
    assert.equal(answer.text, Array.from({ length: 20 }, (_, i) => `piece ${i}.`).join(''));
  });

  it('an answer while the upload still runs', async () => {
    upstream.options = {
      onHead(_, connection) {
        connection.isRaw = true;
        connection.answer(403, 'no need to go on');
      },
    };
    client = await RawClient.connect(sidecar.port);
    client.send('POST /early HTTP/1.1\r\nHost: svc\r\nContent-Length: 1000000\r\n\r\nthe beginning');
    const answer = await client.answer('POST');
    assert.equal(answer.status, 403);
    assert.equal(answer.text, 'no need to go on');
    // Where the next request would begin is anyone's guess.
    assert.equal(answer.field('connection'), 'close');
    assert.equal(await client.ended(), 'fin');
  });

  it('an answer of an upstream that closes in the middle of a big upload', async () => {
    upstream.options = {
      onHead(_, connection) {
        connection.isRaw = true;
        connection.socket.pause();
        connection.answer(413, 'too much', 'Connection: close\r\n').end();
        setTimeout(() => connection.close(), 50);
      },
    };
    for (let i = 0; i < 10; i++) {
      client = await RawClient.connect(sidecar.port);
      client.send(`POST /big-${i} HTTP/1.1\r\nHost: svc\r\nContent-Length: ${100 * MiB}\r\n\r\n`);
      void sendBulk(client.socket, 100 * MiB);
      const answer = await client.answer('POST');
      assert.equal(answer.status, 413, answer.text);
      assert.equal(answer.text, 'too much');
      client.close();
    }
  });

  it('no faster than the application reads', async () => {
    upstream.options = {
      onRequest(_, connection) {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${512 * MiB}\r\n\r\n`);
        void sendBulk(connection.socket, 512 * MiB);
      },
    };
    client = await RawClient.connect(sidecar.port);
    client.send(get('/not-read'));
    await client.head();
    client.socket.pause();
    const { socket } = upstream.connections.at(-1)!;
    let written = -1;
    await until(async () => {
      const before = written;
      written = socket.bytesWritten - socket.writableLength;
      await sleep(200);
      return before === written;
    }, 'an upstream that is slowed down');
    // What the kernel's buffers hold, and little more.
    assert.ok(written < 64 * MiB, `${written / MiB} MiB were taken`);
    client.close();
    await upstream.connections.at(-1)!.ended();
  });

  it('no faster than the upstream reads', async () => {
    upstream.options = { onHead: (_, connection) => void connection.socket.pause() };
    client = await RawClient.connect(sidecar.port);
    client.send(`PUT /not-read HTTP/1.1\r\nHost: svc\r\nContent-Length: ${512 * MiB}\r\n\r\n`);
    void sendBulk(client.socket, 512 * MiB);
    let written = -1;
    await until(async () => {
      const before = written;
      written = client.socket.bytesWritten - client.socket.writableLength;
      await sleep(200);
      return before === written;
    }, 'an application that is slowed down');
    assert.ok(written < 64 * MiB, `${written / MiB} MiB were taken`);
  });

  it('leaves nothing behind', async () => {
    await sidecar.quiet();
  });
});
