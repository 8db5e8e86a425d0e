import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { AccessLogLine } from '../../sidecar/telemetry/access-log-entry.ts';
import { closedPort } from './harness/closed-port.ts';
import { FullBacklog } from './harness/full-backlog.ts';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess, type UpstreamState } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

let sidecar: SidecarProcess;
let endpoints: RawUpstream[];
let lost: RawUpstream;
let backlog: FullBacklog;
let clients: RawClient[] = [];

/** What an endpoint does with a request, by the end of its path. */
function behave({ target }: Message, connection: RawUpstreamConnection): void {
  const what = target.slice(target.lastIndexOf('/') + 1);
  if (what === 'reset') connection.reset();
  else if (what === 'garbage') connection.send('This is no HTTP.\r\n\r\n');
  else if (what === 'exhausted') connection.answer(503, '', 'x-outrider-retry: exhausted\r\n');
  else if (what === 'later') connection.answer(503, '', 'Retry-After: 30\r\n');
  else if (what === 'once') answerLater(target, connection);
  else if (what === 'first-silent' && !isRepeated(target)) return;
  else if (what !== 'silent') connection.answer(/^\d+$/.test(what) ? Number(what) : 200, what);
}

function isRepeated(target: string): boolean {
  return (
    endpoints.flatMap(({ requests }) => requests).filter(request => request.target === target).length > 1
  );
}

/** Answers 503 the first time, and 200 whoever is asked again. */
function answerLater(target: string, connection: RawUpstreamConnection): void {
  connection.answer(isRepeated(target) ? 200 : 503);
}

before(async () => {
  endpoints = [await RawUpstream.start(behave), await RawUpstream.start(behave)];
  lost = await RawUpstream.start();
  backlog = await FullBacklog.start();
  const both = endpoints.map(({ address }) => address);
  const upstream = (policy: object, to = both) => ({ endpoints: to, policy: { outliers: 'off', ...policy } });
  const once = { attempts: 1 };
  sidecar = await SidecarProcess.start({
    file: {
      // What is told of here is told of whatever is sampled.
      accessLog: { sample: '0%' },
      egress: { unknownHosts: 'refuse' },
      upstreams: {
        svc: upstream({ retry: { attempts: 2 } }),
        single: upstream({ limits: { hold: '0s' } }, both.slice(0, 1)),
        empty: upstream({}, []),
        closed: upstream({}, [`127.0.0.1:${await closedPort()}`]),
        filtered: upstream({ timeouts: { connect: '200ms' }, retry: once }, [`127.0.0.1:${backlog.port}`]),
        lost: upstream({ limits: { hold: '30s' } }, [lost.address]),
        hasty: upstream({ timeouts: { attempt: '200ms' }, retry: once }),
        due: upstream({ timeouts: { total: '200ms' } }),
        held: upstream({ breaker: { force: { state: 'open' } } }),
        broken: upstream({ breaker: { minimumCalls: 2, openFor: '1h' }, retry: once }),
        narrow: upstream({ limits: { concurrency: 1, pendingFor: '100ms' } }),
        rated: upstream({ rateLimit: { rate: 1, per: '1h' } }),
        faulty: upstream({ fault: { abort: { with: 418 } } }),
        poor: upstream({ retry: { budget: { ratio: '0%', floor: 0 } } }),
        covered: upstream({ fallback: { static: { body: 'Later.' } }, retry: once }),
        hedged: upstream({ hedge: { after: '100ms' } }),
        sick: {
          endpoints: both,
          policy: { outliers: { consecutiveFailures: 2 }, retry: once, balancer: 'round-robin' },
        },
      },
    },
  });
});

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

after(async () => {
  await sidecar?.kill();
  for (const upstream of [...(endpoints ?? []), lost]) await upstream?.stop();
  await backlog?.stop();
});

async function open(): Promise<RawClient> {
  const client = await RawClient.connect(sidecar.port);
  clients.push(client);
  return client;
}

let asked = 0;
/** Sends a request whose path ends in what is to happen to it, and gets the line of the log. */
async function lineOf(
  host: string,
  what: string,
  more: { post?: string; put?: string; fields?: string } = {},
) {
  const path = `/${++asked}/${what}`;
  const client = await open();
  const { fields = '' } = more;
  if (more.put !== undefined) await client.ask(post(path, more.put, host, fields).replace('POST', 'PUT'));
  else if (more.post !== undefined) await client.ask(post(path, more.post, host, fields));
  else await client.ask(get(path, host, fields));
  return sidecar.logged(path);
}

const address = (index: number) => endpoints[index]!.address;
/** What was tried, without where. */
const triedOf = ({ tried }: AccessLogLine) => tried?.map(one => one.split(' ')[1]);

