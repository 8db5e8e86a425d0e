import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FullBacklog } from '../harness/full-backlog.ts';
import type { MeshApp } from '../harness/mesh-app.ts';
import { MeshLoad, type MeshLoadOptions } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until } from '../harness/until.ts';

/** How long what restarts is away, beside the time that its processes take to start. */
const AWAY_MS = 1000;

/**
 * For a machine that is too busy to start processes within the 5 s of the default; and so many attempts because a request may be with
 * each of several replicas in turn while they are killed.
 */
const PATIENT = { limits: { hold: '25s' }, timeouts: { total: '28s' }, retry: { attempts: 5 } };

let mesh: MeshProcesses;
let caller: SidecarProcess;
const loads: MeshLoad[] = [];

before(async () => {
  mesh = await MeshProcesses.start();
  for (const service of ['one', 'two', 'three', 'four', 'five'])
    await mesh.call('PUT', `/v1/services/${service}`, { policy: PATIENT });
  const connect = '25s';
  const patient = { ...PATIENT, timeouts: { ...PATIENT.timeouts, connect } };
  await mesh.call('PUT', '/v1/services/six', { policy: patient });
  caller = await mesh.startSidecar();
});
afterEach(async () => {
  await Promise.all(loads.splice(0).map(load => load.stop()));
});
after(() => mesh.close());

function startLoad(service: string, options: Partial<MeshLoadOptions> = {}): MeshLoad {
  const load = new MeshLoad({ port: caller.port, services: [service], ...options });
  loads.push(load);
  return load;
}

/** Starts it again, on the port that it had. */
async function comesBack({ service, port }: MeshApp, id: string): Promise<MeshApp> {
  await sleep(AWAY_MS);
  return mesh.startApp(service, id, port);
}

/** Each worker had a request that waited. */
function assertHeld(load: MeshLoad, workers = 6): void {
  const held = load.answers.filter(({ startedAt, endedAt }) => endedAt - startedAt > AWAY_MS / 2);
  assert.ok(held.length >= workers, `${held.length} requests waited`);
}

test('no request fails while the application of a single replica ends and comes back, and its sidecar stays', async () => {
  const first = await mesh.startApp('one', 'v1');
  await mesh.registerBySidecar(first);
  const load = startLoad('one', { methods: ['GET'] });
  await load.more(50);
  await first.stop();
  await comesBack(first, 'v2');
  await load.reaches('one/v2');
  await load.more(50);
  assertHeld(load);
});

test('no request that can be sent again fails while the application of a single replica is killed and comes back', async () => {
  const first = await mesh.startApp('two', 'v1');
  await mesh.registerBySidecar(first);
  const gets = startLoad('two', { methods: ['GET'] });
  const posts = startLoad('two', { methods: ['POST'] });
  await gets.more(50);
  const since = performance.now();
  await first.kill();
  await comesBack(first, 'v2');
  await gets.reaches('two/v2');
  await gets.more(50);
  assertHeld(gets);
  await until(() => posts.answeredBy(since).includes('two/v2'), 'an answer to a POST');
  // One per worker at most: what the application may have acted upon before it was killed.
  assert.ok(posts.failures.length <= 6, `${posts.failures.length} POSTs failed`);
  for (const { complaint } of posts.failures) assert.match(complaint ?? '', /was lost before it answered/);
});

test('no request fails while a single replica is killed with its sidecar and both come back', async () => {
  const first = await mesh.startApp('three', 'v1');
  const sidecar = await mesh.registerBySidecar(first);
  const load = startLoad('three', { methods: ['GET'] });
  await load.more(50);
  await Promise.all([first.kill(), sidecar.kill()]);
  const second = await comesBack(first, 'v2');
  await mesh.registerBySidecar(second);
  await load.reaches('three/v2');
  await load.more(50);
  assertHeld(load);
});

test('no request fails while a single replica stops with its sidecar and both come back', async () => {
  const first = await mesh.startApp('four', 'v1');
  const sidecar = await mesh.registerBySidecar(first);
  const load = startLoad('four');
  await load.more(50);
  assert.equal(await sidecar.stop(), 0);
  await first.stop();
  const second = await comesBack(first, 'v2');
  await mesh.registerBySidecar(second);
  await load.reaches('four/v2');
  await load.more(50);
  assertHeld(load);
});

test('no request fails while all of several replicas are killed at once and come back', async () => {
  const replicas = await Promise.all(['a1', 'b1', 'c1', 'd1'].map(id => mesh.startApp('five', id)));
  await Promise.all(replicas.map(app => mesh.register(app)));
  const load = startLoad('five', { methods: ['GET'] });
  await load.more(100);
  await Promise.all(replicas.map(app => app.kill()));
  await sleep(AWAY_MS);
  await Promise.all(replicas.map(({ port, id }) => mesh.startApp('five', id.replace('1', '2'), port)));
  // Two of them may be left out for a second, since they were away.
  for (const id of ['a2', 'b2', 'c2', 'd2']) await load.reaches(`five/${id}`);
  await load.more(100);
  assertHeld(load);
});

test('what waits for a connection to the only replica waits for another one when that leaves', async t => {
  const app = await mesh.startApp('six', 'v1');
  await mesh.register(app);
  const before = startLoad('six', { workers: 1 });
  await before.reaches('six/v1');
  await before.stop();
  // As an address whose container is gone: nobody answers, nobody refuses.
  const silent = await FullBacklog.start();
  t.after(() => silent.stop());
  const instance = { address: '127.0.0.1', port: silent.port, ttl: '10m' };
  await mesh.call('PUT', '/v1/services/six/instances/silent', instance);
  await mesh.deregister(app);
  await until(
    async () => (await caller.upstream('six')).endpoints.every(({ id }) => id === 'silent'),
    'the silent one alone',
  );
  const load = startLoad('six');
  await until(async () => (await caller.upstream('six')).inFlight === 6, 'requests that wait');
  await mesh.call('DELETE', '/v1/services/six/instances/silent');
  await sleep(AWAY_MS);
  await mesh.register(app);
  await load.more(50);
});
