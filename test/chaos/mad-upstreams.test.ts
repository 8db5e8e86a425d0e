import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CAN_COUNT_DESCRIPTORS, descriptors } from '../e2e/harness/descriptors.ts';
import type { Message } from '../e2e/harness/message.ts';
import { get, RawClient } from '../e2e/harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from '../e2e/harness/raw-upstream.ts';
import { chooseSeed, Seeded } from '../e2e/harness/seeded.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';
import { until } from '../e2e/harness/until.ts';

const SEED = chooseSeed('CHAOS_SEED');
const FOR_MS = Number(process.env.CHAOS_MS ?? 5_000);
const APPLICATIONS = 30;

type Madness = (request: Message, connection: RawUpstreamConnection, random: Seeded) => unknown;

/** What upstreams do that they must not, by how it is called in a request's path. */
const MADNESS: Readonly<Record<string, Madness>> = {
  sane: (request, connection) => connection.answer(200, request.target),
  slow: async (request, connection, random) => {
    await sleep(random.below(80));
    connection.answer(200, request.target);
  },
  // In one piece: an answer that comes when the next request is on its way is that request's, in HTTP/1.1.
  'two answers': (request, connection) => {
    const { target } = request;
    const first = `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`;
    connection.send(`${first}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON`);
  },
  'a longer body than said': (_, connection) =>
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokPOISON'),
  'a shorter body than said': (_, connection) =>
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok').end(),
  'no HTTP': (_, connection) => connection.send('\x16\x03\x01\x02\x00\x01'),
  'half a head': (_, connection) => connection.send('HTTP/1.1 200 OK\r\nContent-Le').close(),
  'half a chunk': (_, connection) =>
    connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf').reset(),
  'both framings': (_, connection) =>
    connection.send(
      'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOISON',
    ),
  'interim answers': (request, connection, random) => {
    for (let i = random.below(80); i > 0; i--)
      connection.send('HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n');
    connection.answer(200, request.target);
  },
  'a switch that nobody asked for': (_, connection) =>
    connection.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nPOISON'),
  'an endless head': (_, connection) => {
    connection.send('HTTP/1.1 200 OK\r\n');
    for (let i = 0; i < 100; i++) connection.send(`X-${i}: ${'x'.repeat(500)}\r\n`);
  },
  'a close': (_, connection) => connection.end(),
  'a reset': (_, connection) => connection.reset(),
  silence: () => {},
  'close after an answer': (request, connection) => connection.answer(200, request.target).end(),
  'reset after an answer': (request, connection) => connection.answer(200, request.target).reset(),
  'byte by byte': async (request, connection) => {
    const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${request.target.length.toString(16)}\r\n${request.target}\r\n0\r\n\r\n`;
    for (const byte of text) {
      connection.send(byte);
      await new Promise(resolve => setImmediate(resolve));
    }
  },
};

/** What an application may see of each: the answer to its own request, what it is, or that there is none. */
const HAS_AN_ANSWER = new Set(['sane', 'slow', 'two answers', 'close after an answer', 'byte by byte']);

describe(`while upstreams are mad (CHAOS_SEED=${SEED})`, () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  const random = new Seeded(SEED);
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  let numbers = 0;

  before(async () => {
    upstream = await RawUpstream.start((request, connection) => {
      const [, kind] = request.target.split('/');
      void MADNESS[decodeURIComponent(kind!)]!(request, connection, random);
    });
    const policy = { timeouts: { total: '2s' }, limits: { pendingFor: '20s', pending: 1000 } };
    sidecar = await SidecarProcess.start({
      file: { upstreams: { svc: { endpoints: [upstream.address], policy } } },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  async function application(): Promise<void> {
    let client: RawClient | null = null;
    for (const end = performance.now() + FOR_MS; performance.now() < end; ) {
      client ??= await RawClient.connect(sidecar.port);
      const kind = random.pick(Object.keys(MADNESS));
      const path = `/${encodeURIComponent(kind)}/${numbers++}`;
      client.send(get(path));
      let answer: Message | Error = await received(client);
      while (!(answer instanceof Error) && answer.status < 200) answer = await received(client);
      const complaint = judge(answer, kind, path);
      if (complaint !== null) wrong.push(`${path}: ${complaint}`);
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (!(answer instanceof Error) && answer.isComplete && answer.field('connection') !== 'close') continue;
      client.close();
      client = null;
    }
    client?.close();
  }

  const received = (client: RawClient) => client.answer().catch((error: Error) => error);

  function judge(answer: Message | Error, kind: string, path: string): string | null {
    if (answer instanceof Error) return answer.message;
    const error = answer.field('x-outrider-error');
    if (answer.text.includes('POISON')) return `got what was no answer: ${answer.text}`;
    if (error !== null) return HAS_AN_ANSWER.has(kind) ? answer.text : null;
    if (answer.text === path) return answer.isComplete ? null : 'broke off';
    if (kind === 'a longer body than said') return answer.text === 'ok' ? null : answer.text;
    if (answer.isComplete) return `complete with ${answer.text}`;
    return ['a shorter body than said', 'half a chunk', 'both framings'].includes(kind) ? null : 'broke off';
  }

  it('nobody gets the answer to another request, and nothing is left', async () => {
    // The one more is this test's own connection to the admin API.
    const most = CAN_COUNT_DESCRIPTORS ? descriptors(sidecar.pid) + 1 : 0;
    await Promise.all(Array.from({ length: APPLICATIONS }, application));
    assert.deepEqual(wrong, []);
    assert.ok(numbers > 200, `${numbers} requests`);
    assert.equal(seen.size, Object.keys(MADNESS).length);
    await sidecar.quiet();
    // Idle connections are closed within seconds.
    if (CAN_COUNT_DESCRIPTORS) await until(() => descriptors(sidecar.pid) <= most, `${most} descriptors`);
    const { failures, endpoints } = await sidecar.upstream();
    assert.deepEqual(Object.keys(failures).sort(), ['bad-response', 'deadline', 'reset', 'retry-exhausted']);
    assert.equal(endpoints[0]!.outstanding, 0);
    assert.ok(!sidecar.log.some(({ level }) => level === 'fatal' || level === 'error'));
  });
});
