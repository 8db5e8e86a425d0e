import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EgressListeners } from '../../sidecar/downstream/egress-listeners.ts';
import { UpstreamSet } from '../../sidecar/upstream-set.ts';
import { DownstreamUnderTest } from './downstream/downstreams.ts';
import { anUpstreamContext, aSpec, configsOf } from './upstream-sets.ts';

// The application's side and the endpoint's side together, over real sockets, with applications and endpoints that are
// slow: whatever is in which buffer at which moment, everybody gets what was sent to them.

/** Bytes that are different for every seed and at every position. */
function contentOf(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < size; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

const SIZES = [0, 1, 1_000, 16_384, 16_500, 100_000, 262_143, 262_144, 300_000, 1_500_000];

let server: Server;
let upstreams: UpstreamSet;
let listeners: EgressListeners;
let port: number;

before(async () => {
  // GET /seed/size answers with that content, chunked where the seed is odd; a POST with the hash of its body.
  server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      const hash = createHash('sha256');
      for await (const chunk of request) {
        hash.update(chunk);
        await nextTurn();
      }
      response.end(hash.digest('hex'));
      return;
    }
    const [, seed, size] = (request.url ?? '').split('/').map(Number);
    if (seed % 2 === 0) response.setHeader('Content-Length', size);
    response.end(contentOf(seed, size));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const parts = anUpstreamContext();
  upstreams = new UpstreamSet(parts.context);
  upstreams.apply(configsOf({ inventory: [aSpec((server.address() as AddressInfo).port)] }));
  const [{ stack }] = upstreams.all;
  const { context } = new DownstreamUnderTest();
  context.router = { route: () => stack };
  context.onClosed = connection => listeners.forget(connection);
  listeners = new EgressListeners(context);
  const egress = { listen: { host: '127.0.0.1', port: 0 }, ports: new Map(), unknownHosts: 'pass' } as const;
  (await listeners.prepare({ ...egress, connect: { ports: [] }, via: false }))();
  port = listeners.shared?.port ?? 0;
});

after(() => {
  listeners.close();
  upstreams.stop();
  server.closeAllConnections();
  server.close();
});

/** Sends requests all at once, reads the answers now and then, and gives their bodies. */
async function exchange(requests: readonly Buffer[], readsLate = false): Promise<Buffer[]> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.write(Buffer.concat(requests));
  if (readsLate) await standstill();
  const bodies: Buffer[] = [];
  let all: Buffer = Buffer.alloc(0);
  let turn = 0;
  for await (const piece of socket) {
    all = Buffer.concat([all, piece]);
    // Slow in a different way at each place.
    for (let i = turn++ % 7; i > 0; i--) await nextTurn();
    for (let answer = takeAnswer(all); answer !== null; answer = takeAnswer(all)) {
      bodies.push(answer.body);
      all = answer.rest;
    }
    if (bodies.length === requests.length) break;
  }
  socket.destroy();
  return bodies;
}

/** Waits until nothing comes from the endpoint any more, because nobody takes it. */
async function standstill(): Promise<void> {
  const [{ counters }] = upstreams.all;
  for (let still = 0, before = -1; still < 200 || before === 0; still++) {
    if (counters.responseBytes !== before) still = 0;
    before = counters.responseBytes;
    await nextTurn();
  }
}

/** The first answer, or null where it is not complete. */
function takeAnswer(bytes: Buffer): { body: Buffer; rest: Buffer } | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
  let position = end + 4;
  const length = /\r\nContent-Length: (\d+)/i.exec(head);
  if (length !== null) {
    const stop = position + Number(length[1]);
    return bytes.length < stop ? null : { body: bytes.subarray(position, stop), rest: bytes.subarray(stop) };
  }
  const chunks: Buffer[] = [];
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', position, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return null;
    assert.equal(bytes.toString('latin1', start + size, start + size + 2), '\r\n');
    position = start + size + 2;
    if (size === 0) return { body: Buffer.concat(chunks), rest: bytes.subarray(position) };
    chunks.push(bytes.subarray(start, start + size));
  }
}

const get = (seed: number, size: number) =>
  Buffer.from(`GET /${seed}/${size} HTTP/1.1\r\nHost: inventory\r\n\r\n`);

function post(body: Buffer): Buffer {
  const head = `POST / HTTP/1.1\r\nHost: inventory\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

describe('many at once, each slow in its own way', () => {
  test('downloads, one behind another on each connection', async () => {
    const connections = Array.from({ length: 6 }, (_, c) =>
      SIZES.map((size, i) => [c * 100 + i, size] as const),
    );
    await Promise.all(
      connections.map(async (wanted, c) => {
        const asked = c % 2 === 0 ? wanted : wanted.toReversed();
        const bodies = await exchange(asked.map(([seed, size]) => get(seed, size)));
        assert.deepEqual(
          bodies.map(hashOf),
          asked.map(([seed, size]) => hashOf(contentOf(seed, size))),
        );
      }),
    );
  });

  test('uploads and downloads in turn', async () => {
    await Promise.all(
      [0, 1, 2, 3].map(async c => {
        const contents = SIZES.map((size, i) => contentOf(c * 100 + i, size));
        const bodies = await exchange(
          contents.flatMap((content, i) => [post(content), get(c * 100 + i, 300_000)]),
        );
        assert.deepEqual(
          bodies.map((body, i) => (i % 2 === 0 ? body.toString() : hashOf(body))),
          contents.flatMap((content, i) => [hashOf(content), hashOf(contentOf(c * 100 + i, 300_000))]),
        );
      }),
    );
  });

  for (const [what, count, size] of [
    ['a few long answers', 4, 5_000_000],
    ['many short ones', 100, 200_000],
  ] as const) {
    test(`applications that read nothing before all is full: ${what}`, async () => {
      const seeds = Array.from({ length: count }, (_, i) => i * 2);
      await Promise.all(
        [0, 1_000].map(async offset => {
          const bodies = await exchange(
            seeds.map(seed => get(seed + offset, size)),
            true,
          );
          assert.deepEqual(
            bodies.map(hashOf),
            seeds.map(seed => hashOf(contentOf(seed + offset, size))),
          );
        }),
      );
    });
  }
});
