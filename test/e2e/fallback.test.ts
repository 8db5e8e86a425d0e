import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { FaultyApp } from './harness/faulty-app.ts';
import { MeshProcesses } from './harness/mesh-processes.ts';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { ok, RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const marks = (answer: Message) => [
  answer.status,
  answer.field('x-outrider-fallback'),
  answer.field('x-outrider-error'),
];

interface FallbackView {
  readonly fallbacks: Readonly<Record<string, number>>;
  readonly answersKept: { readonly entries: number; readonly bytes: number } | null;
}

describe('an upstream that is killed', () => {
  let sidecar: SidecarProcess;
  let app: FaultyApp;
  let standby: FaultyApp;
  let client: RawClient;

  before(async () => {
    app = await FaultyApp.start('first');
    standby = await FaultyApp.start('second');
    const own = {
      methods: 'all',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"items":[]}',
    };
    const policy = (fallback: object) => ({
      endpoints: [app.address],
      policy: { limits: { hold: '0s' }, fallback },
    });
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          kept: policy({ cached: { maxAge: '1m' }, static: own }),
          svc: policy({ upstream: 'standby' }),
          own: policy({ static: own }),
          none: { endpoints: [app.address], policy: { limits: { hold: '0s' } } },
          standby: { endpoints: [standby.address] },
        },
      },
    });
    client = await RawClient.connect(sidecar.port);
    for (const host of ['kept', 'svc', 'own']) {
      const answer = await client.ask(get('/before', host));
      assert.deepEqual([answer.text, ...marks(answer)], ['first', 200, null, null]);
    }
    await app.kill();
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await standby?.kill();
  });

  it('has its last good answer given in its place, with its age', async () => {
    const answer = await client.ask(get('/before', 'kept'));
    assert.deepEqual([answer.text, ...marks(answer)], ['first', 200, 'cached', 'connect-failure']);
    assert.match(answer.field('age') ?? '', /^\d$/);
    assert.equal(answer.field('content-type'), 'text/plain');
    const head = await client.ask(get('/before', 'kept').replace('GET', 'HEAD'));
    assert.deepEqual([head.text, ...marks(head)], ['', 200, 'cached', 'connect-failure']);
    assert.equal(head.field('content-length'), '5');
  });

  it('has a static one given where there is none', async () => {
    for (const request of [
      get('/never', 'kept'),
      get('/before', 'kept', 'Cookie: a=1\r\n'),
      post('/', 'x', 'own'),
    ]) {
      const answer = await client.ask(request);
      assert.deepEqual(marks(answer), [200, 'static', 'connect-failure']);
      assert.deepEqual([answer.json, answer.field('content-type')], [{ items: [] }, 'application/json']);
    }
  });

  it('has another one asked in its place, by its own name', async () => {
    for (const request of [get('/'), post('/', 'new'), get('/').replace('GET', 'HEAD')]) {
      const answer = await client.ask(request);
      assert.deepEqual(marks(answer), [200, 'upstream', 'connect-failure']);
      assert.equal(answer.text, request.startsWith('HEAD') ? '' : 'second');
    }
    assert.equal((await sidecar.upstream('standby')).requests, 3);
  });

  it('fails as ever without a fallback', async () => {
    assert.deepEqual(marks(await client.ask(get('/', 'none'))), [503, null, 'connect-failure']);
  });

  it('is seen to fail in metrics, the access log and the admin API', async () => {
    await client.ask(get('/seen', 'own'));
    const line = await sidecar.logged('/seen');
    assert.deepEqual([line.status, line.fallback, line.error], [200, 'static', 'connect-failure']);
    const metrics = await sidecar.metrics();
    const count = (kind: string) => metrics.value('outrider_fallbacks_total', { upstream: 'kept', kind });
    assert.deepEqual(['cached', 'upstream', 'static'].map(count), [2, 0, 2]);
    assert.equal(metrics.value('outrider_failures_total', { upstream: 'kept', kind: 'connect-failure' }), 4);
    const view = (await sidecar.upstream('kept')) as unknown as FallbackView;
    assert.deepEqual(view.fallbacks, { cached: 2, static: 2 });
    assert.equal(view.answersKept?.entries, 1);
    assert.ok(view.answersKept.bytes > 500 && view.answersKept.bytes < 2_000);
    assert.equal(((await sidecar.upstream('own')) as unknown as FallbackView).answersKept, null);
  });
});

