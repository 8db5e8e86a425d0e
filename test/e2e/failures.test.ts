import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closedPort } from './harness/closed-port.ts';
import { FullBacklog } from './harness/full-backlog.ts';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

describe('what the application sees when an upstream can not answer', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let full: FullBacklog;
  let client: RawClient;
  let refused: readonly string[];

  before(async () => {
    refused = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${await closedPort()}`];
    full = await FullBacklog.start();
    upstream = await RawUpstream.start((request, connection) => {
      if (request.target.startsWith('/reset')) connection.reset();
      else if (request.target.startsWith('/garbage')) connection.send('SSH-2.0-OpenSSH_9.2\r\n\r\n');
      else if (!request.target.startsWith('/silent')) connection.answer(200, 'fine');
    });
    const endpoints = [upstream.address];
    sidecar = await SidecarProcess.start({
      file: {
        egress: { unknownHosts: 'refuse' },
        downstream: { headTimeout: '200ms', requestBody: '1KiB', halfClose: '50ms' },
        upstreams: {
          svc: { endpoints },
          empty: { endpoints: [] },
          down: { endpoints: refused.slice(0, 1) },
          'all-down': { endpoints: refused },
          unreachable: {
            endpoints: [`127.0.0.1:${full.port}`],
            policy: { timeouts: { connect: '100ms' } },
          },
          once: { endpoints, policy: { retry: { attempts: 1 } } },
          hasty: { endpoints, policy: { timeouts: { attempt: '100ms' } } },
          late: { endpoints, policy: { timeouts: { total: '100ms' } } },
          narrow: { endpoints, policy: { limits: { connections: 1, pending: 0 } } },
          patient: { endpoints, policy: { limits: { connections: 1, pendingFor: '100ms' } } },
        },
      },
    });
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await upstream?.stop();
    await full?.stop();
  });

  const open = async () => {
    client?.close();
    client = await RawClient.connect(sidecar.port);
    return client;
  };

  const failures = async (name: string, kind: string) =>
    (await sidecar.metrics()).value('outrider_failures_total', { upstream: name, kind });

  interface Expected {
    kind: string;
    status: number;
    flag: string;
    /** Words that the sentence for a person has. */
    says: RegExp;
  }

  /** Judges an answer that the sidecar made of a failure. */
  function assertProblem(answer: Message, { kind, status, says }: Omit<Expected, 'flag'>): void {
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.field('x-outrider-error'), kind);
    assert.equal(answer.field('content-type'), 'application/problem+json');
    assert.ok(answer.isComplete);
    const { type, title, status: told, code, detail } = answer.json;
    assert.deepEqual({ type, told, code }, { type: 'about:blank', told: status, code: kind });
    assert.equal(title, answer.line.slice('HTTP/1.1 503 '.length));
    assert.match(String(detail), says);
  }

  /** Provokes a failure, and judges the answer, the access log, the metric, and that the connection still serves. */
  async function fails(name: string, path: string, expected: Expected, request = get(path, name)) {
    const { kind, status, flag } = expected;
    const counted = kind === 'no-route' ? '(none)' : name;
    const before = await failures(counted, kind);
    const answer = await client.ask(request);
    assertProblem(answer, expected);

    const line = await sidecar.logged(path);
    assert.equal(line.flag, flag);
    assert.equal(line.error, kind);
    assert.equal(line.status, status);
    assert.equal(line.detail, answer.json.detail);
    assert.equal(line.upstream, counted);
    assert.equal(await failures(counted, kind), before + 1);

    assert.equal((await client.ask(get('/after'))).text, 'fine');
    return line;
  }

  it('no-route: nothing is configured for the host', async () => {
    await open();
    const says = /^No route leads to nowhere\.example: configured are svc, empty/;
    await fails('nowhere.example', '/no-route', { kind: 'no-route', status: 404, flag: 'NR', says });
  });

  it('no-endpoint: the upstream has none', async () => {
    await open();
    const says = /^empty has no endpoint/;
    await fails('empty', '/no-endpoint', { kind: 'no-endpoint', status: 503, flag: 'UH', says });
  });

  it('connect-failure: the only endpoint refuses', async () => {
    await open();
    const says = new RegExp(`connecting to ${refused[0]} failed: ECONNREFUSED`);
    const line = await fails('down', '/refused', { kind: 'connect-failure', status: 503, flag: 'UF', says });
    assert.equal(line.endpoint, refused[0]);
    assert.equal(line.attempts, 1);
  });

  it('connect-timeout: the endpoint is silent', async () => {
    await open();
    const says = new RegExp(`connecting to 127.0.0.1:${full.port} took longer than 100 ms`);
    const line = await fails('unreachable', '/silence', {
      kind: 'connect-timeout',
      status: 503,
      flag: 'UF',
      says,
    });
    assert.ok(line.durationMs >= 100 && line.durationMs < 14_000, `${line.durationMs} ms`);
  });

  it('reset: the endpoint drops the connection before it answers', async () => {
    await open();
    const says = new RegExp(`${upstream.address} was lost before it answered`);
    await fails('once', '/reset', { kind: 'reset', status: 503, flag: 'UC', says });
  });

  it('attempt-timeout: an attempt takes too long', async () => {
    await open();
    const says = /^hasty did not answer within 100 ms \(timeouts\.attempt\)/;
    const line = await fails('hasty', '/silent-attempt', {
      kind: 'attempt-timeout',
      status: 504,
      flag: 'UT',
      says,
    });
    assert.ok(line.durationMs >= 100 && line.durationMs < 14_000, `${line.durationMs} ms`);
  });

  it('deadline: the request takes too long in all', async () => {
    await open();
    const says = /^late did not answer within 100 ms \(timeouts\.total\)/;
    const line = await fails('late', '/silent-total', { kind: 'deadline', status: 504, flag: 'DT', says });
    assert.ok(line.durationMs >= 100 && line.durationMs < 14_000, `${line.durationMs} ms`);
    // The connection that carried it is of no more use.
    await upstream.connections.at(-1)!.ended();
  });

  /** Holds the one connection that the upstream may have. */
  async function occupy(name: string): Promise<RawClient> {
    const busy = await RawClient.connect(sidecar.port);
    busy.send(get(`/silent-${name}`, name));
    await upstream.requested(`/silent-${name}`);
    return busy;
  }

  it('overflow: too many wait for a connection', async () => {
    const busy = await occupy('narrow');
    await open();
    const says =
      /^narrow: the limit of 1 connections is reached \(limits\.connections\) and 0 requests wait for a connection already \(limits\.pending\)/;
    const line = await fails('narrow', '/too-many', { kind: 'overflow', status: 503, flag: 'UO', says });
    assert.ok(line.durationMs < 14_000, `${line.durationMs} ms`);
    // What the sidecar's own limits refuse is not held against the endpoint.
    assert.equal((await sidecar.upstream('narrow')).endpoints[0]!.failures, 0);
    busy.close();
  });

  it('overflow: no connection comes free in time', async () => {
    const busy = await occupy('patient');
    await open();
    const says =
      /reached \(limits\.connections\) and no connection came free within 100 ms \(limits\.pendingFor\)/;
    const line = await fails('patient', '/too-long', { kind: 'overflow', status: 503, flag: 'UO', says });
    assert.ok(line.durationMs >= 100 && line.durationMs < 14_000, `${line.durationMs} ms`);
    busy.close();
  });

  it('retry-exhausted: the other endpoint refuses as well', async () => {
    await open();
    const says = /failed: ECONNREFUSED\..* This was attempt 3\. All attempts were made/;
    const line = await fails('all-down', '/exhausted', {
      kind: 'retry-exhausted',
      status: 503,
      flag: 'URX,UF',
      says,
    });
    assert.equal(line.lastError, 'connect-failure');
    assert.equal(line.attempts, 3);
    const { retries, endpoints } = await sidecar.upstream('all-down');
    assert.equal(retries, 2);
    assert.deepEqual(endpoints.map(endpoint => endpoint.attempts).sort(), [1, 2]);
  });

  it('bad-response: the endpoint does not speak HTTP', async () => {
    await open();
    const says = new RegExp(`${upstream.address} brought an answer with`);
    await fails('svc', '/garbage', { kind: 'bad-response', status: 502, flag: 'UPE', says });
  });

  const overlong = 'x'.repeat(40_000);
  const BAD_REQUESTS: readonly (readonly [status: number, why: string, request: string])[] = [
    [400, 'a head that is none', 'GET / HTTP/1.1\r\nHost: svc\r\nno colon\r\n\r\n'],
    [400, 'both framings', `${get('/', 'svc', 'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n')}x`],
    [408, 'a head that does not end', 'GET / HTTP/1.1\r\nHost: '],
    [413, 'a body above the limit', post('/', 'x'.repeat(1025))],
    [413, 'a chunked body above the limit', chunkedPost('x'.repeat(1025))],
    [414, 'a request line above the limit', get(`/${overlong}`)],
    [417, 'an unknown expectation', get('/', 'svc', 'Expect: the-unexpected\r\n')],
    [431, 'a head above the limit', get('/', 'svc', `X-Long: ${overlong}\r\n`)],
    [431, 'fields above the limit', get('/', 'svc', 'X-Many: 1\r\n'.repeat(130))],
    [501, 'an unknown transfer coding', get('/', 'svc', 'Transfer-Encoding: gzip, chunked\r\n')],
    [505, 'another version', 'GET / HTTP/2.0\r\nHost: svc\r\n\r\n'],
  ];

  for (const [status, why, request] of BAD_REQUESTS) {
    it(`bad-request: ${status} for ${why}`, async () => {
      const refusals = async () =>
        (await sidecar.metrics()).value('outrider_refused_requests_total', { status: String(status) });
      const before = await refusals();
      const arrived = upstream.requests.length;
      sidecar.accessLog = [];
      await open();
      const answer = await client.ask(request);
      assertProblem(answer, { kind: 'bad-request', status, says: /^The request has / });
      assert.equal(answer.field('connection'), 'close');
      assert.equal(await client.ended(), 'fin');
      assert.equal(await refusals(), before + 1);
      assert.equal(upstream.requests.length, arrived, 'nothing of it reaches the upstream as a request');
      const lines = () => sidecar.accessLog.filter(({ error }) => error === 'bad-request');
      await until(() => lines().length > 0, 'a line of the access log');
      assert.deepEqual(
        lines().map(line => [line.flag, line.status]),
        [['DPE', status]],
      );
    });
  }

  for (const how of ['closes', 'resets'] as const) {
    it(`client-gone: the application ${how} its connection while it waits`, async () => {
      const path = `/silent-${how}`;
      const gone = async () => (await sidecar.metrics()).value('outrider_downstream_client_gone_total');
      const before = [await gone(), await failures('svc', 'client-gone')];
      await open();
      client.send(get(path));
      await upstream.requested(path);
      if (how === 'closes') client.close();
      else client.reset();
      await upstream.connections.at(-1)!.ended();
      const line = await sidecar.logged(path);
      assert.deepEqual([line.flag, line.error, line.status], ['DC', 'client-gone', 0]);
      assert.deepEqual(
        [await gone(), await failures('svc', 'client-gone')],
        before.map(count => count + 1),
      );
    });
  }

  it('leaves nothing behind', async () => {
    client.close();
    await sidecar.quiet([
      'svc',
      'hasty',
      'late',
      'narrow',
      'patient',
      'down',
      'all-down',
      'unreachable',
      '(none)',
    ]);
  });
});

function chunkedPost(body: string): string {
  const head = get('/', 'svc', 'Transfer-Encoding: chunked\r\n').replace('GET', 'POST');
  return `${head}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
