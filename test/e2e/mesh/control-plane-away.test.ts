import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshLoad } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import { until } from '../harness/until.ts';

/** Longer than three heartbeats, after which sidecars take the stream for lost; OUTRIDER_E2E_STALL_MS=30000 for more. */
const STALL_MS = Number(process.env.OUTRIDER_E2E_STALL_MS ?? 7000);

let mesh: MeshProcesses;
let load: MeshLoad | null = null;
beforeEach(async () => {
  mesh = await MeshProcesses.start();
});
afterEach(async () => {
  await load?.stop();
  load = null;
  await mesh.close();
});

/** Two instances of `inventory`, one with a sidecar, one that registered itself, and a caller under load. */
async function startShop(): Promise<MeshLoad> {
  const [beside, own] = await Promise.all([
    mesh.startApp('inventory', 'beside'),
    mesh.startApp('inventory', 'own'),
  ]);
  const [caller] = await Promise.all([
    mesh.startSidecar(),
    mesh.registerBySidecar(beside),
    mesh.register(own),
  ]);
  load = new MeshLoad({ port: caller.port, services: ['inventory'] });
  await load.more(50);
  assert.deepEqual(load.answeredBy(), ['inventory/beside', 'inventory/own']);
  return load;
}

/** Everything is connected and in use again. */
async function isWhole(calls: MeshLoad): Promise<void> {
  await until(async () => (await mesh.connected()).length === 2, 'both sidecars connected');
  await until(async () => {
    const instances = await mesh.instances('inventory');
    return instances.length === 2 && instances.every(({ lease }) => lease === 'kept');
  }, 'both instances in use');
  const since = performance.now();
  await calls.more(50);
  assert.deepEqual(calls.answeredBy(since), ['inventory/beside', 'inventory/own']);
}

describe('no request fails', () => {
  test('while the control plane is killed, away, and started again', async () => {
    const calls = await startShop();
    await mesh.killControlPlane();
    await calls.more(200);
    await mesh.startControlPlane();
    await isWhole(calls);
    // And once more while sidecars are still coming back.
    await mesh.killControlPlane();
    await mesh.startControlPlane();
    await isWhole(calls);
  });

  test('while the control plane stands still', async () => {
    const calls = await startShop();
    mesh.freezeControlPlane();
    const since = performance.now();
    await sleep(STALL_MS);
    calls.assertNoneFailed();
    assert.deepEqual(calls.answeredBy(since), ['inventory/beside', 'inventory/own']);
    mesh.thawControlPlane();
    await isWhole(calls);
    const events = await mesh.eventsOf('inventory');
    const blamed = events.filter(kind => kind !== 'instance-registered' && kind !== 'instance-updated');
    assert.deepEqual(blamed, [], 'nobody is blamed for not having been heard');
  });

  test('when the control plane comes back with an older disk', async () => {
    const own = await mesh.startApp('inventory', 'own');
    await mesh.register(own);
    await mesh.killControlPlane();
    mesh.copyDisk();
    await mesh.startControlPlane();
    const beside = await mesh.startApp('inventory', 'beside');
    const [caller] = await Promise.all([mesh.startSidecar(), mesh.registerBySidecar(beside)]);
    load = new MeshLoad({ port: caller.port, services: ['inventory'] });
    await load.more(50);
    assert.deepEqual(load.answeredBy(), ['inventory/beside', 'inventory/own']);
    await mesh.killControlPlane();
    mesh.restoreDisk();
    await mesh.startControlPlane();
    await isWhole(load);
  });
});

test('a sidecar that starts while the control plane is away goes by its snapshot, and by the control plane once that is back', async () => {
  const inventory = await mesh.startApp('inventory', 'old');
  await mesh.register(inventory);
  const file = { controlPlane: { snapshot: join(mesh.folder, 'snapshot') } };
  const first = await mesh.startSidecar(file);
  const before = new MeshLoad({ port: first.port, services: ['inventory'], workers: 1 });
  await before.more(5);
  await before.stop();
  assert.equal(await first.stop(), 0);
  await mesh.killControlPlane();

  const second = await mesh.startSidecar(file);
  load = new MeshLoad({ port: second.port, services: ['inventory'] });
  await load.more(100);
  await mesh.startControlPlane();
  const replacement = await mesh.startApp('inventory', 'new');
  await mesh.register(replacement);
  await load.reaches('inventory/new');
  assert.deepEqual(await mesh.drain(inventory), []);
  const since = performance.now();
  await load.more(50);
  assert.deepEqual(load.answeredBy(since), ['inventory/new']);
});
