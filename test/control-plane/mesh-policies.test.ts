import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshPolicies } from '../../control-plane/mesh-policies.ts';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';
import { openRegistry } from '../../control-plane/store/registry-keeper.ts';

test('says which services a mesh file names no more, whatever they are called', async t => {
  const clock = () => ({ wall: 0, monotonic: 0 });
  const { registry, keeper } = await openRegistry(new MemoryStore(), clock);
  t.after(() => keeper.close());
  const policies = new MeshPolicies(registry, keeper, clock);
  const names = ['constructor', 'inventory'];
  assert.deepEqual(await policies.write({ constructor: {}, inventory: {} }), { changed: names, dropped: [] });
  assert.deepEqual(await policies.write({}), { changed: [], dropped: names });
});
