import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bulk, sendBulk } from '../e2e/harness/bulk.ts';
import { CAN_COUNT_DESCRIPTORS, descriptors } from '../e2e/harness/descriptors.ts';
import type { Message } from '../e2e/harness/message.ts';
import { RawClient } from '../e2e/harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from '../e2e/harness/raw-upstream.ts';
import { CAN_READ_MEMORY, ResidentMemory } from '../e2e/harness/resident-memory.ts';
import { chooseSeed, Seeded } from '../e2e/harness/seeded.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';
import { until } from '../e2e/harness/until.ts';

const SEED = chooseSeed('CHAOS_SEED');
const FOR_MS = Number(process.env.CHAOS_MS ?? 8_000);
const APPLICATIONS = 40;
/** Where in the pattern the body of a request with this number begins; its answer's begins elsewhere. */
const startOf = (number: number, what: 'request' | 'answer') =>
  number * 7_919 + (what === 'request' ? 0 : 31_337);

/** What a request asks of the upstream, as its path says: `/number/up/down/how`. */
interface Plan {
  readonly number: number;
  /** Bytes of the request's body. */
  readonly up: number;
  /** Bytes of the answer's. */
  readonly down: number;
  readonly how: 'length' | 'chunked' | 'close' | 'early' | 'reset';
}

function parsePlan(target: string): Plan {
  const [, number, up, down, how] = target.split('/');
  return { number: Number(number), up: Number(up), down: Number(down), how: how as Plan['how'] };
}

/**
 * Everything at once: big and small bodies, both framings, slow readers on both sides, and both sides that break off. Each body
 * is a piece of a pattern that belongs to its request alone, so that a byte of another one is noticed.
 */
