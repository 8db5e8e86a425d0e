import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ApiCall,
  deleteInstance,
  deleteService,
  drainInstance,
  getService,
  listEvents,
  listInstances,
  listServices,
  listSidecars,
  putInstance,
  putService,
  readAnswer,
  readiness,
  readProblem,
} from '../../../control-plane/contract/calls.ts';
import { type Sent, startControlPlane } from '../running.ts';
import { Watcher } from '../watchers.ts';

test('every call is one that the control plane knows, and its answer can be read', async t => {
  const api = await startControlPlane(t);
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  const make = async <T>(call: ApiCall<T>, sent: Sent = {}): Promise<T> => {
    const { status, text } = await api.call(call.method, call.path, sent);
    assert.ok(status >= 200 && status < 300, `${call.method} ${call.path}: ${status} ${text}`);
    return readAnswer(call, text);
  };
  assert.equal((await make(readiness())).status, 'ok');
  const policy = { retry: { attempts: 3 } };
  assert.deepEqual((await make(putService('inventory'), { json: { policy } })).policy, policy);
  assert.equal((await make(getService('inventory'))).counts.instances, 0);
  const json = { address: '10.0.0.1', port: 8080 };
  assert.equal((await make(putInstance('inventory', 'i:1@host'), { json })).revision, 2);
  for (const service of ['inventory', null]) {
    const { items, next } = await make(listInstances(service)(null));
    assert.deepEqual([items.map(({ id }) => id), next], [['i:1@host'], null]);
  }
  assert.equal((await make(listServices('inventory'))).items.length, 0);
  assert.deepEqual(
    (await make(listSidecars(null))).items.map(({ sidecar }) => sidecar),
    ['s1'],
  );
  assert.deepEqual((await make(drainInstance('inventory', 'i:1@host', 1))).waitingFor, ['caller/s1']);
  assert.equal(await make(deleteInstance('inventory', 'i:1@host')), null);
  assert.equal(await make(deleteService('inventory')), null);
  assert.equal((await make(listEvents())).items.at(-1)?.kind, 'service-deleted');
});

test('a refusal is read where it says what is wrong, whatever else it lacks', () => {
  assert.deepEqual(readProblem('{"detail":"No."}'), { detail: 'No.', errors: [] });
  for (const body of ['', '<html>', 'null', '{"detail":7}']) assert.equal(readProblem(body), null);
});