describe('a request that failed is told of in the access log', () => {
  const rows: readonly (readonly [
    error: string,
    host: string,
    what: string,
    status: number,
    flag: string,
    detail: RegExp,
  ])[] = [
    ['no-route', 'nobody', '200', 404, 'NR', /nobody/],
    ['no-endpoint', 'empty', '200', 503, 'UH', /empty has no endpoint/],
    ['connect-failure', 'closed', '200', 503, 'UF', /ECONNREFUSED.*no other endpoint/],
    ['connect-timeout', 'filtered', '200', 503, 'UF', /200 ms \(timeouts\.connect\)/],
    ['attempt-timeout', 'hasty', 'silent', 504, 'UT', /200 ms \(timeouts\.attempt\)/],
    ['deadline', 'due', 'silent', 504, 'DT', /200 ms \(timeouts\.total\)/],
    ['breaker-open', 'held', '200', 503, 'UO', /held open \(breaker\.force\)/],
    ['bad-response', 'svc', 'garbage', 502, 'UPE', /./],
    ['fault-injected', 'faulty', '200', 418, 'FI', /on purpose.*\(fault\.abort\)/],
  ];
  for (const [error, host, what, status, flag, detail] of rows) {
    it(`${error}: with ${flag}`, async () => {
      const line = await lineOf(host, what);
      assert.deepEqual([line.error, line.status, line.flag], [error, status, flag]);
      assert.match(line.detail ?? '', detail);
      assert.equal(line.upstream, host === 'nobody' ? '(none)' : host);
    });
  }

  it('overflow: with the limit, and how long it waited', async () => {
    (await open()).send(get('/occupies/silent', 'narrow'));
    await until(async () => (await sidecar.upstream('narrow')).inFlight === 1, 'one under way');
    const line = await lineOf('narrow', '200');
    assert.deepEqual([line.error, line.status, line.flag], ['overflow', 503, 'UO']);
    assert.match(line.detail ?? '', /limits\./);
    assert.ok((line.waitedMs ?? 0) > 0, String(line.waitedMs));
  });

  it('rate-limited: with RL', async () => {
    await lineOf('rated', '500');
    const line = await lineOf('rated', '200');
    assert.deepEqual([line.error, line.status, line.flag], ['rate-limited', 429, 'RL']);
    assert.match(line.detail ?? '', /\(rateLimit\)/);
  });

  it('bad-request: with DPE, and nothing of what it said', async () => {
    (await open()).send('GET / HTTP/1.1\r\nHost: svc\r\nNo field\r\n\r\n');
    const find = () => sidecar.accessLog.find(({ error }) => error === 'bad-request');
    await until(() => find() !== undefined, 'a line');
    assert.deepEqual([find()?.status, find()?.flag, find()?.path], [400, 'DPE', undefined]);
  });

  it('client-gone: with DC, and with nothing for a status', async () => {
    const client = await open();
    client.send(get('/gone/silent'));
    await until(() => endpoints.some(({ requests }) => requests.at(-1)?.target === '/gone/silent'), 'it');
    client.reset();
    const line = await sidecar.logged('/gone/silent');
    assert.deepEqual([line.error, line.status, line.flag], ['client-gone', 0, 'DC']);
  });

  it('retry-exhausted: with each endpoint and what became of it there', async () => {
    const line = await lineOf('svc', 'reset');
    assert.deepEqual(
      [line.error, line.lastError, line.flag, line.attempts],
      ['retry-exhausted', 'reset', 'URX,UC', 2],
    );
    assert.deepEqual([...(line.tried ?? [])].sort(), [`${address(0)} reset`, `${address(1)} reset`].sort());
    assert.equal(line.tried?.at(-1), `${line.endpoint} reset`);
    assert.equal(line.retryRefused, 'attempts');
  });

  it('an answer of 5xx that was passed on, like a failure', async () => {
    const line = await lineOf('svc', '500');
    assert.deepEqual([line.status, line.flag, line.attempts, line.tried], [500, '-', 1, undefined]);
  });
});

describe('a request that was not sent again although it should have been is told of with the reason', () => {
  const rows: readonly (readonly [string, string, string, Parameters<typeof lineOf>[2]?])[] = [
    ['attempts', 'svc', '503'],
    ['method', 'svc', 'reset', { post: 'x' }],
    ['body', 'svc', '503', { put: 'x'.repeat(1_000_000) }],
    ['no-other', 'single', 'reset'],
    ['nested', 'svc', '503', { fields: 'x-outrider-attempt: 2\r\n' }],
    ['exhausted', 'svc', 'exhausted'],
    ['retry-after', 'single', 'later'],
    ['budget', 'poor', '503'],
  ];
  for (const [reason, host, what, more] of rows) {
    it(reason, async () => {
      const line = await lineOf(host, what, more);
      assert.equal(line.retryRefused, reason);
      const metrics = await sidecar.metrics();
      assert.ok(metrics.value('outrider_retries_refused_total', { upstream: host, reason }) >= 1);
    });
  }
});

