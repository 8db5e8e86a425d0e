import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { Client, type Dispatcher } from 'undici';
import { HttpUpstream } from './harness/http-upstream.ts';
import type { Message } from './harness/message.ts';
import { RawClient } from './harness/raw-client.ts';
import { chooseSeed, Seeded } from './harness/seeded.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const SEED = chooseSeed('SAME_AS_DIRECT_SEED');
const RAW_REQUESTS = 400;
const UNDICI_REQUESTS = 200;

/** What concerns one connection alone, and what a proxy adds (RFC 9110 section 7.6). */
const NOT_END_TO_END = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'via']);

type Pairs = readonly (readonly [name: string, value: string])[];

/** A message as it is compared. */
interface Seen {
  readonly line: string;
  readonly fields: Pairs;
  readonly body: string;
  readonly trailers: Pairs;
}

/** Requests as the upstream saw them, by their id. */
const arrived = new Map<string, Seen>();

/** Notes the request, and answers with something that depends on its number alone. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const id = String(request.headers['x-id']);
  const [, number] = id.split('/');
  arrived.set(id, {
    line: `${request.method} ${request.url} ${request.httpVersion}`,
    fields: endToEnd(pairs(request.rawHeaders), 'x-id'),
    body: digest(Buffer.concat(chunks)),
    trailers: pairs(request.rawTrailers),
  });

  const random = new Seeded(Number(number) + 1);
  const status = random.pick([200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 404, 418, 500, 503, 599]);
  response.statusMessage = random.pick(['OK', 'Whatever', 'Nicht gefunden', "It's (fine)!"]);
  const fields = randomFields(random).flat();
  const isChunked = random.chance(0.5) && status !== 204 && status !== 304;
  const body = status === 204 || status === 304 ? Buffer.alloc(0) : random.bytes(bodyLength(random));
  if (!isChunked && status !== 204 && status !== 304) fields.push('Content-Length', String(body.length));
  if (random.chance(0.1)) fields.push('Connection', 'close');
  response.writeHead(status, fields);
  if (request.method !== 'HEAD') {
    for (let at = 0; at < body.length; ) {
      const length = 1 + random.below(30_000);
      response.write(body.subarray(at, at + length));
      at += length;
    }
    if (isChunked && random.chance(0.3))
      response.addTrailers({ 'X-Trailer': random.text('abc ', 20).trim() });
  }
  response.end();
}

const TOKEN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!#$%&*+^|~';
const VALUE = `${TOKEN} \t"(),/:;<=>?@[]{}\u00e4\u00ff`;
const PATH = "abcXYZ019-._~!$&'()*+,;=:@/%41%2F";

function randomFields(random: Seeded): [string, string][] {
  return Array.from({ length: random.below(8) }, () => {
    if (random.chance(0.1)) return ['Set-Cookie', `a=${random.text('xyz;= ', 20).trim()}`];
    if (random.chance(0.1)) return ['Cache-Control', 'no-cache, max-age=0'];
    const name = `X-${random.text(TOKEN, 12)}`;
    return [name, random.text(VALUE, random.chance(0.1) ? 2_000 : 40).trim()];
  });
}

function bodyLength(random: Seeded): number {
  return random.pick([
    0,
    1,
    random.below(100),
    random.below(5_000),
    random.below(100_000),
    random.below(400_000),
  ]);
}

interface RandomRequest {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly [string, string][];
  readonly body: Buffer | null;
  readonly isChunked: boolean;
  readonly trailers: readonly [string, string][];
}

function randomRequest(random: Seeded): RandomRequest {
  const method = random.pick([
    'GET',
    'GET',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'OPTIONS',
    'HEAD',
    'PROPFIND',
    'REPORT',
  ]);
  const hasBody = random.chance(method === 'GET' || method === 'HEAD' ? 0.1 : 0.7);
  const isChunked = hasBody && random.chance(0.5);
  const query = random.chance(0.5) ? `?${random.text(`${PATH}?`, 60)}` : '';
  return {
    method,
    path: `/${wellFormed(random.text(PATH, 60))}${wellFormed(query)}`,
    fields: randomFields(random),
    body: hasBody ? random.bytes(bodyLength(random)) : null,
    isChunked,
    trailers: isChunked && random.chance(0.3) ? [['X-Sum', random.text(TOKEN, 30)]] : [],
  };
}

/** Percent signs are followed by two digits. */
function wellFormed(text: string): string {
  return text.replace(/%(?![0-9A-F]{2})/g, '%25');
}

