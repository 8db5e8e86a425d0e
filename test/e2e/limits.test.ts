import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { ok, RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

let clients: RawClient[] = [];

async function open(sidecar: SidecarProcess): Promise<RawClient> {
  const client = await RawClient.connect(sidecar.port);
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

describe('what an application may ask for is bounded', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({
      file: {
        downstream: {
          headSize: '1KiB',
          headFields: 8,
          headTimeout: '300ms',
          idleTimeout: '600ms',
          requestBody: '10KiB',
          pipelined: '4KiB',
        },
        upstreams: {
          hasty: {
            endpoints: [upstream.address],
            policy: { timeouts: { total: '500ms', attempt: '400ms' } },
          },
          svc: { endpoints: [upstream.address], policy: { limits: { headSize: '1KiB', headFields: 8 } } },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  afterEach(() => {
    upstream.options = { onRequest: ok };
  });

  it('a head, to the byte', async () => {
    const fits = get('/', 'svc', `X-Fill: ${'x'.repeat(1024 - get('/', 'svc', 'X-Fill: \r\n').length)}\r\n`);
    assert.equal(fits.length, 1024);
    const client = await open(sidecar);
    assert.equal((await client.ask(fits)).status, 200);
    assert.equal((await client.ask(fits.replace('X-Fill: ', 'X-Fill: x'))).status, 431);
    assert.equal(await client.ended(), 'fin');
  });

  it('its fields, to the field', async () => {
    const client = await open(sidecar);
    assert.equal((await client.ask(get('/', 'svc', 'X-A: 1\r\n'.repeat(7)))).status, 200);
    assert.equal((await client.ask(get('/', 'svc', 'X-A: 1\r\n'.repeat(8)))).status, 431);
  });

  it('a body, to the byte', async () => {
    const client = await open(sidecar);
    assert.equal((await client.ask(post('/', 'x'.repeat(10_240)))).status, 200);
    assert.equal((await client.ask(post('/', 'x'.repeat(10_241)))).status, 413);
  });

  it('a chunked body that grows beyond it on its way', async () => {
    const client = await open(sidecar);
    client.send('POST /growing HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    client.send(chunk).send(chunk);
    await until(() => upstream.connections.at(-1)!.reader.current?.body.length === 8192, 'two chunks');
    client.send(chunk);
    const answer = await client.answer('POST');
    assert.equal(answer.status, 413, answer.text);
    assert.equal(await client.ended(), 'fin');
    await upstream.connections.at(-1)!.ended();
    const line = await sidecar.logged('/growing');
    assert.deepEqual([line.flag, line.status], ['DPE', 413]);
  });

  it('the time for a head, also where a byte comes now and then', async () => {
    const client = await open(sidecar);
    client.send('GET / HTTP/1.1\r\n');
    const drip = setInterval(() => client.send('X'), 50);
    const answer = await client.answer();
    clearInterval(drip);
    assert.equal(answer.status, 408);
    await client.ended();
  });

  it('how long a connection is kept that nobody uses', async () => {
    const client = await open(sidecar);
    const unused = await open(sidecar);
    for (let i = 0; i < 4; i++) {
      await sleep(200);
      assert.equal((await client.ask(get('/'))).status, 200);
    }
    // The other one has been silent since it was opened; this one was used all the time.
    assert.equal(await unused.ended(), 'fin');
    assert.equal(await client.ended(), 'fin');
  });

  it('but not how long an answer takes', async () => {
    upstream.options = { onRequest: (_, connection) => void setTimeout(() => connection.answer(200), 900) };
    const client = await open(sidecar);
    assert.equal((await client.ask(get('/slow'))).status, 200);
  });

  it('nor how long the application takes to send its request', async () => {
    const client = await open(sidecar);
    client.send('POST /slowly HTTP/1.1\r\nHost: hasty\r\nContent-Length: 10\r\n\r\n');
    for (let i = 0; i < 10; i++) {
      await sleep(100);
      client.send('x');
    }
    assert.equal((await client.answer('POST')).status, 200);
  });

  it('what is taken of further requests while one is under way', async () => {
    let first: RawUpstreamConnection | undefined;
    upstream.options = {
      onRequest(request, connection) {
        if (request.target === '/first') first = connection;
        else connection.answer(200, request.target);
      },
    };
    const client = await open(sidecar);
    const more = Array.from({ length: 20_000 }, (_, i) => get(`/pipelined-${i}`));
    client.send(get('/first')).send(more.join(''));
    await upstream.requested('/first');
    await sleep(100);
    const taken = client.socket.bytesWritten - client.socket.writableLength;
    // The kernel holds some of it, but nothing beyond a read or two is in the sidecar.
    first!.answer(200, '/first');
    assert.equal((await client.answer()).text, '/first');
    for (let i = 0; i < 200; i++) assert.equal((await client.answer()).text, `/pipelined-${i}`);
    assert.ok(taken > 0);
  });

  it('the head of an answer', async () => {
    const answers: readonly (readonly [string, RegExp])[] = [
      [`X-Fill: ${'x'.repeat(2_000)}\r\n`, /a head of more than 1024 bytes/],
      ['X-A: 1\r\n'.repeat(8), /more than 8/],
    ];
    for (const [fields, says] of answers) {
      upstream.options = { onRequest: (_, connection) => connection.answer(200, '', fields) };
      const answer = await (await open(sidecar)).ask(get('/'));
      assert.equal(answer.status, 502);
      assert.match(answer.text, says);
    }
  });

  it('and slow ones keep nobody from being served', async () => {
    const slow = await Promise.all(Array.from({ length: 300 }, () => open(sidecar)));
    for (const client of slow) client.send('POST /slow HTTP/1.1\r\nHost: svc\r\nContent-Length: 5\r\n\r\n12');
    const slower = await Promise.all(Array.from({ length: 300 }, () => open(sidecar)));
    const drip = setInterval(() => {
      for (const client of slower) client.send('G');
    }, 50);
    const client = await open(sidecar);
    for (let i = 0; i < 20; i++) assert.equal((await client.ask(get('/'))).status, 200);
    for (const late of slower) await late.ended();
    clearInterval(drip);
    for (const late of slow) late.send('345');
    for (const late of slow) assert.equal((await late.answer('POST')).status, 200);
  });

  it('leaves nothing behind', async () => {
    await sidecar.quiet();
  });
});

describe('connections to upstreams are bounded', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let other: RawUpstream;
  let waiting: { request: Message; connection: RawUpstreamConnection }[] = [];

  before(async () => {
    const hold = (request: Message, connection: RawUpstreamConnection) => {
      waiting.push({ request, connection });
      upstream.changes.notify();
    };
    upstream = await RawUpstream.start(hold);
    other = await RawUpstream.start(hold);
    const limits = { connections: 2, pending: 100, pendingFor: '20s' };
    sidecar = await SidecarProcess.start({
      file: {
        connections: 3,
        upstreams: {
          svc: { endpoints: [upstream.address], policy: { limits } },
          pair: { endpoints: [upstream.address, other.address], policy: { limits, balancer: 'round-robin' } },
          other: { endpoints: [other.address], policy: { limits } },
        },
      },
    });
  });

  afterEach(() => {
    waiting = [];
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
    await other?.stop();
  });

  const held = (count: number) =>
    upstream.changes.until(() => waiting.length >= count, `${count} requests upstream`);

  /** So that nothing comes to anybody because an idle connection was closed. */
  const KEPT = 'Keep-Alive: timeout=60\r\n';

  const release = () => {
    const { request, connection } = waiting.shift()!;
    connection.answer(200, request.target, KEPT);
    return request.target;
  };

  /** Sends requests one after another, each on a connection of its own. */
  async function queue(host: string, count: number): Promise<RawClient[]> {
    const queued: RawClient[] = [];
    for (let i = 0; i < count; i++) {
      const client = await open(sidecar);
      queued.push(client.send(get(`/${host}-${i}`, host)));
      const { connections, inFlight } = await sidecar.upstream(host);
      assert.ok(connections.busy <= 2);
      await until(
        async () => (await sidecar.upstream(host)).inFlight === i + 1,
        `${i + 1} instead of ${inFlight}`,
      );
    }
    return queued;
  }

  it('of one upstream: the others wait, and are served in the order in which they came', async () => {
    const queued = await queue('svc', 12);
    await held(2);
    const state = await sidecar.upstream('svc');
    assert.deepEqual([state.connections.open, state.connections.waiting], [2, 10]);
    const order: string[] = [];
    for (let i = 0; i < 12; i++) {
      // One at a time: of two that go out together either may arrive first.
      await held(Math.min(2, 12 - i));
      order.push(release());
    }
    assert.deepEqual(
      order,
      Array.from({ length: 12 }, (_, i) => `/svc-${i}`),
    );
    for (const [i, client] of queued.entries()) assert.equal((await client.answer()).text, `/svc-${i}`);
  });

  it('whoever waits gets the first connection that comes free, to whichever endpoint', async () => {
    const queued = await queue('pair', 8);
    const order: string[] = [];
    for (let i = 0; i < 8; i++) {
      await held(Math.min(2, 8 - i));
      order.push(release());
    }
    assert.deepEqual(
      order,
      Array.from({ length: 8 }, (_, i) => `/pair-${i}`),
    );
    for (const [i, client] of queued.entries()) assert.equal((await client.answer()).text, `/pair-${i}`);
  });

  it('of all upstreams together, idle ones making room', async () => {
    const first = await queue('svc', 2);
    await held(2);
    const second = await queue('other', 2);
    await held(3);
    const all = async () => {
      const states = await Promise.all(['svc', 'pair', 'other'].map(name => sidecar.upstream(name)));
      return states.reduce((sum, { connections }) => sum + connections.open, 0);
    };
    assert.equal(await all(), 3);
    assert.equal((await sidecar.upstream('other')).connections.waiting, 1);
    // An answer to one upstream makes room for the request to the other at once: nobody waits for an idle connection.
    const index = waiting.findIndex(({ request }) => request.target === '/svc-0');
    const answeredAt = performance.now();
    waiting.splice(index, 1)[0]!.connection.answer(200, 'ok', KEPT);
    assert.equal((await first[0]!.answer()).text, 'ok');
    await held(3);
    const took = performance.now() - answeredAt;
    assert.ok(took < 15_000, `${took} ms, and an idle connection is closed after a minute`);
    assert.equal(await all(), 3);
    while (waiting.length > 0) release();
    assert.equal((await first[1]!.answer()).status, 200);
    for (const client of second) assert.equal((await client.answer()).status, 200);
  });

  it('one that can not use the connection that comes free gets its place', async () => {
    await queue('svc', 2);
    await held(2);
    const tunnel = await open(sidecar);
    tunnel.send('CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\n\r\n');
    await until(async () => (await sidecar.upstream('svc')).connections.waiting === 1, 'one that waits');
    const answeredAt = performance.now();
    release();
    assert.equal((await tunnel.answer('CONNECT')).status, 200);
    const took = performance.now() - answeredAt;
    assert.ok(took < 15_000, `${took} ms, and an idle connection is closed after a minute`);
    release();
    tunnel.reset();
  });

  it('an application that gives up while it waits makes room for the next', async () => {
    const queued = await queue('svc', 5);
    await held(2);
    queued[2]!.close();
    queued[3]!.reset();
    await until(async () => (await sidecar.upstream('svc')).connections.waiting === 1, 'one that waits');
    release();
    release();
    await held(1);
    assert.equal(release(), '/svc-4');
    assert.equal((await queued[4]!.answer()).status, 200);
  });

  it('leaves nothing behind', async () => {
    await sidecar.quiet(['svc', 'pair', 'other']);
  });
});

describe('connections of applications are bounded', () => {
  it('more are not served until one is closed', async () => {
    const upstream = await RawUpstream.start();
    const sidecar = await SidecarProcess.start({
      file: { downstream: { connections: 3 }, upstreams: { svc: { endpoints: [upstream.address] } } },
    });
    const first = await Promise.all([open(sidecar), open(sidecar), open(sidecar)]);
    for (const client of first) assert.equal((await client.ask(get('/'))).status, 200);
    const fourth = await open(sidecar);
    await fourth.ended();
    assert.equal((await sidecar.metrics()).value('outrider_downstream_connections_refused_total'), 1);
    await until(() => sidecar.log.some(({ msg }) => msg.includes('(downstream.connections)')), 'a warning');
    first[0]!.close();
    await until(async () => (await sidecar.metrics()).value('outrider_downstream_connections') === 2, 'room');
    assert.equal((await (await open(sidecar)).ask(get('/'))).status, 200);
    await sidecar.kill();
    await upstream.stop();
  });
});

describe('what reaches a service is bounded', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let waiting: RawUpstreamConnection[] = [];

  before(async () => {
    upstream = await RawUpstream.start((request, connection) => {
      if (request.target === '/slow') waiting.push(connection);
      else ok(request, connection);
    });
    const endpoints = [upstream.address];
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          narrow: { endpoints, policy: { limits: { concurrency: 2, pending: 1, pendingFor: '30s' } } },
          rated: { endpoints, policy: { rateLimit: { rate: 1, per: '10m', burst: 2, header: 'x-tenant' } } },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  it('by the requests that are under way at once', async () => {
    waiting = [];
    const slow = await Promise.all([open(sidecar), open(sidecar)]);
    const answers = slow.map(client => client.ask(get('/slow', 'narrow')));
    await until(() => waiting.length === 2, 'two requests at the endpoint');
    const third = (await open(sidecar)).ask(get('/third', 'narrow'));
    const metrics = async (name: string) => (await sidecar.metrics()).value(name, { upstream: 'narrow' });
    await until(async () => (await metrics('outrider_upstream_pending')) === 1, 'one that waits');
    const fourth = await open(sidecar);
    const refused = await fourth.ask(get('/', 'narrow'));
    assert.deepEqual([refused.status, refused.field('x-outrider-error')], [503, 'overflow']);
    assert.match(
      String(refused.json.detail),
      /^All 2 requests .* narrow at once are \(limits\.concurrency\), and 1 more wait already \(limits\.pending\)/,
    );
    const { concurrency } = (await sidecar.upstream('narrow')) as unknown as { concurrency: object };
    assert.deepEqual(concurrency, {
      limit: 2,
      inFlight: 2,
      waiting: 1,
      waitsAtMostMs: 30_000,
      isShedding: false,
      usualMs: 0,
      adaptive: null,
    });
    for (const connection of waiting) connection.answer(200, 'slow');
    for (const answer of await Promise.all(answers)) assert.equal(answer.text, 'slow');
    assert.equal((await third).status, 200);
    assert.ok(Number((await sidecar.logged('/third')).waitedMs) > 0);
    assert.equal((await fourth.ask(get('/', 'narrow'))).status, 200);
    assert.equal(await metrics('outrider_upstream_overflow_total'), 1);
  });

  it('by how many come in a time, for each value of a header', async () => {
    const client = await open(sidecar);
    const ask = (tenant: string) => client.ask(get('/', 'rated', `X-Tenant: ${tenant}\r\n`));
    const statuses: (number | null)[] = [];
    for (const tenant of ['a', 'b', 'a', 'a']) statuses.push((await ask(tenant)).status);
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    const refused = await ask('a');
    assert.equal(refused.field('x-outrider-error'), 'rate-limited');
    const seconds = Number(refused.field('retry-after'));
    assert.ok(seconds > 0 && seconds <= 600, String(seconds));
  });
});
