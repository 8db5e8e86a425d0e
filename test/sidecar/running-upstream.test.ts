import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpUpstream } from '../e2e/harness/http-upstream.ts';
import { until } from '../e2e/harness/until.ts';
import { TestMesh } from './meshes.ts';

test('says in the log, once, where there is no such service as it is to fall back on', async t => {
  const mesh = new TestMesh();
  t.after(() => mesh.close());
  await mesh.startControlPlane();
  const inventory = await HttpUpstream.start((_, response) => response.writeHead(503).end('closed'));
  t.after(() => inventory.stop());
  await mesh.register('inventory', 'i1', inventory.port);
  await mesh.call('PUT', '/v1/services/standby', {});
  const setPolicy = (policy: object) => mesh.call('PUT', '/v1/services/inventory', { policy });
  const caller = await mesh.startSidecar();
  const told = () => mesh.log.lines.filter(line => line.includes('fallback.upstream'));

  await setPolicy({ fallback: { upstream: 'standby' } });
  assert.equal((await caller.get('inventory')).status, 503);
  assert.deepEqual(told(), []);
  await setPolicy({ fallback: { upstream: 'standbye' } });
  await until(() => told().length > 0, 'a line in the log');
  await setPolicy({ fallback: { upstream: 'standbye' }, retry: { attempts: 1 } });
  assert.equal((await caller.get('inventory')).text, 'closed');
  assert.equal((await caller.get('inventory')).text, 'closed');
  assert.deepEqual(told(), [
    `inventory is to fall back on standbye (fallback.upstream), which is not there. The control plane at ${mesh.url} knows no service of this name: check how it is written, or start an instance of it.`,
  ]);
  await setPolicy({ fallback: { upstream: 'standbys' } });
  await until(() => told().length > 1, 'a line about the other one');
});
