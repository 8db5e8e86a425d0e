import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkApp } from '../../../sidecar/registration/app-check.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';

const TCP = { path: null, interval: 1000, timeout: 200 };
const RUNNING = new AbortController().signal;
const HTTP = { ...TCP, path: '/healthz' };

describe('an application', () => {
  test('that has to answer 2xx', async () => {
    let status = 204;
    const paths: (string | undefined)[] = [];
    const app = await HttpUpstream.start(({ url }, response) => {
      paths.push(url);
      if (status > 0) response.writeHead(status).end('x');
    });
    assert.equal(await checkApp(app.port, HTTP, RUNNING), null);
    status = 503;
    assert.equal(await checkApp(app.port, HTTP, RUNNING), 'answers 503 to GET /healthz');
    status = 302;
    assert.equal(await checkApp(app.port, HTTP, RUNNING), 'answers 302 to GET /healthz');
    status = 0;
    assert.equal(
      await checkApp(app.port, HTTP, RUNNING),
      `does not answer on port ${app.port} within 200 ms`,
    );
    assert.deepEqual(new Set(paths), new Set(['/healthz']));
    await app.stop();
  });

  test('that has to take a connection', async () => {
    const app = await HttpUpstream.start(() => {});
    assert.equal(await checkApp(app.port, TCP, RUNNING), null);
    assert.equal(app.requests, 0);
    const { port } = app;
    await app.stop();
    assert.equal(await checkApp(port, TCP, RUNNING), `does not listen on port ${port}`);
  });

  test('that is not there', async () => {
    const port = await closedPort();
    assert.equal(await checkApp(port, HTTP, RUNNING), `does not listen on port ${port}`);
  });

  test('that does not answer is left at once when it is looked at no more', async () => {
    const app = await HttpUpstream.start(() => {});
    for (const health of [HTTP, TCP]) {
      const ending = new AbortController();
      const look = checkApp(app.port, { ...health, timeout: 60_000 }, ending.signal);
      ending.abort();
      assert.equal(await look, 'is not looked at any more');
      assert.equal(await checkApp(app.port, health, ending.signal), 'is not looked at any more');
    }
    await app.stop();
  });
});
