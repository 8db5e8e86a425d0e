import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askControlPlane, judgeControlPlane, judgeToken } from '../../../sidecar/checks/control-plane.ts';
import { startControlPlane } from '../../control-plane/running.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { FullBacklog } from '../../e2e/harness/full-backlog.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';

const LONG = 30_000;

function ask(url: string, token = '', timeoutMs = LONG) {
  return askControlPlane({ url, token, sidecar: 'check' }, timeoutMs);
}

test('one that is there is fine, and nothing of the question stays', async t => {
  const running = await startControlPlane(t);
  const answers = await ask(running.url);
  assert.deepEqual(judgeControlPlane(answers), {
    result: 'ok',
    detail: `${running.url} is ready, reached from 127.0.0.1`,
    fix: null,
  });
  assert.equal(judgeToken(answers, '', null).detail, 'none is needed');
  assert.deepEqual((await running.call('GET', '/v1/sidecars')).body.items, []);
});

test('one that is not there fails, and the token is not known', async () => {
  const answers = await ask(`http://127.0.0.1:${await closedPort()}`);
  const { result, detail, fix } = judgeControlPlane(answers);
  assert.equal(result, 'failed');
  assert.match(detail, /ECONNREFUSED/);
  assert.match(fix!, /^Start it/);
  assert.equal(judgeToken(answers, 'x', null).result, 'skipped');
});

test('one that does not answer fails in time', async t => {
  const silent = await FullBacklog.start();
  t.after(() => silent.stop());
  const answers = await ask(`http://127.0.0.1:${silent.port}`, '', 100);
  assert.match(judgeControlPlane(answers).detail, /did not answer within 100 ms$/);
});

test('another program at its address fails', async t => {
  const other = await HttpUpstream.start((_, response) => response.writeHead(404).end());
  t.after(() => other.stop());
  const { result, fix } = judgeControlPlane(await ask(`http://${other.address}`));
  assert.equal(result, 'failed');
  assert.match(fix!, /if that is another program/);
});

test('something in between that lets no stream through fails', async t => {
  const { url } = await startControlPlane(t);
  const proxy = await HttpUpstream.start(async ({ url: path }, response) => {
    if (path === '/v1/watch') return void response.writeHead(400).end();
    const answer = await fetch(url + path);
    response.writeHead(answer.status).end(await answer.text());
  });
  t.after(() => proxy.stop());
  const { result, detail, fix } = judgeControlPlane(await ask(`http://${proxy.address}`));
  assert.equal(result, 'failed');
  assert.match(detail, /the stream to it does not open: it answered 400/);
  assert.match(fix!, /HTTP upgrades/);
});

test('a token that is right is accepted, a wrong one and none are not', async t => {
  const { url } = await startControlPlane(t, { tokens: { admin: 'root', sidecar: 'secret' } });
  assert.equal(judgeToken(await ask(url, 'secret'), 'secret', null).detail, 'accepted');
  for (const [token, cause] of [
    ['wrong', 'the control plane refuses it'],
    ['', 'the control plane asks for a token, and there is none'],
  ] as const) {
    const answers = await ask(url, token);
    assert.equal(judgeControlPlane(answers).result, 'ok', 'that is told once');
    const { result, detail, fix } = judgeToken(answers, token, null);
    assert.deepEqual([result, detail], ['failed', cause]);
    assert.match(fix!, /OUTRIDER_SIDECAR_TOKEN/);
  }
});

test('where the running sidecar keeps its token to itself, its own connection counts', async t => {
  const { url } = await startControlPlane(t, { tokens: { admin: 'root', sidecar: 'secret' } });
  const answers = await ask(url);
  assert.equal(judgeToken(answers, null, true).result, 'ok');
  assert.equal(judgeToken(answers, null, false).result, 'skipped');
});
