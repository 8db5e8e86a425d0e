import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadedUpstream } from './harness/loaded-upstream.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

const put = (target: string, body: string) =>
  `PUT ${target} HTTP/1.1\r\nHost: svc\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a request beside one that an endpoint is slow to answer', () => {
  let sidecar: SidecarProcess;
  let client: RawClient;
  let quick: RawUpstream;
  /** Answers when the test says so. */
  let slow: RawUpstream;

  before(async () => {
    quick = await RawUpstream.start((request, connection) => connection.answer(200, `quick ${request.text}`));
    slow = await RawUpstream.start(() => {});
    const endpoints = [slow.address, quick.address];
    // In turn, so that half of all requests begin with the slow endpoint; which stays in use.
    const policy = { balancer: 'round-robin', outliers: 'off', hedge: { after: '30ms' } };
    const frugal = { ...policy, retry: { budget: { ratio: '0%', floor: 0 } } };
    sidecar = await SidecarProcess.start({
      file: { upstreams: { svc: { endpoints, policy }, frugal: { endpoints, policy: frugal } } },
    });
    client = await RawClient.connect(sidecar.port);
  });

  afterEach(() => {
    quick.forget();
    slow.forget();
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await quick?.stop();
    await slow?.stop();
  });

  const answerLate = (_: unknown, connection: RawUpstreamConnection) => {
    setTimeout(() => connection.answer(200, 'slow'), 150);
  };

  /** Asks until a request has gone to the slow endpoint first; its connection there. */
  const askSlowFirst = async (request: (target: string) => string) => {
    for (let i = 0; i < 4; i++) {
      const target = `/${i}`;
      const answer = await client.ask(request(target));
      assert.deepEqual([answer.status, answer.isComplete], [200, true]);
      if (slow.requests.length > 0) return { answer, target, connection: slow.connections[0]! };
    }
    throw new Error('no request went to the slow endpoint');
  };

  it('is answered by the other, and the slow one sees that nobody waits', async () => {
    const { target, connection } = await askSlowFirst(path => get(path));
    assert.notEqual(await connection.ended(), null);
    const [request] = quick.requests.filter(({ target: path }) => path === target);
    assert.equal(request?.field('x-outrider-attempt'), '2');
    const line = await sidecar.logged(target);
    assert.deepEqual([line.attempts, line.hedges, line.endpoint], [2, 1, quick.address]);
    const metrics = await sidecar.metrics();
    const labels = { upstream: 'svc' };
    assert.ok(metrics.value('outrider_hedges_total', labels) >= 1);
    assert.ok(metrics.value('outrider_hedges_won_total', labels) >= 1);
    assert.equal(metrics.value('outrider_retries_total', labels), 0);
    const [bad] = (await sidecar.upstream()).endpoints;
    assert.deepEqual([bad!.failures, bad!.outstanding], [0, 0]);
  });

  it('is waited for where only an interim answer has come', async () => {
    slow.options = {
      onRequest(_, connection) {
        connection.send('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
        setTimeout(() => connection.answer(200, 'slow'), 50);
      },
    };
    for (const path of ['/1', '/2', '/3', '/4']) {
      let answer = await client.ask(get(path, 'frugal'));
      if (answer.status === 103) answer = await client.answer();
      assert.deepEqual([answer.status, answer.isComplete], [200, true]);
    }
    assert.ok(slow.requests.length > 0);
    slow.options = { onRequest() {} };
  });

  it('brings the same body to both', async () => {
    const { answer } = await askSlowFirst(path => put(path, 'hello'));
    assert.equal(answer.text, 'quick hello');
    assert.equal(slow.requests[0]!.text, 'hello');
  });

  it('is not sent where it must not be done twice', async () => {
    slow.options = { onRequest: answerLate };
    for (let i = 0; i < 4; i++) assert.equal((await client.ask(post('/', 'x'))).status, 200);
    slow.options = { onRequest() {} };
    assert.equal(quick.requests.length + slow.requests.length, 4);
    assert.ok(slow.requests.length > 0);
  });

  it('is not sent beyond the budget', async () => {
    slow.options = { onRequest: answerLate };
    const frugal = await RawClient.connect(sidecar.port);
    for (let i = 0; i < 4; i++) assert.equal((await frugal.ask(get(`/${i}`, 'frugal'))).status, 200);
    frugal.close();
    slow.options = { onRequest() {} };
    assert.equal(quick.requests.length + slow.requests.length, 4);
    const metrics = await sidecar.metrics();
    const labels = { upstream: 'frugal', reason: 'budget' };
    assert.ok(metrics.value('outrider_hedges_refused_total', labels) >= 1);
  });
});

describe('three endpoints under a steady load', () => {
  const svc = new LoadedUpstream();
  const { apps } = svc;
  const RATE = 200;
  const labels = { upstream: 'svc' };

  const begin = async (policy: Record<string, unknown>) => {
    await svc.begin(svc.fileOf(apps, { balancer: 'round-robin', ...policy }), RATE);
    return svc;
  };

  /** The part of the requests of some seconds that took longer than 200 ms. */
  const lateOf = async () => {
    const { load } = svc;
    const before = load.latencies.length;
    await sleep(3_000);
    const latencies = load.latencies.slice(before);
    assert.ok(latencies.length > RATE, `${latencies.length} answers`);
    return latencies.filter(ms => ms > 200).length / latencies.length;
  };

  for (const [hedge, title] of [
    [null, 'one of them is slow now and then, and the slowest requests are as slow as that'],
    [{ after: 'p90' }, 'of which it is hardly ever noticed where requests are hedged'],
  ] as const) {
    it(title, async () => {
      const { load } = await begin({ outliers: 'off', hedge });
      await apps[0]!.become('hiccups');
      let late = await lateOf();
      // A machine that is busy with something else is late whatever is done.
      for (let again = 0; again < 3 && hedge !== null && late >= 0.01; again++) late = await lateOf();
      if (hedge === null) assert.ok(late > 0.03, `${late} were late`);
      else assert.ok(late < 0.01, `${late} were late`);
      await load.stop();
      assert.deepEqual(load.failures, []);
    });
  }

  it('all are slow: no more is sent than the budget permits', async () => {
    const { sidecar, load } = await begin({ outliers: 'off', hedge: {} });
    for (const app of apps) await app.become('slow');
    await sleep(3_000);
    await load.stop();
    const hedges = (await sidecar.metrics()).value('outrider_hedges_total', labels);
    assert.ok(hedges > 0 && hedges <= 0.2 * load.sent + 30, `${hedges} of ${load.sent}`);
    assert.deepEqual(load.failures, []);
  });

  it('one is frozen: it is left out, although nothing waits for it for long', async () => {
    const { sidecar, load } = await begin({ hedge: {} });
    await until(() => load.answered > 2 * RATE, 'a while of good answers');
    apps[0]!.freeze();
    await until(async () => {
      const [bad] = (await sidecar.upstream()).endpoints;
      return (bad as { ejected?: { reason: string } }).ejected?.reason === 'unanswered';
    }, 'its being left out');
    apps[0]!.thaw();
    await load.stop();
    assert.deepEqual(load.failures, []);
  });
});
