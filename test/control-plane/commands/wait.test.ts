import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WAIT_COMMAND } from '../../../control-plane/commands/wait.ts';
import { FullBacklog } from '../../e2e/harness/full-backlog.ts';
import { startControlPlane } from '../running.ts';
import { runCommand } from './command-runs.ts';

test('waits for as many instances as are asked for', async t => {
  const api = await startControlPlane(t);
  let isOver = false;
  const waiting = runCommand(WAIT_COMMAND, ['inventory=2', 'orders', '--control-plane', api.url]).finally(
    () => {
      isOver = true;
    },
  );
  await api.register('inventory', 'i1');
  await api.register('inventory', 'i2', { status: 'starting' });
  await api.register('orders', 'o1');
  await new Promise(resolve => setTimeout(resolve, 100));
  assert.equal(isOver, false);
  await api.register('inventory', 'i2');
  assert.deepEqual(await waiting, { code: 0, stdout: '', stderr: '' });
});

test('waits for a control plane that is not there yet', async t => {
  const before = await startControlPlane(t);
  const { port, url } = before;
  await before.controlPlane.stop();
  const waiting = runCommand(WAIT_COMMAND, ['--control-plane', url]);
  const after = await startControlPlane(t, { listen: { host: '127.0.0.1', port } });
  assert.equal(after.url, url);
  assert.equal((await waiting).code, 0);
});

test('says what is missing when the time is over', async t => {
  const api = await startControlPlane(t);
  await api.register('inventory', 'i1');
  const wait = (...args: string[]) =>
    runCommand(WAIT_COMMAND, [...args, '--timeout', '1s', '--control-plane', api.url]);
  const { code, stderr } = await wait('inventory=2', 'orders');
  assert.equal(code, 1);
  assert.equal(stderr, 'Not enough instances are up: inventory has 1 of 2, orders has 0 of 1 (waited 1s)\n');
  await api.controlPlane.stop();
  const away = await wait();
  assert.deepEqual([away.code, /can not be reached/.test(away.stderr)], [1, true]);
});

test('says so where the control plane does not answer', async t => {
  const silent = await FullBacklog.start();
  t.after(() => silent.stop());
  const url = `http://127.0.0.1:${silent.port}`;
  const { code, stderr } = await runCommand(WAIT_COMMAND, [
    'orders',
    '--timeout',
    '200ms',
    '--control-plane',
    url,
  ]);
  assert.deepEqual([code, stderr], [1, `The control plane at ${url} does not answer. (waited 200ms)\n`]);
});

test('does not wait for a token to become right', async t => {
  const api = await startControlPlane(t, { tokens: { admin: 'aaa', sidecar: null } });
  const started = performance.now();
  const { code, stderr } = await runCommand(WAIT_COMMAND, [
    'orders',
    '--control-plane',
    api.url,
    '--token',
    'x',
  ]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'The token is not one of this control plane. Give it by --token or $OUTRIDER_TOKEN.\n',
  );
  assert.ok(performance.now() - started < 30_000);
});

test('waits with --local for the control plane on this machine, and tells why one is not ready', async t => {
  const { port } = await startControlPlane(t);
  const environment = { OUTRIDER_ADMIN: 'off', OUTRIDER_CONTROL_PLANE_LISTEN: `0.0.0.0:${port}` };
  assert.equal((await runCommand(WAIT_COMMAND, ['--local'], environment)).code, 0);
  const sidecar = createServer((_, answer) => answer.writeHead(503).end('{"ready":false}\n'));
  t.after(() => sidecar.close());
  await once(sidecar.listen(0, '127.0.0.1'), 'listening');
  const { port: admin } = sidecar.address() as AddressInfo;
  const missing = await runCommand(WAIT_COMMAND, ['--local', '--timeout', '500ms'], {
    OUTRIDER_ADMIN: `127.0.0.1:${admin}`,
    OUTRIDER_CONTROL_PLANE_LISTEN: 'off',
  });
  assert.equal(missing.code, 1);
  const url = `http://127.0.0.1:${admin}/readyz`;
  assert.equal(missing.stderr, `${url} answers 503: {"ready":false} (waited 500ms)\n`);
});

test('asks with --local without fetch, which may have been told of a proxy: the very sidecar that is waited for', async t => {
  const api = await startControlPlane(t);
  t.mock.method(globalThis, 'fetch', () => Promise.reject(new Error('sent to the proxy')));
  const environment = {
    OUTRIDER_CONTROL_PLANE_LISTEN: api.url.slice('http://'.length),
    OUTRIDER_ADMIN: 'off',
  };
  assert.equal((await runCommand(WAIT_COMMAND, ['--local', '--timeout', '5s'], environment)).code, 0);
});

test('says at once where --local has nobody to ask', async () => {
  const off = { OUTRIDER_ADMIN: 'off', OUTRIDER_CONTROL_PLANE_LISTEN: 'off' };
  const { code, stderr } = await runCommand(WAIT_COMMAND, ['--local', '--timeout', '1h'], off);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /^--local: neither \$OUTRIDER_ADMIN nor \$OUTRIDER_CONTROL_PLANE_LISTEN is an address/,
  );
});

test('refuses an address beside --local, and takes one from the environment, which is for the sidecar', async t => {
  const { port } = await startControlPlane(t);
  const elsewhere = 'http://127.0.0.1:1';
  const environment = { OUTRIDER_ADMIN: 'off', OUTRIDER_CONTROL_PLANE_LISTEN: `127.0.0.1:${port}` };
  const both = await runCommand(WAIT_COMMAND, ['--local', '--control-plane', elsewhere], environment);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /^--local: asks what runs on this machine, and not --control-plane/);
  const surroundings = { ...environment, OUTRIDER_CONTROL_PLANE: elsewhere };
  assert.equal((await runCommand(WAIT_COMMAND, ['--local'], surroundings)).code, 0);
});

for (const args of [['--local', 'orders'], ['Orders'], ['orders=x'], ['--timeout', '5'], ['orders=']]) {
  test(`refuses ${args.join(' ')} as bad usage`, async () => {
    assert.equal((await runCommand(WAIT_COMMAND, args)).code, 2);
  });
}
