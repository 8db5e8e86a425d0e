import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { ok, RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

type Script = (request: Message, connection: RawUpstreamConnection) => void;

const unable: Script = (_, connection) => connection.answer(503, 'busy');

describe('with the retries that nobody wrote', () => {
  let sidecar: SidecarProcess;
  let client: RawClient;
  let bad: RawUpstream;
  let good: RawUpstream[];

  before(async () => {
    bad = await RawUpstream.start();
    good = [await RawUpstream.start(), await RawUpstream.start()];
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          svc: {
            endpoints: [bad, ...good].map(({ address }) => address),
            // The bad endpoint has to stay in use: what becomes of it otherwise is tested in outliers.test.ts.
            policy: { balancer: 'round-robin', outliers: 'off' },
          },
        },
      },
    });
    client = await RawClient.connect(sidecar.port);
  });

  afterEach(() => {
    for (const upstream of [bad, ...good]) upstream.forget();
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    for (const upstream of [bad, ...(good ?? [])]) await upstream?.stop();
  });

  let turn = 0;
  const SCRIPTS: readonly [string, Script][] = [
    ['answers 503 to all', unable],
    [
      'answers 503 to every third',
      (request, connection) => (turn++ % 3 === 0 ? unable : ok)(request, connection),
    ],
    ['closes at once', (_, connection) => connection.close()],
    ['resets after it has read the request', (_, connection) => connection.reset()],
  ];
  for (const [what, script] of SCRIPTS) {
    it(`no GET fails while one of three endpoints ${what}`, async () => {
      bad.options = { onRequest: script };
      for (let i = 0; i < 30; i++) assert.equal((await client.ask(get(`/${i}`))).status, 200);
      assert.ok(bad.requests.length >= 3, `${bad.requests.length} went to the bad endpoint`);
    });
  }

  it('no POST is sent twice, whatever the endpoints do', async () => {
    for (const script of SCRIPTS) {
      bad.options = { onRequest: script[1] };
      for (let i = 0; i < 30; i++) await client.ask(post('/', `${script[0]} ${i}`));
    }
    const seen = [bad, ...good].flatMap(({ requests }) => requests.map(({ text }) => text));
    assert.deepEqual([seen.length, new Set(seen).size], [120, 120]);
  });

  it('retries say which attempt they are, and are in the log, with why there were no more', async () => {
    bad.options = { onRequest: unable };
    for (const upstream of good) upstream.options = { onRequest: unable };
    const answer = await client.ask(get('/in-vain'));
    for (const upstream of good) upstream.options = { onRequest: ok };
    assert.deepEqual([answer.status, answer.text], [503, 'busy']);
    assert.equal(answer.field('x-outrider-retry'), 'exhausted');
    const sent = [bad, ...good].flatMap(({ requests }) => requests);
    assert.deepEqual(sent.map(request => request.field('x-outrider-attempt') ?? '1').sort(), ['1', '2', '3']);
    const line = await sidecar.logged('/in-vain');
    assert.deepEqual([line.attempts, line.retryRefused], [3, 'attempts']);
    const metrics = await sidecar.metrics();
    const refused = metrics.value('outrider_retries_refused_total', { upstream: 'svc', reason: 'attempts' });
    assert.equal(refused, 1);
    const { retryBudget } = (await sidecar.upstream()) as unknown as { retryBudget: { retries: number } };
    assert.ok(retryBudget.retries >= 2);
  });

  it('what is a retry already is not sent again, and says so', async () => {
    bad.options = { onRequest: unable };
    const statuses = [];
    for (let i = 0; i < 3; i++) {
      statuses.push(
        (await client.ask(get('/').replace('\r\n\r\n', '\r\nx-outrider-attempt: 2\r\n\r\n'))).status,
      );
    }
    assert.deepEqual(statuses.sort(), [200, 200, 503]);
  });
});

describe('what bounds retries', () => {
  let inner: SidecarProcess;
  let outer: SidecarProcess;
  let client: RawClient;
  let upstream: RawUpstream;
  const policy = { retry: { on: ['5xx', 'reset'], budget: { ratio: '20%', floor: 0 } } };

  before(async () => {
    upstream = await RawUpstream.start((_, connection) => connection.answer(500, 'oh no'));
    const other = { svc: { endpoints: [upstream.address], policy } };
    const few = {
      few: { endpoints: [upstream.address], policy: { retry: { ...policy.retry, budget: { floor: 3 } } } },
    };
    const patient = {
      patient: { endpoints: [upstream.address], policy: { retry: { on: [{ status: [429] }] } } },
    };
    inner = await SidecarProcess.start({ file: { upstreams: { ...other, ...few, ...patient } } });
    const endpoints = [`127.0.0.1:${inner.port}`];
    outer = await SidecarProcess.start({
      file: { upstreams: { svc: { endpoints, policy }, few: { endpoints, policy: few.few.policy } } },
    });
    client = await RawClient.connect(outer.port);
  });

  afterEach(() => upstream.forget());

  after(async () => {
    client?.close();
    await outer?.kill();
    await inner?.kill();
    await upstream?.stop();
  });

  it('when all is answered 500, one in five requests is sent again, through two sidecars too', async () => {
    for (let i = 0; i < 200; i++) assert.equal((await client.ask(get('/'))).status, 500);
    assert.ok(
      upstream.requests.length > 200 && upstream.requests.length <= 240,
      `${upstream.requests.length}`,
    );
  });

  it('a request that could be retried by two sidecars is retried by one', async () => {
    const answer = await client.ask(get('/', 'few'));
    assert.deepEqual([answer.status, answer.field('x-outrider-retry')], [500, 'exhausted']);
    assert.equal(upstream.requests.length, 3);
  });

  it('Retry-After is waited for, up to a bound', async () => {
    const own = await RawClient.connect(inner.port);
    const { options } = upstream;
    let asked = 0;
    upstream.options = {
      onRequest: (_, connection) =>
        asked++ === 0 ? connection.answer(429, '', 'Retry-After: 1\r\n') : connection.answer(200),
    };
    const begun = performance.now();
    assert.equal((await own.ask(get('/', 'patient'))).status, 200);
    assert.ok(performance.now() - begun >= 990);
    upstream.options = { onRequest: (_, connection) => connection.answer(429, '', 'Retry-After: 2\r\n') };
    assert.equal((await own.ask(get('/', 'patient'))).field('retry-after'), '2');
    upstream.options = options;
    own.close();
  });
});