describe('a request that went well after all is told of with its way', () => {
  it('retried', async () => {
    const line = await lineOf('svc', 'once');
    assert.deepEqual([line.status, line.attempts, triedOf(line)], [200, 2, ['503', '200']]);
    assert.equal(line.tried?.at(-1), `${line.endpoint} 200`);
  });

  it('hedged', async () => {
    const line = await lineOf('hedged', 'first-silent');
    assert.deepEqual([line.status, line.hedges, triedOf(line)], [200, 1, ['200', 'outrun']]);
  });

  it('covered for', async () => {
    const line = await lineOf('covered', 'reset');
    assert.deepEqual([line.status, line.fallback, line.error], [200, 'static', 'reset']);
    const { coveredStatus, fallback } = await lineOf('covered', '503');
    assert.deepEqual([coveredStatus, fallback], [503, 'static']);
  });

  it('and one that just went well is left to the sample', async () => {
    const client = await open();
    assert.equal((await client.ask(get('/fine/200'))).status, 200);
    await lineOf('svc', '500');
    assert.equal(
      sidecar.accessLog.some(({ path }) => path === '/fine/200'),
      false,
    );
  });
});

/** These values, and whatever else there is. */
function assertHas(actual: object | undefined, expected: object): void {
  const keys = Object.keys(expected);
  assert.deepEqual(Object.fromEntries(keys.map(key => [key, (actual as never)?.[key]])), expected);
}

describe('GET /v1/upstreams tells', () => {
  type Ejected = { readonly reason: string; readonly returnsAt: string };
  type View = UpstreamState & Readonly<Record<string, never>>;
  const view = async (name: string) => (await sidecar.upstream(name)) as View;

  it('the state of the breaker, with the numbers that led to it', async () => {
    for (const _ of [1, 2]) await lineOf('broken', '500');
    const line = await lineOf('broken', '200');
    assert.match(
      line.detail ?? '',
      /is open: of 2 calls 2 failed and 0 were slow\. It tries again in \d+ ms\./,
    );
    const { state, retryAfterMs, lastChange } = (await view('broken')).breaker as Record<string, never>;
    assert.equal(state, 'open');
    assert.ok(retryAfterMs > 3_000_000, String(retryAfterMs));
    assertHas(lastChange, { from: 'closed', calls: 2, failed: 2, slow: 0 });
    assert.equal(((await view('held')).breaker as { state: string }).state, 'forced-open');
  });

  it('what is left of the retry budget', async () => {
    assert.equal(((await view('poor')).retryBudget as { left: number }).left, 0);
    const { left, retries } = (await view('svc')).retryBudget as { left: number; retries: number };
    assert.ok(left > 0 && retries > 0, `${left} ${retries}`);
  });

  it('why no further attempts were made', async () => {
    const { retriesRefused } = await view('single');
    assertHas(retriesRefused, { 'no-other': 1, 'retry-after': 1 });
  });

  it('endpoints that are left out, why, and until when', async () => {
    for (const _ of [1, 2, 3, 4]) await lineOf('sick', '500');
    const states = (await view('sick')).endpoints as unknown as { ejected?: Ejected }[];
    const ejected = states.map(endpoint => endpoint.ejected).filter(one => one !== undefined);
    assert.equal(ejected.length, 1);
    assert.equal(ejected[0]!.reason, 'consecutive-failures');
    assert.ok(Date.parse(ejected[0]!.returnsAt) > Date.now());
  });

  it('how many requests are under way of how many may be', async () => {
    const client = await open();
    client.send(get('/occupies-again/silent', 'narrow'));
    await until(async () => (await sidecar.upstream('narrow')).inFlight >= 1, 'one under way');
    assertHas((await view('narrow')).concurrency, { limit: 1, inFlight: 1 });
  });

  it('what is left of the rate', async () => {
    await lineOf('rated', '200');
    assert.deepEqual((await view('rated')).rateLimit, { rate: 1, per: '1h', header: null, left: 0, keys: 1 });
  });

  it('the fault that is made, and for how long', async () => {
    const { abort, leftMs } = (await view('faulty')).fault as { abort: object; leftMs: number };
    assert.deepEqual(abort, { with: 418, percent: '100%' });
    assert.ok(leftMs > 0 && leftMs <= 600_000, String(leftMs));
  });

  it('that requests wait for an endpoint that can be connected to, and how long they may', async () => {
    assert.equal((await (await open()).ask(get('/200', 'lost'))).status, 200);
    assert.equal((await view('lost')).hold, null);
    await lost.stop();
    (await open()).send(get('/waits', 'lost'));
    await until(async () => (await view('lost')).hold !== null, 'a request that waits');
    await until(async () => ((await view('lost')).hold as { waiting: number }).waiting === 1, 'one');
    const { reason, leftMs } = (await view('lost')).hold as { reason: string; leftMs: number };
    assert.equal(reason, 'no endpoint that can be connected to');
    assert.ok(leftMs > 0 && leftMs <= 30_000, String(leftMs));
    const [endpoint] = (await view('lost')).endpoints as unknown as { lost?: string }[];
    assert.match(endpoint?.lost ?? '', /ECONNREFUSED/);
  });
});
