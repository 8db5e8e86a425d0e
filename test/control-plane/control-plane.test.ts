import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { ControlPlane } from '../../control-plane/control-plane.ts';
import { EmbeddedStore } from '../../control-plane/store/embedded-store.ts';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';
import { StoreError } from '../../control-plane/store/store.ts';
import { startControlPlane } from './running.ts';
import { Watcher } from './watchers.ts';

const INSTANCE = '/v1/services/inventory/instances/i1';

test('tells a sidecar of a change of what it watches, and of nothing else', async t => {
  const api = await startControlPlane(t);
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  await api.register('orders', 'o1');
  await api.register('inventory', 'i1');
  const change = await watcher.heard(({ type }) => type === 'change');
  assert.ok(change.type === 'change');
  assert.deepEqual([change.service, change.set[0].id, change.revision], ['inventory', 'i1', 2]);
});

test('drains an instance, and answers when callers have applied it', async t => {
  const api = await startControlPlane(t);
  await api.register('inventory', 'i1');
  const [quick, slow] = await Promise.all(
    ['quick', 'slow'].map(name => Watcher.open(api.url, name, ['inventory'])),
  );
  for (const watcher of [quick, slow]) await watcher.heard(({ type }) => type === 'sync');
  const drained = api.call('POST', `${INSTANCE}/drain?wait=10s`);
  for (const watcher of [quick, slow]) {
    const change = await watcher.heard(({ type }) => type === 'change');
    assert.ok(change.type === 'change');
    assert.deepEqual(change.remove, ['i1']);
  }
  quick.acknowledge();
  slow.acknowledge();
  const { status, body } = await drained;
  assert.deepEqual([status, body], [200, { revision: 2, acknowledged: true, waitingFor: [] }]);
  const { body: sidecars } = await api.call('GET', '/v1/sidecars');
  assert.deepEqual(
    sidecars.items.map((sidecar: { sidecar: string; applied: number }) => [sidecar.sidecar, sidecar.applied]),
    [
      ['quick', 2],
      ['slow', 2],
    ],
  );
});

test('says which callers have not applied a drain in time', async t => {
  const api = await startControlPlane(t);
  await api.register('inventory', 'i1');
  const watcher = await Watcher.open(api.url, 'late', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  const { body } = await api.call('POST', `${INSTANCE}/drain?wait=50ms`);
  assert.deepEqual([body.acknowledged, body.waitingFor], [false, ['caller/late']]);
  assert.equal((await api.call('GET', INSTANCE)).body.status, 'draining');
  const undrained = await api.call('POST', `${INSTANCE}/undrain`);
  assert.equal(undrained.body.revision, 3);
  assert.equal((await api.call('GET', INSTANCE)).body.status, 'up');
});

for (const [how, leave] of [
  ['breaks', (watcher: Watcher) => watcher.close()],
  ['says its last word', (watcher: Watcher) => watcher.end()],
] as const) {
  test(`takes an instance for suspect at once when the stream of its sidecar ${how}`, async t => {
    const api = await startControlPlane(t);
    const [caller, owner] = await Promise.all(
      ['caller', 'owner'].map(name => Watcher.open(api.url, name, ['inventory'])),
    );
    await caller.heard(({ type }) => type === 'sync');
    await owner.heard(({ type }) => type === 'sync');
    await api.register('inventory', 'i1', {}, 'owner');
    await caller.heard(({ type }) => type === 'change');
    leave(owner);
    const change = await caller.heard(
      message => message.type === 'change' && message.set[0]?.preference === 'last-resort',
    );
    assert.ok(change.type === 'change' && change.set[0].id === 'i1');
    assert.equal((await api.call('GET', INSTANCE)).body.lease, 'suspect');
  });
}

test('shows what a sidecar refused, and why', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  watcher.say({ type: 'refused', revision: 1, service: 'inventory', reason: 'no such balancer' });
  // What was said on another connection may be heard later.
  for (let refused = null; refused === null; ) {
    refused = (await api.call('GET', '/v1/sidecars')).body.items[0].refused;
    if (refused !== null) assert.equal(refused.reason, 'no such balancer');
  }
});

test('writes the services of the mesh file at the start', async t => {
  const services = { inventory: { retry: { attempts: 3 } } };
  const api = await startControlPlane(t, { services });
  const { body } = await api.call('GET', '/v1/services/inventory');
  assert.deepEqual(body.policy, services.inventory);
  assert.equal((await api.call('GET', '/v1/events')).body.items[0].by, 'mesh file');
});

