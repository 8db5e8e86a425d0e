import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from './harness/closed-port.ts';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

/** A hold that no machine is too slow for. */
const PATIENT = { limits: { hold: '60s' }, timeouts: { total: '90s' } };
const SHORT_MS = 500;

describe('requests for an upstream whose endpoints all can not be connected to for a while', () => {
  let sidecar: SidecarProcess;
  const ports: Record<string, number> = {};
  const clients: RawClient[] = [];
  let upstreams: RawUpstream[] = [];

  before(async () => {
    for (const name of ['alone', 'in-flight', 'wrong', 'short', 'few', 'a', 'b', 'c', 'd'])
      ports[name] = await closedPort();
    const at = (...names: string[]) => names.map(name => `127.0.0.1:${ports[name]}`);
    const few = { ...PATIENT, limits: { ...PATIENT.limits, pending: 2 } };
    const short = { limits: { hold: `${SHORT_MS}ms` } };
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          alone: { endpoints: at('alone'), policy: PATIENT },
          'in-flight': { endpoints: at('in-flight'), policy: PATIENT },
          wrong: { endpoints: at('wrong'), policy: PATIENT },
          short: { endpoints: at('short'), policy: short },
          few: { endpoints: at('few'), policy: few },
          several: { endpoints: at('a', 'b', 'c', 'd'), policy: { ...PATIENT, retry: { attempts: 2 } } },
        },
      },
    });
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(upstreams.splice(0).map(upstream => upstream.stop()));
  });

  after(() => sidecar?.kill());

  const start = async (name: string): Promise<RawUpstream> => {
    const upstream = await RawUpstream.start({
      port: ports[name],
      onRequest: (request, connection) => connection.answer(200, `${name} ${request.method} ${request.text}`),
    });
    upstreams.push(upstream);
    return upstream;
  };

  const stop = async (...stopped: RawUpstream[]): Promise<void> => {
    upstreams = upstreams.filter(upstream => !stopped.includes(upstream));
    await Promise.all(stopped.map(upstream => upstream.stop()));
  };

  /** Each on a connection of its own. */
  const ask = async (request: string): Promise<Message> => {
    const client = await RawClient.connect(sidecar.port);
    clients.push(client);
    return client.ask(request);
  };

  const waiting = async (name: string) => (await sidecar.upstream(name)).connections.waiting;

  it('wait, of whatever method, and are answered when it is back', async () => {
    await stop(
      await start('alone').then(async upstream => {
        await ask(get('/', 'alone'));
        return upstream;
      }),
    );
    const answers = [ask(get('/', 'alone')), ask(post('/', 'order', 'alone')), ask(get('/', 'alone'))];
    await until(async () => (await waiting('alone')) === 3, 'three requests that wait');
    const { endpoints } = await sidecar.upstream('alone');
    const { attempts } = endpoints[0]!;
    // Long enough for many rounds of the search: none of them is an attempt of a request.
    await sleep(500);
    assert.equal((await sidecar.upstream('alone')).endpoints[0]!.attempts, attempts);
    const back = await start('alone');
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    assert.deepEqual(texts, ['alone GET ', 'alone POST order', 'alone GET ']);
    assert.equal(back.requests.length, 3);
  });

  it('fail at once where it never could be connected to', async () => {
    const since = performance.now();
    for (let i = 0; i < 3; i++) {
      const answer = await ask(get('/', 'wrong'));
      assert.equal(answer.field('x-outrider-error'), 'connect-failure');
      assert.match(answer.text, new RegExp(`connecting to 127.0.0.1:${ports.wrong} failed: ECONNREFUSED`));
    }
    assert.ok(performance.now() - since < 30_000);
    assert.equal((await sidecar.upstream('wrong')).connections.held, 0);
  });

  it('fail when it has been so for limits.hold, and from then on at once', async () => {
    const upstream = await start('short');
    await ask(get('/', 'short'));
    await stop(upstream);
    const held = await ask(get('/', 'short'));
    assert.equal(held.field('x-outrider-error'), 'no-endpoint');
    assert.match(held.text, /no endpoint that can be connected to for 500 ms \(limits.hold\)/);
    assert.match(held.text, /ECONNREFUSED/);
    const { connections } = await sidecar.upstream('short');
    const next = await ask(get('/', 'short'));
    assert.equal(next.field('x-outrider-error'), 'connect-failure');
    assert.equal((await sidecar.upstream('short')).connections.held, connections.held);
    await start('short');
    assert.equal((await ask(get('/', 'short'))).status, 200);
  });

  it('are refused beyond limits.pending', async () => {
    const upstream = await start('few');
    await ask(get('/', 'few'));
    await stop(upstream);
    const held = [ask(get('/', 'few')), ask(get('/', 'few'))];
    await until(async () => (await waiting('few')) === 2, 'two requests that wait');
    const refused = await ask(get('/', 'few'));
    assert.equal(refused.field('x-outrider-error'), 'overflow');
    assert.match(refused.text, /few can not be connected to right now and 2 requests wait already/);
    await start('few');
    for (const { status } of await Promise.all(held)) assert.equal(status, 200);
  });

  it('wait though there are more endpoints than attempts', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map(start));
    for (let i = 0; i < 12; i++) await ask(get('/', 'several'));
    await stop(...all);
    const held = Array.from({ length: 6 }, () => ask(post('/', 'x', 'several')));
    await until(async () => (await waiting('several')) === 6, 'six requests that wait');
    await start('d');
    for (const { text } of await Promise.all(held)) assert.equal(text, 'd POST x');
  });

  it('that were under way are sent again when it is back if they are idempotent, else never', async () => {
    const upstream = await start('in-flight');
    upstream.options = {};
    // Connections that have carried nothing before: no request is taken for one that came too late for its connection.
    const got = ask(get('/got', 'in-flight'));
    const posted = ask(post('/posted', 'order', 'in-flight'));
    await Promise.all([upstream.requested('/got'), upstream.requested('/posted')]);
    await stop(upstream);
    assert.equal((await posted).field('x-outrider-error'), 'reset');
    await until(async () => (await waiting('in-flight')) === 1, 'a request that waits');
    const back = await start('in-flight');
    assert.equal((await got).text, 'in-flight GET ');
    assert.deepEqual(
      back.requests.map(({ target }) => target),
      ['/got'],
    );
  });
});

describe('a request that the only endpoint did not answer', () => {
  it('is sent to it again, as often as may be, over another connection', async () => {
    const upstream = await RawUpstream.start((_, connection) => {
      if (upstream.requests.length < 3) connection.reset();
      else connection.answer(200, 'at last');
    });
    const sidecar = await SidecarProcess.start({
      file: { upstreams: { only: { endpoints: [upstream.address], policy: { retry: { attempts: 3 } } } } },
    });
    try {
      const client = await RawClient.connect(sidecar.port);
      assert.equal((await client.ask(get('/', 'only'))).text, 'at last');
      assert.equal(upstream.requests.length, 3);
      upstream.forget();
      upstream.options = { onRequest: (_, connection) => connection.reset() };
      const answer = await client.ask(get('/', 'only'));
      assert.equal(answer.field('x-outrider-error'), 'retry-exhausted');
      // The connection that is left from before is one more: the endpoint may have closed it by itself.
      assert.ok(upstream.requests.length <= 4, `${upstream.requests.length} times`);
      client.close();
    } finally {
      await sidecar.kill();
      await upstream.stop();
    }
  });
});
