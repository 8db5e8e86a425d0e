import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { APPLY_COMMAND } from '../../../control-plane/commands/apply.ts';
import { startControlPlane } from '../running.ts';
import { runCommand } from './command-runs.ts';

function fileOf(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'mesh.yaml');
  writeFileSync(file, text);
  return file;
}

const MESH = `
services:
  inventory:
    policy:
      retry: { attempts: 3, on: [reset] }
      timeouts: { total: 3s }
  orders:
`;

test('writes what is new, shows what changes, leaves alone what is the same', async t => {
  const api = await startControlPlane(t, { services: { other: { retry: { attempts: 2 } } } });
  const apply = (text: string, ...more: string[]) =>
    runCommand(APPLY_COMMAND, ['-f', fileOf(t, text), '--control-plane', api.url, ...more]);
  const first = await apply(MESH);
  assert.equal(
    first.stdout,
    [
      'inventory created, revision 2',
      '  + retry.attempts: 3',
      '  + retry.on: ["reset"]',
      '  + timeouts.total: 3s',
      'orders created, revision 3',
      '',
    ].join('\n'),
  );
  assert.deepEqual([first.code, first.stderr], [0, '']);
  assert.equal((await apply(MESH)).stdout, '2 unchanged\n');
  const changed = MESH.replace('attempts: 3', 'attempts: 4').replace('total', 'attempt');
  const dry = await apply(changed, '--dry-run');
  const changes = [
    '  ~ retry.attempts: 3 -> 4',
    '  - timeouts.total: 3s',
    '  + timeouts.attempt: 3s',
    '',
  ].join('\n');
  assert.equal(dry.stdout, `inventory would be changed\n${changes}1 unchanged\n`);
  assert.equal((await api.call('GET', '/v1/services/inventory')).body.policy.retry.attempts, 3);
  assert.equal((await apply(changed)).stdout, `inventory changed, revision 4\n${changes}1 unchanged\n`);
  assert.equal((await api.call('GET', '/v1/services/inventory')).body.policy.retry.attempts, 4);
  assert.equal((await api.call('GET', '/v1/services/other')).body.revision, 1);
});

test('warns of a fallback on a service that nobody knows', async t => {
  const api = await startControlPlane(t, { services: { standby: {} } });
  const apply = (upstream: string, more = '') =>
    runCommand(APPLY_COMMAND, [
      '-f',
      fileOf(t, `services: { inventory: { policy: { fallback: { upstream: ${upstream} } } } ${more} }`),
      '--control-plane',
      api.url,
    ]);
  const { code, stderr } = await apply('standbye');
  const warning =
    'warning: services.inventory.policy.fallback.upstream: the control plane knows no service standbye yet; did you mean standby?\n';
  assert.deepEqual([code, stderr], [0, warning]);
  assert.equal((await apply('standby')).stderr, '');
  assert.equal((await apply('reserve', ', reserve: {}')).stderr, '');
});

test('warns of callers that nobody knows, be they services or sidecars', async t => {
  const api = await startControlPlane(t, { services: { orders: {} } });
  const apply = (policy: string) =>
    runCommand(APPLY_COMMAND, [
      '-f',
      fileOf(t, `services: { inventory: { policy: ${policy} } }`),
      '--control-plane',
      api.url,
    ]);
  const forced = await apply('{ breaker: { force: { state: open, callers: [ordres, orders, inventory] } } }');
  assert.equal(
    forced.stderr,
    'warning: services.inventory.policy.breaker.force.callers: the control plane knows no service and no sidecar ordres yet; did you mean orders?\n',
  );
  const faulty = await apply('{ fault: { abort: { with: 503 }, callers: [nobody-here] } }');
  assert.equal(
    faulty.stderr,
    'warning: services.inventory.policy.fault.callers: the control plane knows no service and no sidecar nobody-here yet\n',
  );
  const fine = await apply(
    '{ breaker: { force: { state: open, callers: [orders] } }, outliers: off, fault: null }',
  );
  assert.equal(fine.stderr, '');
});