test('has after a restart what it answered for, in another epoch', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const first = await startControlPlane(t, { store: await EmbeddedStore.open(directory) });
  await first.register('inventory', 'i1');
  const before = (await first.call('GET', '/healthz')).body;
  await first.controlPlane.stop();
  const second = await startControlPlane(t, { store: await EmbeddedStore.open(directory) });
  assert.equal((await second.call('GET', INSTANCE)).body.lease, 'kept');
  const after = (await second.call('GET', '/healthz')).body;
  assert.notEqual(after.epoch, before.epoch);
  assert.ok(after.revision >= before.revision);
});

test('ends leases with time, by its own clock', async t => {
  const clock = { ms: 1_000_000 };
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const api = await startControlPlane(t, { clock: () => ({ wall: clock.ms, monotonic: clock.ms }) });
  await api.register('inventory', 'i1', { ttl: '1s' });
  const advance = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.ms += 500;
      mock.timers.tick(500);
    }
  };
  advance(500);
  assert.equal((await api.call('GET', INSTANCE)).body.lease, 'kept');
  advance(1000);
  assert.equal((await api.call('GET', INSTANCE)).body.lease, 'expired');
});

test('blames nobody for what it could not hear while it stood still', async t => {
  const clock = { ms: 1_000_000 };
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const api = await startControlPlane(t, { clock: () => ({ wall: clock.ms, monotonic: clock.ms }) });
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  await api.register('inventory', 'i1', {}, 's1');
  clock.ms += 30_000;
  mock.timers.tick(500);
  await watcher.heard(({ type }) => type === 'heartbeat');
  assert.equal((await api.call('GET', INSTANCE)).body.lease, 'kept');
  assert.equal((await api.call('GET', '/v1/sidecars')).body.items.length, 1);
  // But whoever stays silent from now on is cut off.
  for (let passed = 0; passed < 8_500; passed += 500) {
    clock.ms += 500;
    mock.timers.tick(500);
  }
  await watcher.closed();
  assert.equal((await api.call('GET', '/v1/sidecars')).body.items.length, 0);
});

test('says goodbye to those who watch when it stops, and stops once', async t => {
  const api = await startControlPlane(t);
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  await Promise.all([api.controlPlane.stop(), api.controlPlane.stop()]);
  const goodbye = await watcher.heard(({ type }) => type === 'goodbye');
  assert.deepEqual(goodbye, { type: 'goodbye', reason: 'the control plane stops' });
  await watcher.closed();
});

test('says where it can not listen and what sets that, and closes its store', async t => {
  const api = await startControlPlane(t);
  const store = new MemoryStore();
  let isClosed = false;
  store.close = async () => {
    isClosed = true;
  };
  const options = {
    listen: { host: '127.0.0.1', port: api.port },
    tokens: { admin: null, sidecar: null },
    rateLimit: { perSecond: 1, burst: 1 },
    connections: 100,
    onConnectionRefused() {},
    onNotice() {},
    onKeeping() {},
    store,
    services: {},
    version: '1',
    onError() {},
  };
  await assert.rejects(ControlPlane.start(options), {
    code: 'EADDRINUSE',
    message: `can not listen on 127.0.0.1:${api.port}: something else does already (EADDRINUSE); it is set by --listen`,
  });
  assert.ok(isClosed);
});

test('says when changes can not be kept, and when they are again; whose store was taken over is not ready', async t => {
  const clock = { ms: 1_000_000 };
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const store = new MemoryStore();
  const told: (string | null)[] = [];
  const api = await startControlPlane(t, {
    store,
    clock: () => ({ wall: clock.ms, monotonic: clock.ms }),
    onKeeping: failure => told.push(failure?.message ?? null),
  });
  const write = () => api.call('PUT', '/v1/services/inventory', { json: { policy: {} } });
  const statusWhen = async (failure: StoreError | null) => {
    store.failWith(failure);
    const { status } = await write();
    mock.timers.tick(1000);
    return [status < 300, (await api.call('GET', '/readyz')).status];
  };
  assert.deepEqual(await statusWhen(new StoreError('full', 'no space')), [false, 200]);
  assert.deepEqual(await statusWhen(new StoreError('conflict', 'somebody else')), [false, 503]);
  assert.deepEqual(await statusWhen(null), [true, 200]);
  assert.deepEqual(told, ['no space', 'somebody else', null]);
});

test('has metrics that only count what never falls', async t => {
  const api = await startControlPlane(t);
  const { text } = await api.call('GET', '/metrics');
  const counters = [...text.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name]) => name);
  assert.ok(counters.length > 0, 'none is found');
  assert.deepEqual(
    counters.filter(name => !name.endsWith('_total')),
    [],
  );
  assert.match(text, /^# TYPE outrider_control_plane_revision gauge$/m);
});
