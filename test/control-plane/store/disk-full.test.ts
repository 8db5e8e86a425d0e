import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMoment } from '../../../control-plane/registry/moment.ts';
import { EmbeddedStore } from '../../../control-plane/store/embedded-store.ts';
import { openRegistry } from '../../../control-plane/store/registry-keeper.ts';
import { StoreError } from '../../../control-plane/store/store.ts';
import { ADMIN, specOf } from '../registry/meshes.ts';

test('a full disk is an error that says so, and loses nothing', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', directory]);
  if (mounted.status !== 0) {
    await rm(directory, { recursive: true });
    return t.skip('a small file system can only be mounted by root');
  }
  try {
    await fillAndCheck(directory);
  } finally {
    spawnSync('umount', [directory]);
    await rm(directory, { recursive: true });
  }
});

async function fillAndCheck(directory: string): Promise<void> {
  await writeFile(join(directory, 'ballast'), Buffer.alloc(100 * 1024));
  const { registry, keeper } = await openRegistry(await EmbeddedStore.open(directory));
  const kept: string[] = [];
  let failure: unknown = null;
  for (let i = 1; failure === null; i++) {
    registry.register(specOf({ id: `a${i}`, metadata: { pad: 'x'.repeat(700) } }), ADMIN, readMoment());
    try {
      await keeper.committed();
      kept.push(`a${i}`);
    } catch (error) {
      failure = error;
    }
  }
  assert.ok(failure instanceof StoreError && failure.kind === 'full', String(failure));
  assert.ok(kept.length > 100);
  const ids = () => registry.instances('inventory').map(({ id }) => id);
  assert.deepEqual(new Set(ids()), new Set(kept));
  assert.equal(keeper.failure?.kind, 'full');

  // Reading goes on, and a start on the full disk as well.
  const again = await openRegistry(await EmbeddedStore.open(directory));
  assert.deepEqual(new Set(again.registry.instances('inventory').map(({ id }) => id)), new Set(kept));
  await again.keeper.close().catch(() => {});
  await keeper.close().catch(() => {});

  await rm(join(directory, 'ballast'));
  const third = await openRegistry(await EmbeddedStore.open(directory));
  third.registry.register(specOf({ id: 'a9999' }), ADMIN, readMoment());
  await third.keeper.committed();
  await third.keeper.close();
  const store = await EmbeddedStore.open(directory);
  const { instances } = await store.load();
  await store.close();
  assert.deepEqual(new Set(instances.map(({ id }) => id)), new Set([...kept, 'a9999']));
}
