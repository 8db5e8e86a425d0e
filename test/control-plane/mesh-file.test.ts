import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EmbeddedStore, JOURNAL_FILE } from '../../control-plane/store/embedded-store.ts';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';
import { StoreError } from '../../control-plane/store/store.ts';
import { ROOT, RunningProgram } from '../bin/outrider.ts';
import { startControlPlane } from './running.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-mesh-file-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const meshOf = (total: string) =>
  `services: { inventory: { policy: { timeouts: { total: ${total} } } }, orders: }\n`;

interface Event {
  readonly kind: string;
  readonly by: string;
  readonly detail: string;
}

test('a mesh file that changes goes into the mesh, a wrong one is refused whole and shown', {
  timeout: 60_000,
}, async t => {
  const folder = folderOf(t);
  const file = join(folder, 'mesh.yaml');
  writeFileSync(file, meshOf('3s'));
  const args = ['control-plane', '--listen', '127.0.0.1:0', '--data', 'memory', '--mesh', 'mesh.yaml'];
  const program = new RunningProgram([join(ROOT, 'bin/outrider.js'), ...args], { cwd: folder });
  t.after(() => program.kill('SIGKILL'));
  await program.hasWritten('"ready"');
  const { url } = JSON.parse(program.stderr.split('\n').find(line => line.includes('"ready"')) ?? '');
  const get = async (path: string) => (await (await fetch(`${url}${path}`)).json()) as never;
  const totalOf = async () => {
    const { policy } = (await get('/v1/services/inventory')) as { policy: { timeouts: { total: string } } };
    return policy.timeouts.total;
  };
  const events = async () => ((await get('/v1/events')) as { items: readonly Event[] }).items;

  writeFileSync(file, meshOf('4s'));
  program.kill('SIGHUP');
  await program.hasWritten('mesh.yaml has changed and is in force');
  assert.equal(await totalOf(), '4s');

  writeFileSync(file, meshOf('5s').replace('orders', 'Orders!'));
  await program.hasWritten('mesh.yaml is refused, what was in force stays: mesh.yaml:1:');
  assert.equal(await totalOf(), '4s');
  const refused = (await events()).at(-1);
  assert.deepEqual([refused?.kind, refused?.by], ['mesh-file-refused', 'mesh file']);
  assert.match(refused?.detail ?? '', /mesh\.yaml:1:\d+: services\["Orders!"\]/);
  const health = async () => (await get('/healthz')) as { status: string; warnings: readonly string[] };
  const ill = await health();
  assert.equal(ill.status, 'degraded');
  assert.match(ill.warnings.join(), /^What the mesh file says is not in force: mesh\.yaml:1:/);

  // Without a word: it is looked at all the time.
  writeFileSync(file, 'services: { inventory: { policy: { timeouts: { total: 6s } } } }\n');
  await program.hasWritten('does not name orders any more');
  assert.equal(await totalOf(), '6s');
  assert.ok(await get('/v1/services/orders'));
  assert.deepEqual((await health()).warnings, []);

  // What was changed by others is as the file says again when it is asked for.
  const headers = { 'content-type': 'application/json' };
  await fetch(`${url}/v1/services/inventory`, { method: 'PUT', headers, body: '{"policy":{}}' });
  program.kill('SIGHUP');
  await program.hasWritten('mesh.yaml was read again and is in force');
  assert.equal(await totalOf(), '6s');
  program.kill('SIGTERM');
  assert.equal((await program.ended).code, 0);
});

test('SIGHUP without a mesh file ends nothing', { timeout: 60_000 }, async t => {
  const args = ['control-plane', '--listen', '127.0.0.1:0', '--data', 'memory'];
  const program = new RunningProgram([join(ROOT, 'bin/outrider.js'), ...args]);
  t.after(() => program.kill('SIGKILL'));
  await program.hasWritten('"ready"');
  program.kill('SIGHUP');
  await program.hasWritten('SIGHUP: there is no mesh file to load again');
  program.kill('SIGTERM');
  assert.equal((await program.ended).code, 0);
});

test('what can not be kept of a mesh file is not in force, whole, and starts all the same', async t => {
  const store = new MemoryStore();
  store.failWith(new StoreError('full', 'no space is left'));
  const notices: string[] = [];
  const services = { inventory: { timeouts: { total: '3s' } }, orders: {} };
  const api = await startControlPlane(t, { store, services, onNotice: text => notices.push(text) });
  assert.deepEqual(notices, ['the mesh file is not in force: no space is left']);
  assert.deepEqual((await api.call('GET', '/v1/services')).body.items, []);
  const kinds = (await api.call('GET', '/v1/events')).body.items.map(({ kind }: Event) => kind);
  assert.equal(kinds.at(-1), 'mesh-file-refused');
  store.failWith(null);
  const written = await api.controlPlane.meshPolicies.write(services);
  assert.deepEqual(written, { changed: ['inventory', 'orders'], dropped: [] });
  assert.deepEqual(await api.controlPlane.meshPolicies.write({ orders: {} }), {
    changed: [],
    dropped: ['inventory'],
  });
});

test('a journal that a crash has torn is mended, and it is said what was cut off', async t => {
  const folder = folderOf(t);
  const first = await startControlPlane(t, { store: await EmbeddedStore.open(folder) });
  await first.register('inventory', 'i1');
  await first.controlPlane.stop();
  appendFileSync(join(folder, JOURNAL_FILE), '0123456789abcdef {"half');
  const notices: string[] = [];
  const options = { store: await EmbeddedStore.open(folder), onNotice: (text: string) => notices.push(text) };
  const second = await startControlPlane(t, options);
  assert.equal(notices.length, 1);
  assert.match(notices[0], /ended with 23 bytes of a commit that was not finished/);
  const [event] = (await second.call('GET', '/v1/events')).body.items;
  assert.deepEqual([event.kind, event.detail], ['store-repaired', notices[0]]);
  assert.equal((await second.call('GET', '/v1/services/inventory/instances')).body.items.length, 1);
});
