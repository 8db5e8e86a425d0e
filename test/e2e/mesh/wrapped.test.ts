import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closedPort } from '../harness/closed-port.ts';
import { MeshLoad, type MeshLoadOptions } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until } from '../harness/until.ts';

const NAMED_APP = fileURLToPath(new URL('../harness/named-app.js', import.meta.url));
const STALLING_APP = fileURLToPath(new URL('../harness/stalling-app.js', import.meta.url));
const CALLING_APP = fileURLToPath(new URL('../harness/calling-app.js', import.meta.url));

/** On a busy machine the control plane may not have answered in time. */
const DEREGISTERED = /(is|could not be) deregistered/;

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

function startLoad(service: string, more: Partial<MeshLoadOptions> = {}): MeshLoad {
  load = new MeshLoad({ port: caller.port, services: [service], ...more });
  return load;
}

/** Fails where such lines are not all in the log, or in another order. */
function assertOrder({ log }: SidecarProcess, ...lines: RegExp[]): void {
  const places = lines.map(line => log.findIndex(({ msg }) => line.test(msg)));
  assert.ok(!places.includes(-1), `${lines} at ${places}: ${JSON.stringify(log)}`);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
}

test('no request fails while two wrapped instances are replaced one after another', async t => {
  let wrapped = await mesh.runWrapped('orders', 'v0', NAMED_APP);
  let other = await mesh.runWrapped('orders', 'v1', NAMED_APP);
  const calls = startLoad('orders');
  await calls.reaches('orders/v0');
  await calls.reaches('orders/v1');
  for (let round = 0; round < 3; round++) {
    const before = calls.answers.length;
    assert.equal(await wrapped.stop(), 0, "the application's exit code");
    assertOrder(
      wrapped,
      /^stops: callers leave the application/,
      /^orders is drained: all callers have left it/,
      /^the application is told to stop/,
      /^the application has ended with 0/,
      DEREGISTERED,
      /^stopped/,
    );
    const since = performance.now();
    await calls.more(30);
    assert.deepEqual(calls.answeredBy(since), [`orders/v${round + 1}`]);
    t.diagnostic(`${calls.answers.length - before} requests around stop ${round}`);
    wrapped = other;
    other = await mesh.runWrapped('orders', `v${round + 2}`, NAMED_APP);
    await calls.reaches(`orders/v${round + 2}`);
  }
  calls.assertNoneFailed();
});

test('what was sent to an application just before it is told to stop reaches it, also while it is busy', async t => {
  await mesh.runWrapped('stock', 'other', NAMED_APP);
  const calls = startLoad('stock', { methods: ['POST'], workers: 12 });
  for (let round = 0; round < 3; round++) {
    const wrapped = await mesh.runWrapped('stock', `v${round}`, STALLING_APP);
    await calls.reaches(`stock/v${round}`);
    assert.equal(await wrapped.stop(), 0, "the application's exit code");
  }
  t.diagnostic(`${calls.answers.length} requests`);
  calls.assertNoneFailed();
});

test('an application that dies is deregistered, its calls go elsewhere, and the wrapper ends as it did', async () => {
  const victim = await mesh.runWrapped('payments', 'victim', NAMED_APP);
  await mesh.runWrapped('payments', 'other', NAMED_APP);
  // A POST that is under way when an application dies can't be saved.
  const calls = startLoad('payments', { methods: ['GET'] });
  await calls.reaches('payments/victim');
  await calls.reaches('payments/other');
  process.kill(victim.applicationPid, 'SIGKILL');
  assert.equal(await victim.exit(), 137);
  assertOrder(victim, /^the application was ended by SIGKILL/, DEREGISTERED, /^stopped/);
  await until(async () => (await mesh.instances('payments')).length === 1, 'one instance');
  await calls.more(30);
  calls.assertNoneFailed();
});

test('what the application calls while it stops is carried, after its callers have left it', async () => {
  const target = await mesh.startApp('inventory', 'v0');
  await mesh.register(target);
  const port = await closedPort();
  const wrapped = await mesh.runWrapped('delivery', 'v0', CALLING_APP, {
    file: { egress: { listen: `127.0.0.1:${port}` } },
    environment: { PROXY: `http://127.0.0.1:${port}`, CALLS: 'inventory', LAST_CALLS: '20' },
  });
  await mesh.runWrapped('delivery', 'v1', NAMED_APP);
  const calls = startLoad('delivery');
  await calls.reaches('delivery/v0');
  const stopped = wrapped.stop();
  await until(() => /told at \d+/.test(wrapped.complaints), 'the signal');
  const [, toldAt] = /told at (\d+)/.exec(wrapped.complaints)!;
  assert.equal(await stopped, 5);
  assert.match(wrapped.complaints, /^called 20 times, 0 failed: $/m);
  const inWallClock = performance.timeOrigin;
  const late = calls.answers.filter(
    ({ by, startedAt }) => by === 'delivery/v0' && inWallClock + startedAt > Number(toldAt),
  );
  assert.deepEqual(late, [], 'nobody picked it any more when it was told');
  await calls.more(20);
  calls.assertNoneFailed();
});

test('while the control plane is away, an application is stopped all the same', async () => {
  const wrapped = await mesh.runWrapped('alone', 'v0', NAMED_APP);
  await until(() => wrapped.log.some(({ msg }) => msg === 'alone is registered as up'), 'a registration');
  await mesh.killControlPlane();
  try {
    assert.equal(await wrapped.stop(), 0);
  } finally {
    await mesh.startControlPlane();
  }
  assertOrder(wrapped, /^alone could not be drained/, /^the application is told to stop/, /^stopped/);
});
