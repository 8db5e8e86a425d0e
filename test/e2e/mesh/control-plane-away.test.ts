import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MeshApp } from '../harness/mesh-app.ts';
import { MeshLoad } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until } from '../harness/until.ts';

/** Longer than leases live, and than three heartbeats, after which sidecars take the stream for lost. */
const STALL_MS = Number(process.env.OUTRIDER_E2E_STALL_MS ?? 30_000);
const BOTH = ['inventory/beside', 'inventory/own'];

// Two instances of a service, one with a sidecar, one that registered itself, and a caller. Every test leaves it so.
let mesh: MeshProcesses;
let beside: MeshApp;
let owner: SidecarProcess;
let caller: SidecarProcess;
let load: MeshLoad | null = null;

before(async () => {
  mesh = await MeshProcesses.start();
  const own = await mesh.startApp('inventory', 'own');
  beside = await mesh.startApp('inventory', 'beside');
  [caller, owner] = await Promise.all([
    mesh.startSidecar(),
    mesh.registerBySidecar(beside),
    mesh.register(own),
  ]);
});
afterEach(async () => {
  await load?.stop();
  load = null;
});
after(() => mesh.close());

async function startLoad(): Promise<MeshLoad> {
  load = new MeshLoad({ port: caller.port, services: ['inventory'] });
  await load.more(50);
  assert.deepEqual(load.answeredBy(), BOTH);
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
  // One that has joined anew gets a tenth of its share first, so by chance none of these.
  await until(async () => {
    await calls.more(10);
    return isDeepStrictEqual(calls.answeredBy(since), BOTH);
  }, 'requests to both');
}

test('no request fails while the control plane is killed, away, and started again', async () => {
  const calls = await startLoad();
  await mesh.killControlPlane();
  mesh.copyDisk();
  await calls.more(200);
  await mesh.startControlPlane();
  // Sidecars are still coming back.
  await mesh.killControlPlane();
  await mesh.startControlPlane();
  await isWhole(calls);
});

test('no request fails while the control plane stands still', async () => {
  const calls = await startLoad();
  const revision = await mesh.revision();
  mesh.freezeControlPlane();
  const since = performance.now();
  await sleep(STALL_MS);
  calls.assertNoneFailed();
  assert.deepEqual(calls.answeredBy(since), BOTH);
  mesh.thawControlPlane();
  await isWhole(calls);
  const events = await mesh.eventsSince(revision);
  const blamed = events.filter(kind => kind !== 'instance-registered' && kind !== 'instance-updated');
  assert.deepEqual(blamed, [], 'nobody is blamed for not having been heard');
});

test('no request fails when the control plane comes back with an older disk', async () => {
  const calls = await startLoad();
  // What is lost is the instance as it is registered now; what comes back is one that left long ago, at the same address.
  assert.equal(await owner.stop(), 0);
  owner = await mesh.registerBySidecar(beside);
  await mesh.killControlPlane();
  mesh.restoreDisk();
  await mesh.startControlPlane();
  await isWhole(calls);
});

test('a sidecar that starts while the control plane is away goes by its snapshot, and by the control plane once that is back', async () => {
  const old = await mesh.startApp('delivery', 'old');
  await mesh.register(old);
  const file = { controlPlane: { snapshot: join(mesh.folder, 'snapshot') } };
  const first = await mesh.startSidecar(file);
  load = new MeshLoad({ port: first.port, services: ['delivery'] });
  await load.more(5);
  await load.stop();
  assert.equal(await first.stop(), 0);
  await mesh.killControlPlane();

  const second = await mesh.startSidecar(file);
  load = new MeshLoad({ port: second.port, services: ['delivery'] });
  await load.more(100);
  await mesh.startControlPlane();
  const next = await mesh.startApp('delivery', 'new');
  await mesh.register(next);
  await load.reaches('delivery/new');
  assert.deepEqual(await mesh.drain(old), []);
  const since = performance.now();
  await load.more(50);
  assert.deepEqual(load.answeredBy(since), ['delivery/new']);
});

test('a sidecar that starts while the control plane is away, with no snapshot, lets requests wait until it is back', async () => {
  const app = await mesh.startApp('kitchen', 'own');
  await mesh.register(app);
  // It does not answer: to start it would take a busy machine longer than requests wait.
  mesh.freezeControlPlane();
  const third = await mesh.startSidecar();
  load = new MeshLoad({ port: third.port, services: ['kitchen'] });
  await sleep(500);
  assert.equal(load.answers.length, 0);
  mesh.thawControlPlane();
  await load.more(50);
  assert.deepEqual(load.answeredBy(), ['kitchen/own']);
});
