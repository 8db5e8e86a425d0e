import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkApplication } from '../../../sidecar/checks/application.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { FullBacklog } from '../../e2e/harness/full-backlog.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';
import { configOf } from '../config/files.ts';

function appAt(port: number, health = '{ tcp: true, timeout: 30s }') {
  return configOf(`service: orders\napp: { port: ${port}, health: ${health} }`).app!;
}

test('an application that answers is fine, and how it was asked is told', async t => {
  const app = await HttpUpstream.start((_, response) => response.end());
  t.after(() => app.stop());
  const { port } = app;
  const byPath = await checkApplication(appAt(port, '{ path: /healthz, timeout: 30s }'), 30_000);
  assert.equal(byPath.detail, `is well by GET /healthz at 127.0.0.1:${port}`);
  assert.equal(
    (await checkApplication(appAt(port), 30_000)).detail,
    `accepts connections at 127.0.0.1:${port}`,
  );
});

test('one that is not there fails', async () => {
  const port = await closedPort();
  const { result, detail, fix } = await checkApplication(appAt(port), 30_000);
  assert.deepEqual([result, detail], ['failed', `the application does not listen on port ${port}`]);
  assert.match(fix!, /^Start it/);
});

test('one that is not well fails with another fix', async t => {
  const app = await HttpUpstream.start((_, response) => response.writeHead(503).end());
  t.after(() => app.stop());
  const finding = await checkApplication(appAt(app.port, '{ path: /healthz, timeout: 30s }'), 30_000);
  assert.equal(finding.detail, 'the application answers 503 to GET /healthz');
  assert.match(finding.fix!, /Its own log/);
});

test('one that does not answer fails within the time that the check has', async t => {
  const app = await FullBacklog.start();
  t.after(() => app.stop());
  const { result, detail } = await checkApplication(appAt(app.port), 100);
  assert.deepEqual(
    [result, detail],
    ['failed', `the application does not answer on port ${app.port} within 100 ms`],
  );
});
