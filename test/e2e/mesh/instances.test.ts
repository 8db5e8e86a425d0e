import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MeshLoad } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until } from '../harness/until.ts';

/** Requests while instances come and go. */
const REQUESTS = Number(process.env.OUTRIDER_E2E_REQUESTS ?? 10_000);

let mesh: MeshProcesses;
let caller: SidecarProcess;
let load: MeshLoad | null = null;

before(async () => {
  mesh = await MeshProcesses.start();
  caller = await mesh.startSidecar();
});
afterEach(async () => {
  await load?.stop();
  load = null;
});
after(() => mesh.close());

function startLoad(...services: string[]): MeshLoad {
  load = new MeshLoad({ port: caller.port, services });
  return load;
}

/** The control plane has noticed that an instance's stream broke. */
async function isSuspect(service: string): Promise<void> {
  await until(
    async () => (await mesh.instances(service)).some(({ lease }) => lease === 'suspect'),
    'suspect',
  );
}

test('no request fails while instances register, drain and leave one after another', async t => {
  let old = await mesh.startApp('inventory', 'v0');
  await mesh.register(old);
  const calls = startLoad('inventory');
  let stops = 0;
  while (calls.answers.length < REQUESTS || stops < 10) {
    const next = await mesh.startApp('inventory', `v${stops + 1}`);
    await mesh.register(next);
    assert.deepEqual(await mesh.drain(old), [], 'every caller has left it');
    // Nothing else is waited for: it ends as soon as it has answered what it has been asked.
    const drainedAt = performance.now();
    await Promise.all([old.stop(), mesh.deregister(old)]);
    await calls.reaches(`inventory/v${stops + 1}`);
    calls.assertNoneFailed();
    assert.ok(!calls.answeredBy(drainedAt).includes(`inventory/v${stops}`), 'nobody picks it any more');
    old = next;
    stops++;
  }
  t.diagnostic(`${calls.answers.length} requests, ${stops} stops`);
});

test('no request fails while instances with sidecars are replaced one after another', async () => {
  let app = await mesh.startApp('orders', 'v0');
  let sidecar = await mesh.registerBySidecar(app);
  const calls = startLoad('orders');
  await calls.more(20);
  for (const id of ['v1', 'v2']) {
    const next = await mesh.startApp('orders', id);
    const nextSidecar = await mesh.registerBySidecar(next);
    assert.equal(await sidecar.stop(), 0);
    await app.stop();
    assert.ok(
      sidecar.log.some(({ msg }) => msg === 'orders is drained: all callers have left it'),
      'its stop is acknowledged',
    );
    const since = performance.now();
    await calls.more(50);
    assert.deepEqual(calls.answeredBy(since), [`orders/${id}`]);
    [app, sidecar] = [next, nextSidecar];
  }
});

test('requests for a service with a single replica wait while it restarts within 3 s', async t => {
  const first = await mesh.startApp('payments', 'v1');
  await mesh.register(first);
  const calls = startLoad('payments');
  await calls.more(50);
  assert.deepEqual(await mesh.drain(first), []);
  const emptySince = performance.now();
  await Promise.all([first.stop(), mesh.deregister(first)]);
  const answered = calls.answers.length;
  await sleep(1500);
  assert.ok(calls.answers.length - answered <= 6, 'nobody is left to answer');
  const second = await mesh.startApp('payments', 'v2', first.port);
  await mesh.register(second);
  t.diagnostic(`empty for ${Math.round(performance.now() - emptySince)} ms`);
  await calls.reaches('payments/v2');
  await calls.more(50);
  const held = calls.answers.filter(({ startedAt, endedAt }) => endedAt - startedAt > 1000);
  assert.ok(held.length >= 6, 'each worker had a request that waited');
  assert.equal((await caller.metrics()).value('outrider_upstream_held_total', { upstream: 'payments' }), 6);
});

test('no request reaches a service that was given the address of an instance that left', async () => {
  const before = await mesh.startApp('alpha', '1');
  await mesh.register(before);
  const calls = startLoad('alpha');
  await calls.more(50);
  assert.deepEqual(await mesh.drain(before), []);
  await Promise.all([before.stop(), mesh.deregister(before)]);
  const beta = await mesh.startApp('beta', '1', before.port);
  await mesh.register(beta);
  const callsOfBeta = new MeshLoad({ port: caller.port, services: ['beta'] });
  try {
    await callsOfBeta.more(50);
    // Requests for alpha have waited since.
    const again = await mesh.startApp('alpha', '2');
    await mesh.register(again);
    await calls.reaches('alpha/2');
    await calls.more(50);
  } finally {
    await callsOfBeta.stop();
  }
  calls.assertNoneFailed();
  callsOfBeta.assertNoneFailed();
});

test('no request reaches a service that was given the address of an instance that was killed', async () => {
  const [victim, other] = [await mesh.startApp('gamma', 'victim'), await mesh.startApp('gamma', 'other')];
  await mesh.register(other);
  const sidecar = await mesh.registerBySidecar(victim);
  // A POST that is under way when an application is killed can't be saved.
  load = new MeshLoad({ port: caller.port, services: ['gamma'], methods: ['GET'] });
  await load.reaches('gamma/victim');
  await Promise.all([sidecar.kill(), victim.kill()]);
  await isSuspect('gamma');
  const heir = await mesh.startApp('delta', 'heir', victim.port);
  await load.more(50);
  await mesh.register(heir);
  const ids = (await mesh.instances('gamma')).map(({ id }) => id);
  assert.deepEqual(ids, ['other'], 'an address has one owner');
  const calls = load;
  const callsOfHeir = new MeshLoad({ port: caller.port, services: ['delta'] });
  try {
    await callsOfHeir.more(50);
    await calls.more(50);
  } finally {
    await callsOfHeir.stop();
  }
  calls.assertNoneFailed();
  callsOfHeir.assertNoneFailed();
});

test('an instance that is killed without a word is out of the picks as soon as its stream breaks', async t => {
  const other = await mesh.startApp('delivery', 'other');
  await mesh.register(other);
  const calls = startLoad('delivery');
  const lastPicks: number[] = [];
  for (let round = 0; round < 5; round++) {
    const killed = `killed-${round}`;
    const app = await mesh.startApp('delivery', killed);
    const sidecar = await mesh.registerBySidecar(app);
    await calls.reaches(`delivery/${killed}`);
    // Its application goes on, so that it is seen until when it is picked.
    const killedAt = performance.now();
    sidecar.child.kill('SIGKILL');
    await isSuspect('delivery');
    await calls.more(100);
    const picks = calls.answers.filter(
      ({ by, startedAt }) => by === `delivery/${killed}` && startedAt > killedAt,
    );
    lastPicks.push(Math.max(0, ...picks.map(({ startedAt }) => startedAt - killedAt)));
    await mesh.deregisterAt('delivery', app.port);
  }
  calls.assertNoneFailed();
  t.diagnostic(`picked for ${lastPicks.map(ms => ms.toFixed(1)).join(', ')} ms more`);
  // Where the machine has something else to do, one may take longer.
  assert.ok(Math.min(...lastPicks) < 100, `picked for ${lastPicks} ms more`);
  assert.ok(Math.max(...lastPicks) < 2000, `picked for ${lastPicks} ms more`);
});