describe(`what goes through a sidecar is what would have gone directly (SAME_AS_DIRECT_SEED=${SEED})`, () => {
  let sidecar: SidecarProcess;
  let upstream: HttpUpstream;

  before(async () => {
    upstream = await HttpUpstream.start(answer);
    // Some of the answers are a 503, which is to be passed on as it is, and nothing is to be added to requests.
    const policy = { timeouts: { propagate: false }, retry: { on: ['connect-failure', 'reset'] } };
    sidecar = await SidecarProcess.start({
      file: { upstreams: { svc: { endpoints: [upstream.address], policy } } },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  /** Judges a request and its answer by those that took the other way. */
  function assertSame(number: number, direct: Seen, through: Seen): void {
    const [requestDirect, requestThrough] = [
      arrived.get(`direct/${number}`)!,
      arrived.get(`through/${number}`)!,
    ];
    assert.deepEqual(requestThrough, requestDirect, `request ${number}`);
    assert.deepEqual(through, direct, `answer ${number}`);
  }

  it('byte by byte', async () => {
    const random = new Seeded(SEED);
    const ports = { direct: upstream.port, through: sidecar.port };
    const clients: Record<string, RawClient> = {};
    for (let number = 0; number < RAW_REQUESTS; number++) {
      const request = randomRequest(random);
      const cuts = new Seeded(SEED + number);
      const seen: Record<string, Seen> = {};
      for (const [way, port] of Object.entries(ports)) {
        clients[way] ??= await RawClient.connect(port);
        const client = clients[way];
        await sendInPieces(client, bytesOf(request, `${way}/${number}`, cuts), cuts);
        const received = await client.answer(request.method);
        assert.ok(received.isComplete);
        seen[way] = seenAnswer(received);
        if (received.field('connection') === 'close' || cuts.chance(0.05)) {
          client.close();
          delete clients[way];
        }
      }
      assertSame(number, seen.direct!, seen.through!);
    }
    for (const client of Object.values(clients)) client.close();
  });

  it('with undici', async () => {
    const random = new Seeded(SEED);
    const origins = { direct: `http://${upstream.address}`, through: `http://127.0.0.1:${sidecar.port}` };
    const clients = Object.entries(origins).map(([way, origin]) => ({ way, client: new Client(origin) }));
    for (let number = 1_000; number < 1_000 + UNDICI_REQUESTS; number++) {
      const { method, path, fields, body, isChunked } = randomRequest(random);
      const seen: Record<string, Seen> = {};
      for (const { way, client } of clients) {
        const headers = ['Host', 'svc', 'X-Id', `${way}/${number}`, ...fields.flat()];
        const stream = body !== null && isChunked ? Readable.from(piecesOf(body)) : body;
        const received = await client.request({
          method: method as Dispatcher.HttpMethod,
          path,
          headers,
          body: method === 'GET' || method === 'HEAD' ? null : stream,
          responseHeaders: 'raw',
        });
        const bytes = Buffer.from(await received.body.arrayBuffer());
        const raw = received.headers as unknown as Buffer[];
        seen[way] = {
          line: String(received.statusCode),
          fields: endToEnd(pairs(raw.map(item => item.toString('latin1')))),
          body: digest(bytes),
          trailers: Object.entries(received.trailers) as unknown as Pairs,
        };
      }
      assertSame(number, seen.direct!, seen.through!);
    }
    for (const { client } of clients) await client.close();
  });

  it('none of it needs a second attempt', async () => {
    const { retries, failures } = await sidecar.upstream();
    assert.deepEqual([retries, failures], [0, {}]);
    await sidecar.quiet();
  });
});

function bytesOf(
  { method, path, fields, body, isChunked, trailers }: RandomRequest,
  id: string,
  cuts: Seeded,
): Buffer {
  const all: (readonly [string, string])[] = [['Host', 'svc'], ['X-Id', id], ...fields];
  if (isChunked) all.push(['Transfer-Encoding', 'chunked']);
  else if (body !== null) all.push(['Content-Length', String(body.length)]);
  const head = `${method} ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const parts: Buffer[] = [Buffer.from(head, 'latin1')];
  if (body !== null && !isChunked) parts.push(body);
  if (body !== null && isChunked) {
    for (let at = 0; at < body.length; ) {
      const chunk = body.subarray(at, at + 1 + cuts.below(20_000));
      parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
      at += chunk.length;
    }
    parts.push(Buffer.from(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`));
  }
  return Buffer.concat(parts);
}

async function sendInPieces(client: RawClient, bytes: Buffer, cuts: Seeded): Promise<void> {
  const pieces = cuts.chance(0.5) ? 1 : 1 + cuts.below(8);
  for (let i = 0, at = 0; i < pieces; i++) {
    const end = i === pieces - 1 ? bytes.length : at + cuts.below(bytes.length - at);
    client.send(bytes.subarray(at, end));
    at = end;
    if (i < pieces - 1) await new Promise(resolve => setImmediate(resolve));
  }
}

function* piecesOf(body: Buffer): Iterable<Buffer> {
  for (let at = 0; at < body.length; at += 10_000) yield body.subarray(at, at + 10_000);
}

function seenAnswer(message: Message): Seen {
  return {
    line: message.line,
    fields: endToEnd(message.fields),
    body: digest(message.body),
    trailers: message.trailers,
  };
}

/** The fields that a proxy leaves alone; where the coding of the body stands among them is its own affair. */
function endToEnd(fields: Pairs, ...without: string[]): Pairs {
  const kept: (readonly [string, string])[] = [];
  let coding = '';
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (lower === 'transfer-encoding') coding = value;
    else if (!NOT_END_TO_END.has(lower) && !without.includes(lower))
      kept.push([name, lower === 'date' ? 'some date' : value]);
  }
  return [...kept, ['transfer-encoding', coding]];
}

function pairs(raw: readonly string[]): Pairs {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!] as const);
}

function digest(bytes: Buffer): string {
  return `${bytes.length} ${createHash('sha1').update(bytes).digest('hex')}`;
}
