import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CONTROL_PLANE_COMMAND } from '../../../control-plane/commands/control-plane.ts';
import { ROOT, RunningProgram } from '../../bin/outrider.ts';
import { runCommand } from './command-runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const [args, complaint] of [
  [['--listen', '0.0.0.0:7600'], /without tokens, everybody who can reach it could change the mesh/],
  [['--listen', '[::]:7600', '--insecure', '--rate-limit', '0'], /^--rate-limit: expected a number of calls/],
  [['--connections', 'many'], /^--connections: expected a number of connections from 1 to/],
  [['--listen', '7600'], /did you mean 127\.0\.0\.1:7600\?/],
  [['--sidecar-token', 'a'], /without --admin-token/],
  [['--sidecar-token', 'a', '--admin-token', 'a'], /are the same/],
  [['--admin-token', 'a b'], /^--admin-token: expected up to 512 printable characters/],
] as const) {
  test(`refuses ${args.join(' ')}`, async () => {
    const { code, stderr } = await runCommand(CONTROL_PLANE_COMMAND, args);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  });
}

test('is not opened to others by the variable that says where a control plane is', async () => {
  const environment = { OUTRIDER_CONTROL_PLANE: 'http://control-plane:7600' };
  const args = ['--listen', '0.0.0.0:7600'];
  const { code, stderr } = await runCommand(CONTROL_PLANE_COMMAND, args, environment);
  assert.equal(code, 2);
  assert.match(stderr, /without tokens/);
});

test('refuses a mesh file that is wrong, before anything is opened', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'services: { inventory: { policy: { retry: { attempts: 99 } } } }\n');
  const args = ['--mesh', file, '--data', join(folder, 'none')];
  const { code, stderr } = await runCommand(CONTROL_PLANE_COMMAND, args);
  assert.equal(code, 2);
  assert.match(stderr, /wrong\.yaml:1:\d+: services\.inventory\.policy\.retry\.attempts: expected/);
  assert.equal(existsSync(join(folder, 'none')), false);
});

test('runs as a program: serves, keeps, stops at a signal, and tells no token', {
  timeout: 60_000,
}, async () => {
  writeFileSync(
    join(folder, 'mesh.yaml'),
    'services: { inventory: { policy: { retry: { attempts: 3 } } } }\n',
  );
  const start = () =>
    new RunningProgram(
      [join(ROOT, 'bin/outrider.js'), 'control-plane', '--listen', '127.0.0.1:0', '--mesh', 'mesh.yaml'],
      { cwd: folder, env: { OUTRIDER_ADMIN_TOKEN: 'very-secret', OUTRIDER_DATA: 'kept' } },
    );
  const program = start();
  await program.hasWritten('"ready"');
  const { url } = JSON.parse(program.stderr.split('\n').find(line => line.includes('"ready"')) ?? '');
  const headers = { authorization: 'Bearer very-secret' };
  const shown = await fetch(`${url}/v1/services/inventory`, { headers });
  assert.deepEqual(((await shown.json()) as { policy: unknown }).policy, { retry: { attempts: 3 } });
  assert.equal((await fetch(`${url}/v1/services`)).status, 401);
  program.kill('SIGTERM');
  const { code, stdout, stderr } = await program.ended;
  assert.deepEqual([code, stdout], [0, '']);
  assert.match(stderr, /"msg":"stopped"/);
  assert.doesNotMatch(stderr, /very-secret/);
  assert.ok(existsSync(join(folder, 'kept')));
});

test('is refused the directory of one that runs, which goes on', { timeout: 60_000 }, async () => {
  const args = [
    join(ROOT, 'bin/outrider.js'),
    'control-plane',
    '--listen',
    '127.0.0.1:0',
    '--data',
    'shared',
  ];
  const first = new RunningProgram(args, { cwd: folder });
  await first.hasWritten('"ready"');
  const { url } = JSON.parse(first.stderr.split('\n').find(line => line.includes('"ready"')) ?? '');
  const { code, stderr } = await new RunningProgram(args, { cwd: folder }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /can not open the store: another control plane is running on shared/);
  const body = JSON.stringify({ policy: {} });
  const headers = { 'content-type': 'application/json' };
  const written = await fetch(`${url}/v1/services/inventory`, { method: 'PUT', body, headers });
  assert.equal(written.status, 201);
  first.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
});