describe('a fallback', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let client: RawClient;

  const file = (fallback: object, policy: object = {}) => ({
    upstreams: {
      svc: { endpoints: [upstream.address], policy: { retry: { attempts: 1 }, ...policy, fallback } },
    },
  });
  const own = { status: 204 };

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({ file: file({ static: own }) });
    client = await RawClient.connect(sidecar.port);
  });

  afterEach(() => {
    upstream.options = { onRequest: ok };
    upstream.forget();
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await upstream?.stop();
  });

  const kept = async () => ((await sidecar.upstream()) as unknown as FallbackView).answersKept;

  it('is given when the total timeout has passed, and the upstream is not waited for', async () => {
    await sidecar.reconfigure(file({ static: own }, { timeouts: { total: '300ms' } }));
    upstream.options = { onRequest() {} };
    const begun = performance.now();
    const answer = await client.ask(get('/late'));
    assert.ok(performance.now() - begun >= 290);
    assert.deepEqual([answer.text, ...marks(answer)], ['', 204, 'static', 'deadline']);
    assert.equal(answer.field('content-length'), null);
    await upstream.connections.at(-1)!.ended();
  });

  it('is given after a while where the upstream is slow, to who can have one; others go on waiting', async () => {
    await sidecar.reconfigure(file({ static: own, after: '200ms' }));
    upstream.options = { onRequest: (request, connection) => void setTimeout(ok, 600, request, connection) };
    const begun = performance.now();
    assert.deepEqual(marks(await client.ask(get('/slow'))), [204, 'static', 'deadline']);
    assert.ok(performance.now() - begun < 590);
    assert.equal((await client.ask(post('/slow', 'x'))).status, 200);
  });

  it('is given by an open breaker at once, and nobody is asked', async () => {
    const breaker = { minimumCalls: 2, openFor: '1m' };
    await sidecar.reconfigure(file({ static: own }, { breaker }));
    upstream.options = { onRequest: (_, connection) => connection.answer(503, 'busy') };
    for (const _ of [1, 2]) assert.deepEqual(marks(await client.ask(get('/'))), [204, 'static', null]);
    const asked = upstream.requests.length;
    assert.equal(asked, 2);
    assert.deepEqual(marks(await client.ask(get('/open'))), [204, 'static', 'breaker-open']);
    assert.equal(upstream.requests.length, asked);
    const line = await sidecar.logged('/open');
    assert.ok(line.durationMs < 20, `${line.durationMs} ms`);
    assert.deepEqual((await sidecar.logged('/')).coveredStatus, 503);
  });

  it('is of nobody else', async () => {
    await sidecar.reconfigure(file({ cached: {} }));
    const as = (user: string, field = 'Authorization') => get('/mine', 'svc', `${field}: ${user}\r\n`);
    upstream.options = { onRequest: (_, connection) => connection.answer(200, 'secret') };
    for (const request of [as('me'), as('me', 'Cookie')]) await client.ask(request);
    upstream.options = {
      onRequest: (_, connection) => connection.answer(200, 'secret', 'Set-Cookie: session=1\r\n'),
    };
    await client.ask(get('/mine'));
    assert.deepEqual((await kept())?.entries, 0);
    upstream.options = { onRequest: (_, connection) => connection.answer(200, 'open') };
    await client.ask(get('/mine'));
    upstream.options = { onRequest: (_, connection) => connection.reset() };
    assert.equal((await client.ask(as('me'))).status, 503);
    assert.deepEqual([(await client.ask(get('/mine'))).text, (await kept())?.entries], ['open', 1]);
  });

  it('keeps no large answers, which are streamed as ever', async () => {
    await sidecar.reconfigure(file({ cached: {} }, { limits: { concurrency: 9 } }));
    const large = 'x'.repeat(100_000);
    upstream.options = {
      onRequest(_, { socket }) {
        socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`);
      },
    };
    client.send(get('/large'));
    await client.head();
    await client.until(() => client.reader.current?.body.length === 3, 'the first piece');
    upstream.connections.at(-1)!.socket.write(`${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`);
    assert.equal((await client.answer()).text.length, 100_003);
    upstream.options = { onRequest: (_, connection) => connection.answer(200, large) };
    assert.equal((await client.ask(get('/large'))).text.length, 100_000);
    upstream.options = { onRequest: (_, connection) => connection.reset() };
    assert.equal((await client.ask(get('/large'))).status, 503);
  });

  it('keeps nothing that broke off, or that ended with its connection', async () => {
    await sidecar.reconfigure(file({ cached: {} }, { limits: { concurrency: 8 } }));
    const before = (await kept())?.entries;
    upstream.options = {
      onRequest: (_, { socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\nhalf'),
    };
    const torn = await RawClient.connect(sidecar.port);
    assert.equal((await torn.send(get('/torn')).answer()).isComplete, false);
    torn.close();
    upstream.options = { onRequest: (_, { socket }) => void socket.end('HTTP/1.1 200 OK\r\n\r\nhalf') };
    assert.equal((await client.ask(get('/ended'))).text, 'half');
    assert.equal((await kept())?.entries, before);
  });

  it('leaves a POST alone unless it is static', async () => {
    await sidecar.reconfigure(file({ cached: {} }, { limits: { concurrency: 7 } }));
    upstream.options = { onRequest: (_, connection) => connection.reset() };
    assert.deepEqual(marks(await client.ask(post('/', 'x'))), [503, null, 'reset']);
    await sidecar.reconfigure(file({ static: { methods: 'all', status: 202, body: 'later' } }));
    const answer = await client.ask(post('/', 'x'));
    assert.deepEqual([answer.text, ...marks(answer)], ['later', 202, 'static', 'reset']);
  });

  it('leaves nothing behind', async () => {
    client.close();
    await sidecar.quiet();
  });
});

describe('a fallback that the control plane tells of', () => {
  let mesh: MeshProcesses;
  before(async () => {
    mesh = await MeshProcesses.start();
  });
  after(() => mesh?.close());

  it('may be a service that nobody has called yet', async () => {
    const body = JSON.stringify({ policy: { limits: { hold: '0s' }, fallback: { upstream: 'standby' } } });
    const headers = { 'content-type': 'application/json' };
    const put = (service: string) =>
      fetch(`${mesh.url}/v1/services/${service}`, { method: 'PUT', headers, body });
    assert.equal((await put('orders')).status, 201);
    const itself = await put('standby');
    assert.equal(itself.status, 400);
    assert.match(await itself.text(), /policy\.fallback\.upstream: is standby itself/);
    await mesh.register(await mesh.startApp('standby', 'v1'));
    const caller = await mesh.startSidecar();
    const client = await RawClient.connect(caller.port);
    assert.deepEqual(marks(await client.ask(get('/first', 'orders'))), [200, 'upstream', 'no-endpoint']);
    assert.match((await client.ask(get('/again', 'orders'))).text, /^standby\/v1 GET \/again/);
    client.close();
  });
});
