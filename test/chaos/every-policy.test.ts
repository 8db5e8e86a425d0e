import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../e2e/harness/message.ts';
import { RawClient } from '../e2e/harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from '../e2e/harness/raw-upstream.ts';
import { chooseSeed, Seeded } from '../e2e/harness/seeded.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';

const SEED = chooseSeed('CHAOS_SEED');
const FOR_MS = Number(process.env.CHAOS_MS ?? 6_000);
const APPLICATIONS = 16;
const ENDPOINTS = 4;
/** Far more than any policy here lets a request take, on however busy a machine. */
const ANSWERED_WITHIN_MS = 30_000;

const random = new Seeded(SEED);
const maybe = <T>(probability: number, value: T) => (random.chance(probability) ? value : undefined);

/** Every policy, each as often on as off, with times that are short enough to pass many times. */
function policy(fallsBackTo?: string): object {
  const cached = maybe(0.5, { entries: 50 });
  const upstream = fallsBackTo && maybe(0.5, fallsBackTo);
  const own = maybe(0.5, { methods: 'all', status: random.pick([200, 503]), body: 'own' });
  const hasFallback = cached !== undefined || upstream !== undefined || own !== undefined;
  const fallback = { on: ['failure', '5xx'], cached, upstream, static: own, after: maybe(0.3, '100ms') };
  return {
    balancer: random.pick(['least-request', 'round-robin', 'random']),
    timeouts: { total: random.pick(['500ms', '2s']), attempt: maybe(0.5, '150ms') },
    retry: {
      attempts: 2 + random.below(2),
      on: maybe(0.5, ['connect-failure', 'reset', 'attempt-timeout', '5xx']),
      budget: maybe(0.7, { ratio: '100%', floor: 1_000 }),
      oneLayer: random.chance(0.8),
    },
    limits: {
      hold: random.pick(['0s', '200ms', '2s']),
      pending: random.pick([0, 5, 128]),
      pendingFor: random.pick(['50ms', '1s']),
      connections: random.pick([3, 1_024]),
      concurrency: maybe(0.6, random.pick([5, 12, 'adaptive'])),
      retries: maybe(0.3, 3),
    },
    breaker: maybe(0.4, {
      window: '1s',
      minimumCalls: random.pick([5, 20]),
      openFor: '50ms',
      halfOpenCalls: 2,
      permitFor: '100ms',
      rampUp: random.pick(['0s', '100ms']),
    }),
    hedge: maybe(0.6, { after: random.pick(['5ms', '30ms', 'p50']), max: 1 + random.below(2) }),
    outliers: maybe(0.7, { ejectFor: '200ms', lostFor: '100ms', rampUp: '100ms', consecutiveFailures: 2 }),
    rateLimit: maybe(0.2, { rate: 50, per: '1s', header: 'x-tenant' }),
    fallback: hasFallback ? fallback : undefined,
    fault: maybe(0.3, { delay: { for: '30ms', percent: '20%' }, abort: { with: 503, percent: '5%' } }),
  };
}

/** What an endpoint has to do with a request. */
class Answer {
  readonly connection: RawUpstreamConnection;
  /** The request's number, method and length of body: by this an answer is known to be its own. */
  readonly text: string;
  readonly isHead: boolean;

  constructor({ target, method, body }: Message, connection: RawUpstreamConnection) {
    this.connection = connection;
    this.text = `${target} ${method} ${body.length}`;
    this.isHead = method === 'HEAD';
  }

  give(status: number, fields = ''): void {
    const { connection, text, isHead } = this;
    const head = `HTTP/1.1 ${status} X\r\nX-Text: ${text}\r\nContent-Length: ${text.length}\r\n${fields}\r\n`;
    connection.send(head + (isHead ? '' : text));
  }

  giveLater(ms: number): void {
    setTimeout(() => this.give(200), random.below(ms));
  }

  /** The head comes first, and the rest later or never. */
  tear(): void {
    const { connection, text, isHead } = this;
    if (isHead) return connection.reset();
    connection.send(`HTTP/1.1 200 X\r\nX-Text: ${text}\r\nContent-Length: ${text.length}\r\n\r\n${text[0]}`);
    const isTorn = random.chance(0.5);
    setTimeout(() => (isTorn ? connection.reset() : connection.send(text.slice(1))), random.below(100));
  }
}

