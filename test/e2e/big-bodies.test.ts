import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type BulkReceiver, readSlowly, sendBulk } from './harness/bulk.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { CAN_READ_MEMORY, ResidentMemory } from './harness/resident-memory.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const MiB = 1024 * 1024;
const SIZE = Number(process.env.BIG_BODY_MIB ?? 1024) * MiB;
/** How much resident memory one transfer may cost. */
const MOST_GROWTH_MIB = 32;
const WITHIN_MS = 120_000;

describe(`a body of ${SIZE / MiB} MiB is streamed`, { timeout: 300_000 }, () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let client: RawClient;

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({ file: { upstreams: { svc: { endpoints: [upstream.address] } } } });
    const warm = await RawClient.connect(sidecar.port);
    for (let i = 0; i < 200; i++) await warm.ask(get('/'));
    warm.close();
  });

  afterEach(() => {
    client.close();
    for (const connection of upstream.connections) connection.close();
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  async function inBoundedMemory(transfer: () => Promise<void>): Promise<void> {
    client = await RawClient.connect(sidecar.port);
    if (!CAN_READ_MEMORY) return await transfer();
    const memory = new ResidentMemory(sidecar.pid);
    try {
      await transfer();
    } finally {
      const growth = memory.stop();
      assert.ok(growth < MOST_GROWTH_MIB, `resident memory grew by ${growth.toFixed(1)} MiB`);
    }
  }

  async function download(prepare: (client: RawClient) => void): Promise<void> {
    upstream.options = {
      onRequest(_, connection) {
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
        void sendBulk(connection.socket, SIZE);
      },
    };
    await inBoundedMemory(async () => {
      client.send(get('/download'));
      await client.head();
      const bulk = client.receiveBulk();
      prepare(client);
      await bulk.until(SIZE, WITHIN_MS);
      assert.equal(bulk.received, SIZE);
    });
  }

  async function upload(prepare: (connection: RawUpstreamConnection) => void): Promise<void> {
    let bulk: BulkReceiver | undefined;
    upstream.options = {
      onHead(_, connection) {
        bulk = connection.receiveBulk();
        prepare(connection);
        void bulk.until(SIZE, WITHIN_MS).then(() => connection.answer(200, 'thanks'));
      },
    };
    await inBoundedMemory(async () => {
      client.send(`POST /upload HTTP/1.1\r\nHost: svc\r\nContent-Length: ${SIZE}\r\n\r\n`);
      void sendBulk(client.socket, SIZE);
      assert.equal((await client.answer('POST', WITHIN_MS)).text, 'thanks');
      assert.equal(bulk?.received, SIZE);
    });
  }

  it('down', () => download(() => {}));

  it('down to a slow application', () => download(({ socket }) => readSlowly(socket)));

  it('up', () => upload(() => {}));

  it('up to a slow upstream', () => upload(({ socket }) => readSlowly(socket)));
});
