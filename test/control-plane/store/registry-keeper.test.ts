import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Moment } from '../../../control-plane/registry/moment.ts';
import { type KeptRegistry, openRegistry } from '../../../control-plane/store/registry-keeper.ts';
import { StoreError } from '../../../control-plane/store/store.ts';
import { ADMIN, START, specOf } from '../registry/meshes.ts';
import { SlowStore } from './slow-store.ts';

const FULL = new StoreError('full', 'no space is left');
const now: Moment = START;

async function open(store = new SlowStore()): Promise<KeptRegistry & { store: SlowStore }> {
  return { ...(await openRegistry(store, () => now)), store };
}

const isFull = (error: unknown) => error === FULL;

describe('a registry that is kept', () => {
  test('is there again after a start, in another epoch and above all that was told', async () => {
    const { registry, keeper, store } = await open();
    registry.putService('inventory', { a: 1 }, ADMIN, now);
    registry.register(specOf(), ADMIN, now);
    await keeper.committed();
    // Without a goodbye, as a crash would have it.
    const again = await open(store);
    assert.notEqual(again.registry.epoch, registry.epoch);
    assert.ok(again.registry.revision > registry.revision);
    assert.deepEqual(again.registry.service('inventory')?.policy, { a: 1 });
    assert.equal(again.registry.instance('inventory', 'a1')?.lease, 'kept');
    await Promise.all([keeper.close(), again.keeper.close()]);
  });

  test('begins above revisions of which nothing was stored, too', async () => {
    const { registry, keeper, store } = await open();
    registry.register(specOf(), { name: 'sidecar s1', sidecar: 's1' }, now);
    for (let i = 0; i < 30_000; i++) {
      registry.streamOpened('s1', now);
      registry.streamBroken('s1', now);
      if (i % 1_000 === 0) await new Promise(setImmediate);
    }
    await keeper.committed();
    assert.ok(store.commits.length < 30, `${store.commits.length} commits`);
    const again = await open(store);
    assert.ok(again.registry.revision >= registry.revision);
    await Promise.all([keeper.close(), again.keeper.close()]);
  });

  test('is not written for heartbeats', async () => {
    const { registry, keeper, store } = await open();
    registry.register(specOf(), ADMIN, now);
    await keeper.committed();
    const before = store.commits.length;
    for (let i = 0; i < 100; i++) registry.heartbeat('inventory', 'a1', now);
    await keeper.committed();
    assert.equal(store.commits.length, before);
    await keeper.close();
  });

  test('writes what happens in one go in one commit, and what comes meanwhile in the next one', async () => {
    const { registry, keeper, store } = await open();
    store.isHolding = true;
    store.commits.length = 0;
    registry.register(specOf({ id: 'a1', port: 80 }), ADMIN, now);
    registry.register(specOf({ id: 'a2', port: 80 }), ADMIN, now);
    const first = keeper.committed();
    await new Promise(setImmediate);
    for (let i = 3; i < 9; i++) registry.register(specOf({ id: `a${i}` }), ADMIN, now);
    let isSecondDone = false;
    const second = keeper.committed().then(() => {
      isSecondDone = true;
    });
    store.letGo();
    await first;
    assert.equal(isSecondDone, false);
    store.letGo();
    await second;
    assert.deepEqual(
      store.commits.map(records => records.length),
      [3, 6],
    );
    store.isHolding = false;
    await keeper.close();
  });

  test('waits for a commit under way also where the caller itself changed nothing', async () => {
    const { registry, keeper, store } = await open();
    store.isHolding = true;
    registry.register(specOf(), ADMIN, now);
    const first = keeper.committed();
    await new Promise(setImmediate);
    registry.register(specOf(), ADMIN, now);
    let isDone = false;
    const second = keeper.committed().then(() => {
      isDone = true;
    });
    await new Promise(setImmediate);
    assert.equal(isDone, false);
    store.letGo();
    await Promise.all([first, second]);
    store.isHolding = false;
    await keeper.close();
  });

  test('commits what is left when it is closed', async () => {
    const { registry, keeper, store } = await open();
    registry.register(specOf(), ADMIN, now);
    await keeper.close();
    assert.equal((await store.load()).instances.length, 1);
  });
});