const RETRY_AFTER = ['0', '-5', '99999999999', 'soon'];

/** How often an endpoint does what, in percent; the rest are good answers. */
const MISCHIEF: readonly (readonly [percent: number, (answer: Answer) => void])[] = [
  [10, answer => answer.giveLater(80)],
  [4, answer => answer.giveLater(600)],
  [6, answer => answer.give(503, random.chance(0.3) ? `Retry-After: ${random.pick(RETRY_AFTER)}\r\n` : '')],
  [3, answer => answer.give(500, random.chance(0.3) ? 'x-outrider-retry: exhausted\r\n' : '')],
  [4, answer => answer.tear()],
  [2, ({ connection }) => connection.reset()],
  [2, ({ connection }) => connection.end()],
  [2, ({ connection }) => connection.send('HTTP/1.1 200 OK\r\nContent-').reset()],
  [2, ({ connection }) => void connection.send('This is no HTTP.\r\n\r\n')],
  [1, () => {}],
  [
    3,
    answer => {
      answer.connection.send('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n');
      answer.giveLater(30);
    },
  ],
  [
    3,
    answer => {
      answer.give(200);
      if (random.chance(0.5)) answer.connection.end();
      else answer.connection.reset();
    },
  ],
];

function pickMischief(): ((answer: Answer) => void) | null {
  let at = random.below(100);
  for (const [percent, mischief] of MISCHIEF) {
    at -= percent;
    if (at < 0) return mischief;
  }
  return null;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

describe(`while every policy is on and off, over endpoints that do what they like (CHAOS_SEED=${SEED})`, () => {
  let sidecar: SidecarProcess;
  const endpoints: RawUpstream[] = [];
  let addresses: readonly string[];
  const frozen = new Set<number>();
  /** At how many places each POST was seen, however little of it. */
  const posts = new Map<string, number>();
  const wrong: string[] = [];
  const seen = { good: 0, refused: 0, coveredFor: 0, hungUp: 0 };
  let numbers = 0;
  let endsAt = 0;
  const isOver = () => performance.now() >= endsAt || wrong.length > 0;

  before(async () => {
    for (let i = 0; i < ENDPOINTS; i++) endpoints.push(await startEndpoint(i));
    addresses = endpoints.map(({ address }) => address);
    sidecar = await SidecarProcess.start({ file: file() });
  });

  after(async () => {
    for (const endpoint of endpoints) await endpoint.stop();
    await sidecar?.kill();
  });

  function file() {
    const some = () => addresses.filter(() => random.chance(0.7));
    return {
      upstreams: {
        svc: { endpoints: some(), policy: policy('other') },
        other: { endpoints: some(), policy: policy() },
      },
    };
  }

  async function startEndpoint(index: number, port = 0): Promise<RawUpstream> {
    return await RawUpstream.start({
      port,
      onConnection: ({ socket }) => notePosts(socket),
      async onRequest(request, connection) {
        while (frozen.has(index)) await sleep(10);
        const answer = new Answer(request, connection);
        (pickMischief() ?? (() => answer.give(200)))(answer);
      },
    });
  }

  function notePosts(socket: RawUpstreamConnection['socket']): void {
    // Bodies are of a letter that no head begins with, so that nothing is found in them.
    socket.on('data', bytes => {
      for (const [, path] of bytes.toString('latin1').matchAll(/POST (\/\d+) /g))
        posts.set(path!, (posts.get(path!) ?? 0) + 1);
    });
  }

  async function application(): Promise<void> {
    let client: RawClient | null = null;
    while (!isOver()) {
      client ??= await RawClient.connect(sidecar.port);
      if (await exchange(client)) continue;
      client.close();
      client = null;
    }
    client?.close();
  }

  /** Sends a request, or several at once. @returns whether the connection can be used again */
  async function exchange(client: RawClient): Promise<boolean> {
    const requests = Array.from({ length: random.chance(0.2) ? 3 : 1 }, aRequest);
    const text = requests.map(asText).join('');
    const cut = random.chance(0.2) ? random.below(text.length) : text.length;
    client.send(text.slice(0, cut));
    if (cut < text.length) await sleep(random.below(40));
    if (random.chance(0.1)) {
      seen.hungUp++;
      await sleep(random.below(50));
      client.reset();
      return false;
    }
    client.send(text.slice(cut));
    for (const request of requests) if (!(await judge(client, request))) return false;
    return true;
  }

  function aRequest(): Request {
    const method = random.pick(['GET', 'GET', 'GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'POST']);
    const isRepeated = method === 'GET' && random.chance(0.3);
    const path = isRepeated ? `/${random.below(20)}` : `/${1_000 + numbers++}`;
    const hasBody = method === 'PUT' || method === 'POST';
    return { method, path, body: hasBody ? 'b'.repeat(random.below(random.pick([2, 500, 80_000]))) : '' };
  }

  function asText({ method, path, body }: Request): string {
    const tenant = `X-Tenant: ${random.below(50)}\r\n`;
    const said = random.pick(['0', '20', '-1', '99999999999999999999']);
    const deadline = random.chance(0.1) ? `x-request-deadline-ms: ${said}\r\n` : '';
    const attempt = random.chance(0.1) ? `x-outrider-attempt: ${random.pick(['2', '0', '999999'])}\r\n` : '';
    const length = method === 'PUT' || method === 'POST' ? `Content-Length: ${body.length}\r\n` : '';
    return `${method} ${path} HTTP/1.1\r\nHost: svc\r\n${tenant}${deadline}${attempt}${length}\r\n${body}`;
  }

  /** Receives the answer to a request, and says what is wrong with it. @returns whether the connection can be used again */
  async function judge(client: RawClient, { method, path, body }: Request): Promise<boolean> {
    const received = () => client.answer(method, ANSWERED_WITHIN_MS).catch((error: Error) => error);
    let answer = await received();
    while (!(answer instanceof Error) && answer.status < 200) answer = await received();
    if (answer instanceof Error) {
      wrong.push(`${method} ${path}: ${answer.message}`);
      return false;
    }
    const text = answer.field('x-text');
    const isCovered = answer.field('x-outrider-fallback') !== null;
    if (text === null) {
      seen.refused++;
      if (answer.field('x-outrider-error') === null && !isCovered)
        wrong.push(`${method} ${path}: ${answer.line} of nobody`);
    } else {
      seen.good++;
      // What was kept of a GET is given to a HEAD too.
      if (text !== `${path} ${method} ${body.length}` && text !== `${path} GET 0`)
        wrong.push(`${method} ${path} of ${body.length} got ${text}`);
      if (answer.isComplete && method !== 'HEAD' && answer.text !== text)
        wrong.push(`${method} ${path} of ${body.length} got ${text} with ${answer.text}`);
    }
    if (isCovered) seen.coveredFor++;
    return answer.isComplete && answer.field('connection') !== 'close';
  }

  async function mischief(): Promise<void> {
    while (!isOver()) {
      await sleep(random.below(300));
      const index = random.below(ENDPOINTS);
      const what = random.pick(['change', 'change', 'freeze', 'restart']);
      if (what === 'change') {
        sidecar.write(file());
        sidecar.child.kill('SIGHUP');
      } else if (what === 'freeze') {
        frozen.add(index);
        setTimeout(() => frozen.delete(index), random.below(600));
      } else {
        const { port } = endpoints[index]!;
        await endpoints[index]!.stop();
        await sleep(random.below(300));
        endpoints[index] = await startEndpoint(index, port);
      }
    }
  }

  it('every request gets one answer, no POST is sent twice, and nothing is left', async () => {
    endsAt = performance.now() + FOR_MS;
    await Promise.all([mischief(), ...Array.from({ length: APPLICATIONS }, application)]);
    assert.deepEqual(wrong, []);
    assert.deepEqual(
      [...posts].filter(([, times]) => times > 1),
      [],
    );
    assert.ok(
      Math.min(...Object.values(seen), posts.size) > 5,
      JSON.stringify({ ...seen, posts: posts.size }),
    );
    await sidecar.quiet(['svc', 'other']);
    assert.equal((await sidecar.config()).refused, null);
    for (const name of ['svc', 'other']) {
      const { inFlight, endpoints: left } = await sidecar.upstream(name);
      assert.deepEqual([inFlight, ...left.map(({ outstanding }) => outstanding)], [0, ...left.map(() => 0)]);
    }
    assert.ok(!sidecar.log.some(({ level }) => level === 'fatal' || level === 'error'));
  });
});
