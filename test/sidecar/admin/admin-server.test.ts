import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Log } from '../../../process/log.ts';
import { AdminServer } from '../../../sidecar/admin/admin-server.ts';
import type { AdminView, Readiness } from '../../../sidecar/admin/admin-view.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe('AdminServer', () => {
  let server: AdminServer;
  let readiness: Readiness;
  let drains: number;
  let drained: Promise<void>;
  let logged: unknown[][];
  let renderings: number;
  let costMs: number;

  const view: AdminView = {
    info: () => ({ service: 'orders' }),
    config: () => {
      throw new Error('broken');
    },
    upstreams: () => {
      const end = performance.now() + costMs;
      while (performance.now() < end);
      return [{ name: 'inventory', endpoints: [] }];
    },
    ready: () => readiness,
    drain: async () => {
      drains++;
      await drained;
    },
    metrics: async () => {
      renderings++;
      return 'outrider_build_info 1\n';
    },
  };
  const log = { error: (...values: unknown[]) => logged.push(values) } as unknown as Log;

  before(async () => {
    server = await AdminServer.start({ host: '127.0.0.1', port: 0 }, view, log);
  });

  beforeEach(() => {
    readiness = { ready: true, reasons: [] };
    drains = 0;
    drained = Promise.resolve();
    logged = [];
    renderings = 0;
    costMs = 0;
  });

  after(() => server.stop());

  async function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const sent = request({ ...server.address, method, path, headers, agent: false });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }

  async function openSocket(): Promise<Socket> {
    const socket = connect(server.address);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  test('is alive', async () => {
    const { status, body } = await ask('GET', '/healthz');
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), { status: 'ok' });
  });

  test('says whether it is ready, and why not', async () => {
    assert.equal((await ask('GET', '/readyz')).status, 200);
    readiness = { ready: false, reasons: ["The upstream 'inventory' has no endpoints yet."] };
    const { status, body } = await ask('GET', '/readyz');
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), readiness);
  });

  test('shows the metrics as Prometheus reads them', async () => {
    const { headers, body } = await ask('GET', '/metrics');
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(body, 'outrider_build_info 1\n');
  });

  test('shows what it is in JSON that a person can read', async () => {
    const { headers, body } = await ask('GET', '/v1/info?verbose');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(body, '{\n  "service": "orders"\n}\n');
    assert.deepEqual(JSON.parse((await ask('GET', '/v1/upstreams')).body), view.upstreams());
  });

  test('answers HEAD as GET, without the body', async () => {
    const { status, headers, body } = await ask('HEAD', '/v1/info');
    assert.equal(status, 200);
    assert.equal(headers['content-length'], '26');
    assert.equal(body, '');
  });

  test('waits for the drain where it is asked to, as long as that says', async () => {
    const long = await ask('POST', '/v1/drain?wait=30s', { 'content-length': '0' });
    assert.deepEqual([long.status, JSON.parse(long.body)], [200, { draining: true, drained: true }]);
    drained = new Promise(() => {});
    const short = await ask('POST', '/v1/drain?wait=10ms', { 'content-length': '0' });
    assert.deepEqual([short.status, JSON.parse(short.body)], [200, { draining: true, drained: false }]);
    const { status, body } = await ask('POST', '/v1/drain?wait=long', { 'content-length': '0' });
    assert.equal(status, 400);
    assert.match(body, /no duration of up to 60s/);
    assert.equal(drains, 2);
  });

  test('begins to drain', async () => {
    const { status } = await ask('POST', '/v1/drain', { 'content-length': '0' });
    assert.equal(status, 202);
    assert.equal(drains, 1);
  });

  test('names the valid paths where there is none', async () => {
    for (const path of ['/', '/v1/infos', '/healthz/', '/v1/../healthz', '//healthz', '*']) {
      const { status, headers, body } = await ask('GET', path);
      assert.equal(status, 404, path);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.deepEqual(JSON.parse(body).paths, [
        ...['/healthz', '/readyz', '/metrics', '/v1/info', '/v1/config', '/v1/upstreams', '/v1/drain'],
      ]);
    }
  });

  test('names the methods that a path takes', async () => {
    for (const [method, path, allow] of [
      ['POST', '/healthz', 'GET, HEAD'],
      ['DELETE', '/v1/config', 'GET, HEAD'],
      ['OPTIONS', '/metrics', 'GET, HEAD'],
      ['GET', '/v1/drain', 'POST'],
      ['HEAD', '/v1/drain', 'POST'],
      ['PUT', '/v1/drain', 'POST'],
    ]) {
      const { status, headers } = await ask(method, path);
      assert.equal(status, 405, `${method} ${path}`);
      assert.equal(headers.allow, allow);
    }
    assert.equal(drains, 0);
  });

  test('a view that throws is answered with 500, and the log says why', async () => {
    const { status, body } = await ask('GET', '/v1/config');
    assert.equal(status, 500);
    assert.doesNotMatch(body, /broken/);
    assert.match(String((logged[0][0] as { err: Error }).err), /broken/);
  });

  test('does not answer to names that a web page may have had resolved to it', async () => {
    for (const host of ['attacker.example', 'attacker.example:15000', 'localhost.attacker.example', 'a b']) {
      const { status } = await ask('GET', '/v1/info', { host });
      assert.equal(status, 403, host);
    }
    for (const host of [
      'localhost:15000',
      '127.0.0.1',
      '[::1]:15000',
      '10.0.0.7:15000',
      'orders-sidecar:15000',
    ]) {
      const { status } = await ask('GET', '/v1/info', { host });
      assert.equal(status, 200, host);
    }
  });

  test('does not take calls that change something from web pages of others', async () => {
    const host = 'localhost:15000';
    const foreign: Record<string, string>[] = [
      { origin: 'http://attacker.example' },
      { origin: 'null' },
      { origin: 'http://localhost:3000' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    ];
    for (const headers of foreign) {
      assert.equal(
        (await ask('POST', '/v1/drain', { host, ...headers })).status,
        403,
        JSON.stringify(headers),
      );
    }
    assert.equal(drains, 0);
    const own: Record<string, string>[] = [{}, { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }];
    for (const headers of own) {
      assert.equal(
        (await ask('POST', '/v1/drain', { host, ...headers })).status,
        202,
        JSON.stringify(headers),
      );
    }
    assert.equal(drains, 2);
  });

  test('refuses a request that names two hosts', async () => {
    const socket = await openSocket();
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nHOST: localhost\r\nconnection: close\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*2 Host fields/);
  });

  test('answers requests that come at once in their order', async () => {
    const socket = await openSocket();
    const paths = ['/metrics', '/healthz', '/v1/info', '/metrics', '/nowhere', '/readyz'];
    for (const path of paths) socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    const statuses = (await text(socket)).match(/(?<=^HTTP\/1\.1 )\d+/gm);
    assert.deepEqual(statuses, ['200', '200', '200', '200', '404', '200', '200']);
    assert.equal(renderings, 2);
  });

  test('makes no answer for who asks without an end', async () => {
    const socket = await openSocket();
    const closed = new Promise(resolve => socket.on('close', resolve));
    socket.write('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(3000));
    socket.resume();
    await closed;
    assert.ok(renderings <= 2, `${renderings} renderings`);
  });

  test('pauses after a costly answer, so that most of the time is left for other work', async () => {
    costMs = 20;
    await ask('GET', '/v1/upstreams');
    const end = performance.now();
    await ask('GET', '/v1/upstreams');
    assert.ok(performance.now() - end >= 3 * costMs);
  });

  test('takes no large head and no large body', async () => {
    assert.equal((await ask('GET', '/healthz', { 'x-large': 'x'.repeat(10_000) })).status, 431);
    const socket = await openSocket();
    socket.resume();
    socket.write('POST /v1/drain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n');
    socket.write(Buffer.alloc(500_000));
    await new Promise(resolve => socket.on('close', resolve));
  });

  test('an address that is taken is an error that names it', async () => {
    await assert.rejects(AdminServer.start(server.address, view, log), {
      code: 'EADDRINUSE',
      message: new RegExp(`127\\.0\\.0\\.1:${server.address.port}`),
    });
  });

  test('stops, though a connection is kept alive and another one said nothing', {
    timeout: 10_000,
  }, async () => {
    const other = await AdminServer.start({ host: '127.0.0.1', port: 0 }, view, log);
    const silent = connect(other.address);
    silent.on('error', () => {});
    await once(silent, 'connect');
    const kept = connect(other.address);
    kept.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(kept, 'data');
    await Promise.all([other.stop(), other.stop()]);
    await other.stop();
    const late = connect(other.address);
    const [error] = await once(late, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    silent.destroy();
    kept.destroy();
  });
});