describe(`while ${APPLICATIONS} applications do whatever they like (CHAOS_SEED=${SEED})`, () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  const random = new Seeded(SEED);
  const wrong: string[] = [];
  const counts = { complete: 0, brokenOff: 0, abandoned: 0 };
  let numbers = 0;

  before(async () => {
    upstream = await RawUpstream.start({ onHead: (request, connection) => void serve(request, connection) });
    const endpoints = [upstream.address];
    // On a busy machine all this takes its time.
    const policy = {
      timeouts: { total: 'off' },
      limits: { connections: 24, pending: 1000, pendingFor: '60s' },
      retry: { attempts: 1 },
    };
    sidecar = await SidecarProcess.start({ file: { upstreams: { svc: { endpoints, policy } } } });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  async function serve(request: Message, connection: RawUpstreamConnection): Promise<void> {
    const { number, up, down, how } = parsePlan(request.target);
    if (random.chance(0.3)) stutter(connection);
    if (how !== 'early') {
      await connection.until(() => request.isComplete || connection.ending !== null, `body ${number}`);
      if (!request.isComplete) return;
      const isRight = request.body.equals(pattern(number, 'request', up));
      if (!isRight) wrong.push(`the request ${request.target} arrived with another body`);
    }
    const framing = { chunked: 'Transfer-Encoding: chunked', close: 'Connection: close' }[how as string];
    connection.send(
      `HTTP/1.1 200 OK\r\n${framing ?? `Content-Length: ${down}`}\r\nX-Number: ${number}\r\n\r\n`,
    );
    if (how === 'reset') {
      await sendBulk(connection.socket, down >> 1, startOf(number, 'answer'));
      connection.reset();
    } else if (how === 'chunked') {
      for (let at = 0; at < down; ) {
        const length = Math.min(down - at, 1 + random.below(60_000));
        connection
          .send(`${length.toString(16)}\r\n`)
          .send(bulk(startOf(number, 'answer') + at, length))
          .send('\r\n');
        at += length;
        if (random.chance(0.3)) await sleep(random.below(3));
      }
      connection.send('0\r\n\r\n');
    } else {
      await sendBulk(connection.socket, down, startOf(number, 'answer'));
      if (how === 'close') connection.end();
    }
  }

  async function application(): Promise<void> {
    let client: RawClient | null = null;
    for (const end = performance.now() + FOR_MS; performance.now() < end; ) {
      client ??= await RawClient.connect(sidecar.port);
      const isUsable = await exchange(client, planOf(numbers++));
      if (isUsable) continue;
      client.close();
      client = null;
    }
    client?.close();
  }

  function planOf(number: number): Plan {
    // The largest ones are more than the kernel takes for a reader that is slow.
    const size = () => random.below(random.pick([1, 200, 20_000, 300_000, 2_000_000, 12_000_000]));
    const how = random.pick([
      'length',
      'length',
      'length',
      'chunked',
      'chunked',
      'close',
      'early',
      'reset',
    ] as const);
    // An answer that is complete before the reset would leave a connection that looks good.
    const down = size() + (how === 'reset' ? 1 : 0);
    return { number, up: random.chance(0.4) ? size() : 0, down, how };
  }

  /** @returns whether the connection can be used again */
  async function exchange(client: RawClient, { number, up, down, how }: Plan): Promise<boolean> {
    const method = up > 0 ? 'PUT' : 'GET';
    const framing = up > 0 ? `Content-Length: ${up}\r\n` : '';
    client.send(`${method} /${number}/${up}/${down}/${how} HTTP/1.1\r\nHost: svc\r\n${framing}\r\n`);
    const sending = sendBulk(client.socket, up, startOf(number, 'request'));
    if (random.chance(0.3)) stutter(client);
    if (random.chance(0.1)) {
      await sleep(random.below(30));
      counts.abandoned++;
      if (random.chance(0.5)) client.reset();
      else client.close();
      await sending;
      return false;
    }
    const answer = await client.answer(method, 60_000).catch((error: Error) => error);
    // What an answer came before is of no more interest.
    if (how === 'early') client.close();
    await sending;
    if (answer instanceof Error) {
      // An answer that comes early ends the connection; the rest of the body may meet that.
      if (how !== 'early') wrong.push(`${number} ${how}: ${answer.message}`);
      return false;
    }
    judge(answer, { number, up, down, how });
    return how !== 'early' && answer.isComplete && answer.field('connection') !== 'close';
  }

  function judge(answer: Message, { number, down, how }: Plan): void {
    const failure = answer.field('x-outrider-error');
    if (failure !== null) {
      if (how !== 'reset') wrong.push(`${number} ${how}: ${answer.text}`);
      else counts.brokenOff++;
    } else if (answer.field('x-number') !== String(number)) {
      wrong.push(`${number} got the answer to ${answer.field('x-number')}`);
    } else if (!answer.body.equals(pattern(number, 'answer', answer.body.length))) {
      wrong.push(`${number} ${how}: other bytes in the answer`);
    } else if (answer.isComplete) {
      if (answer.body.length !== down) wrong.push(`${number} ${how}: ${answer.body.length} bytes of ${down}`);
      counts.complete++;
    } else {
      if (how !== 'reset' && how !== 'early') wrong.push(`${number} ${how}: broke off`);
      counts.brokenOff++;
    }
  }

  it('every byte goes where it belongs, and nothing is left', async () => {
    const memory = CAN_READ_MEMORY ? new ResidentMemory(sidecar.pid) : null;
    // The one more is this test's own connection to the admin API.
    const most = CAN_COUNT_DESCRIPTORS ? descriptors(sidecar.pid) + 1 : 0;
    await Promise.all(Array.from({ length: APPLICATIONS }, application));
    const growth = memory?.stop() ?? 0;
    assert.deepEqual(wrong, []);
    assert.ok(counts.complete > 50 && counts.brokenOff > 5 && counts.abandoned > 5, JSON.stringify(counts));
    await sidecar.quiet();
    // Idle connections are closed within seconds.
    if (CAN_COUNT_DESCRIPTORS) await until(() => descriptors(sidecar.pid) <= most, `${most} descriptors`);
    assert.equal((await sidecar.upstream()).endpoints[0]!.outstanding, 0);
    assert.ok(growth < 100, `resident memory grew by ${growth} MiB`);
    assert.ok(!sidecar.log.some(({ level }) => level === 'fatal' || level === 'error'));
  });
});

function pattern(number: number, what: 'request' | 'answer', length: number): Buffer {
  const MiB = 1024 * 1024;
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += MiB)
    pieces.push(bulk(startOf(number, what) + at, Math.min(MiB, length - at)));
  return Buffer.concat(pieces);
}

/** Pauses a reader, a few times and long enough for everything before it to fill up. */
function stutter({ socket }: RawClient | RawUpstreamConnection): void {
  let left = 3;
  const next = () => {
    if (socket.destroyed || left-- === 0) return;
    socket.pause();
    setTimeout(() => {
      socket.resume();
      setTimeout(next, 5);
    }, 100);
  };
  next();
}