test('--prune deletes what the files do not name, and of what has instances the policy alone', async t => {
  const services = { gone: { retry: { attempts: 2 } }, alive: { retry: { attempts: 2 } }, orders: {} };
  const api = await startControlPlane(t, { services });
  await api.register('alive', 'a1');
  await api.register('bare', 'b1');
  const file = fileOf(t, MESH);
  const apply = (...more: string[]) =>
    runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', api.url, '--prune', ...more]);
  await runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', api.url]);
  const namesOf = async () =>
    (await api.call('GET', '/v1/services')).body.items.map(({ name }: { name: string }) => name);
  const before = await namesOf();
  const dry = await apply('--dry-run');
  const taken = '  - retry.attempts: 2\n';
  assert.equal(dry.stdout, `alive would be changed\n${taken}gone would be deleted\n${taken}2 unchanged\n`);
  assert.deepEqual(await namesOf(), before);
  const done = await apply();
  assert.deepEqual([done.code, done.stderr], [0, '']);
  assert.match(done.stdout, /^alive changed, revision \d+\n {2}- retry.attempts: 2\ngone deleted\n/);
  assert.deepEqual(await namesOf(), ['alive', 'bare', 'inventory', 'orders']);
  assert.deepEqual((await api.call('GET', '/v1/services/alive')).body.policy, {});
  assert.equal((await apply()).stdout, '2 unchanged\n');
});

test('--prune does not take an empty file for a mesh without services', async t => {
  const api = await startControlPlane(t, { services: { other: {} } });
  const args = ['-f', fileOf(t, 'services: {}\n'), '--prune', '--control-plane', api.url];
  const { code, stderr } = await runCommand(APPLY_COMMAND, args);
  assert.equal(code, 2);
  assert.match(stderr, /name no service would delete them all/);
  assert.equal((await api.call('GET', '/v1/services/other')).status, 200);
});

test('fills in its own environment, typed as the setting wants it', async t => {
  const api = await startControlPlane(t);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to the environment
  const file = fileOf(t, MESH.replace('attempts: 3', 'attempts: "${ATTEMPTS}"'));
  const { code } = await runCommand(APPLY_COMMAND, ['-f', file], {
    ATTEMPTS: '5',
    OUTRIDER_CONTROL_PLANE: api.url,
  });
  assert.equal(code, 0);
  assert.equal((await api.call('GET', '/v1/services/inventory')).body.policy.retry.attempts, 5);
});

test('refuses a file that is wrong in one place, and writes nothing', async t => {
  const api = await startControlPlane(t);
  const file = fileOf(t, `${MESH}  third: { policy: { retry: { attempts: 99 } } }\n`);
  const { code, stderr } = await runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', api.url]);
  assert.equal(code, 2);
  assert.match(stderr, /mesh\.yaml:8:41: services\.third\.policy\.retry\.attempts: expected a whole number/);
  assert.deepEqual((await api.call('GET', '/v1/services')).body.items, []);
});

test('refuses a service that two files name, and a file that is not there', async t => {
  const file = fileOf(t, MESH);
  const { code, stderr } = await runCommand(APPLY_COMMAND, ['-f', file, '-f', file, '-f', 'none.yaml']);
  assert.equal(code, 2);
  assert.match(stderr, /services\.inventory: is in another file already/);
  assert.match(stderr, /none\.yaml: can not be read: there is no such file/);
  assert.equal((await runCommand(APPLY_COMMAND, [])).code, 2);
});

test('says that the control plane is not there, or does not let it in', async t => {
  const file = fileOf(t, MESH);
  const gone = await startControlPlane(t);
  const { url } = gone;
  await gone.controlPlane.stop();
  const away = await runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', url]);
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^The control plane at http:\S+ can not be reached: nothing listens there/);
  const api = await startControlPlane(t, { tokens: { admin: 'aaa', sidecar: 'sss' } });
  const as = (token: string) =>
    runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', api.url, '--token', token]);
  assert.match((await as('xxx')).stderr, /not one of this control plane\. Give it by --token/);
  assert.match((await as('sss')).stderr, /needs the admin token/);
  assert.equal((await as('aaa')).code, 0);
  const wrong = await runCommand(APPLY_COMMAND, ['-f', file, '--control-plane', 'control-plane:7600']);
  assert.deepEqual([wrong.code, /expected a URL such as http/.test(wrong.stderr)], [2, true]);
});