describe('a store that is full', () => {
  test('undoes what was asked for, and says so', async () => {
    const { registry, keeper, store } = await open();
    registry.putService('inventory', { a: 1 }, ADMIN, now);
    registry.register(specOf({ id: 'a1' }), ADMIN, now);
    await keeper.committed();
    store.failWith(FULL);
    registry.putService('inventory', { a: 2 }, ADMIN, now);
    registry.register(specOf({ id: 'a2', port: 8001 }), ADMIN, now);
    registry.register(specOf({ id: 'b1', service: 'delivery', port: 1 }), ADMIN, now);
    await assert.rejects(keeper.committed(), isFull);
    assert.equal(keeper.failure, FULL);
    assert.deepEqual(registry.service('inventory')?.policy, { a: 1 });
    assert.deepEqual(
      registry.instances('inventory').map(({ id }) => id),
      ['a1'],
    );
    assert.equal(registry.service('delivery'), null);
    store.failWith(null);
    registry.putService('inventory', { a: 3 }, ADMIN, now);
    await keeper.committed();
    assert.equal(keeper.failure, null);
    assert.deepEqual(
      (await store.load()).services.map(({ policy }) => policy),
      [{ a: 3 }],
    );
    await keeper.close();
  });

  test('undoes what was built on what failed, and nothing that was kept', async () => {
    const { registry, keeper, store } = await open();
    registry.putService('s', { a: 1 }, ADMIN, now);
    await keeper.committed();
    store.isHolding = true;
    registry.putService('s', { a: 2 }, ADMIN, now);
    const kept = keeper.committed();
    await new Promise(setImmediate);
    registry.putService('s', { a: 3 }, ADMIN, now);
    const lost = keeper.committed();
    lost.catch(() => {});
    store.letGo();
    await kept;
    store.failWith(FULL);
    registry.putService('s', { a: 4 }, ADMIN, now);
    const lostToo = keeper.committed();
    lostToo.catch(() => {});
    store.letGo();
    await assert.rejects(lost, isFull);
    await assert.rejects(lostToo, isFull);
    assert.deepEqual(registry.service('s')?.policy, { a: 2 });
    store.failWith(null);
    store.isHolding = false;
    await keeper.close();
    assert.deepEqual((await store.load()).services[0].policy, { a: 2 });
  });

  test('does not bring back who leaves: that is tried again', async () => {
    const { registry, keeper, store } = await open();
    registry.register(specOf({ id: 'a1' }), ADMIN, now);
    registry.register(specOf({ id: 'a2' }), ADMIN, now);
    await keeper.committed();
    store.failWith(FULL);
    registry.deregister('inventory', 'a1', ADMIN, now);
    registry.drain('inventory', 'a2', ADMIN, now);
    await assert.rejects(keeper.committed(), isFull);
    assert.equal(registry.instance('inventory', 'a1'), null);
    registry.register(specOf({ id: 'a2', weight: 9 }), ADMIN, now);
    await assert.rejects(keeper.committed(), isFull);
    const { status, weight } = registry.instance('inventory', 'a2') ?? {};
    assert.deepEqual([status, weight], ['draining', 1]);
    store.failWith(null);
    await keeper.committed();
    const { instances } = await store.load();
    assert.deepEqual(
      instances.map(({ id, isDrained, weight }) => [id, isDrained, weight]),
      [['a2', true, 1]],
    );
    await keeper.close();
  });

  test('does not keep the control plane from starting', async () => {
    const store = new SlowStore();
    const first = await open(store);
    first.registry.register(specOf(), ADMIN, now);
    await first.keeper.close();
    store.failWith(FULL);
    const { registry, keeper } = await open(store);
    assert.equal(registry.instances('inventory').length, 1);
    assert.equal(keeper.failure, FULL);
    await assert.rejects(keeper.close(), isFull);
  });

  test('a store that fails otherwise does', async () => {
    const store = new SlowStore();
    store.failWith(new StoreError('conflict', 'written by somebody else'));
    await assert.rejects(open(store), /written by somebody else/);
  });
});
