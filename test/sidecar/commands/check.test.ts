import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT, runOutrider } from '../../bin/outrider.ts';
import { startControlPlane } from '../../control-plane/running.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';
import { SidecarProcess } from '../../e2e/harness/sidecar-process.ts';
import { until } from '../../e2e/harness/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-check-'));
after(() => rmSync(folder, { recursive: true }));

const ANY_PORT = ['--listen', '127.0.0.1:0', '--admin', 'off'];

interface Checked {
  readonly code: number | null;
  readonly ok: boolean;
  /** By name: result and what was found. */
  readonly found: Readonly<Record<string, string>>;
}

async function check(args: readonly string[], env: Record<string, string> = {}): Promise<Checked> {
  const { code, stdout, stderr } = await runOutrider(['check', '--json', ...args], { cwd: folder, env });
  assert.equal(stderr, '');
  return read(code, stdout);
}

function read(code: number | null, stdout: string): Checked {
  const { ok, checks } = JSON.parse(stdout) as {
    ok: boolean;
    checks: { name: string; result: string; detail: string }[];
  };
  return {
    code,
    ok,
    found: Object.fromEntries(checks.map(one => [one.name, `${one.result}: ${one.detail}`])),
  };
}

test('with everything in place, all is ok and the exit code 0', async t => {
  const { url } = await startControlPlane(t, { tokens: { admin: 'root', sidecar: 'secret' } });
  const app = await HttpUpstream.start((_, response) => response.end());
  t.after(() => app.stop());
  const flags = ['--service', 'orders', '--port', `${app.port}`, '--control-plane', url, ...ANY_PORT];
  const { code, ok, found } = await check(flags, { OUTRIDER_TOKEN: 'secret' });
  assert.deepEqual([code, ok], [0, true], JSON.stringify(found));
  const results = Object.entries(found).map(([name, text]) => `${name} ${text.split(':')[0]}`);
  assert.deepEqual(results, [
    'node-version ok',
    'configuration ok',
    // A machine without a network has nothing else to reach here.
    `network ${found.network.split(':')[0]}`,
    'ports skipped',
    'sidecar skipped',
    'control-plane ok',
    'token ok',
    'clock ok',
    'application ok',
    'advertised-address ok',
  ]);
});

test('what fails does so beside the rest, with a fix each, and the exit code is 1', async () => {
  const [app, controlPlane] = [await closedPort(), await closedPort()];
  const flags = [
    '--service',
    'orders',
    '--port',
    `${app}`,
    '--control-plane',
    `http://127.0.0.1:${controlPlane}`,
  ];
  const { code, stdout } = await runOutrider(['check', ...flags, ...ANY_PORT], { cwd: folder });
  assert.equal(code, 1);
  assert.match(stdout, /^CHECK +RESULT +WHAT IS FOUND$/m);
  assert.match(
    stdout,
    /^control-plane +failed +the control plane at .* can not be reached.*\n +fix: Start it/m,
  );
  assert.match(stdout, /^application +failed +the application does not listen on port \d+\n +fix: /m);
  assert.match(stdout, /^node-version +ok +Node/m);
  assert.match(stdout, /^2 of 10 checks failed\.$/m);
});

test('a wrong configuration fails with each place, and the rest of it is skipped', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'egress:\n  lisen: 127.0.0.1:1\n');
  const { code, found } = await check(['--config', file, '--port', 'x']);
  assert.equal(code, 2);
  assert.match(found.configuration, /^failed: .*--port.*; .*wrong\.yaml:2:3: .*lisen/);
  assert.equal(found.ports, 'skipped: the configuration is wrong');
  assert.match(found['node-version'], /^ok/);
});

test('a file that is not there fails', async () => {
  const { code, found } = await check(['--config', 'none.yaml']);
  assert.equal(code, 2);
  assert.equal(found.configuration, 'failed: none.yaml: can not be read: there is no such file');
});

test('wrong usage is 2', async () => {
  const { code, stderr } = await runOutrider(['check', '--prot', '1'], { cwd: folder });
  assert.equal(code, 2);
  assert.match(stderr, /unknown flag --prot; did you mean --port\?/);
});

test('beside a running sidecar, what it has in force is taken over, and its ports are its own', async t => {
  const { url } = await startControlPlane(t, { tokens: { admin: 'root', sidecar: 'secret' } });
  const app = await HttpUpstream.start((_, response) => response.end());
  const [listen, admin] = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${await closedPort()}`];
  const sidecar = await SidecarProcess.start({
    file: {
      service: 'orders',
      app: { port: app.port, health: { timeout: '30s' } },
      controlPlane: { url, token: 'secret', snapshot: 'off' },
      egress: { listen },
      admin: { listen: admin },
    },
  });
  t.after(() => Promise.all([sidecar.kill(), app.stop()]));
  await until(() => sidecar.log.some(({ msg }) => msg === 'orders is registered as up'), 'its registration');
  const { code, found } = await check(['--admin', admin]);
  assert.equal(code, 0, JSON.stringify(found));
  assert.equal(found.configuration, 'ok: no file, the settings of the sidecar that runs');
  assert.equal(found.ports, `ok: held by the sidecar that runs: ${listen}, ${admin}`);
  assert.match(found.sidecar, new RegExp(`the application is registered as up at 127.0.0.1:${app.port}$`));
  assert.equal(found.token, 'ok: the sidecar that runs is connected with its own');
  assert.match(found.application, /^ok/);
  assert.match(found['advertised-address'], /^ok/);

  const withToken = await check(['--admin', admin], { OUTRIDER_TOKEN: 'wrong' });
  assert.equal(withToken.code, 1);
  assert.equal(withToken.found.token, 'failed: the control plane refuses it');
});

test('in a network namespace with nothing but lo, the network fails', t => {
  const inside = [
    '--net',
    '--',
    process.execPath,
    join(ROOT, 'bin/outrider.js'),
    'check',
    '--json',
    ...ANY_PORT,
  ];
  const asRoot = spawnSync('unshare', inside, { cwd: folder, encoding: 'utf8' });
  const { status, stdout, stderr, error } =
    asRoot.status === 1 && asRoot.stdout === ''
      ? spawnSync('unshare', ['--map-root-user', ...inside], { cwd: folder, encoding: 'utf8' })
      : asRoot;
  if (error !== undefined || stdout === '')
    return t.skip(`no network namespace can be made: ${error?.message ?? stderr}`);
  const { code, found } = read(status, stdout);
  assert.equal(code, 1);
  assert.match(found.network, /^failed: there is no network but lo/);
});
