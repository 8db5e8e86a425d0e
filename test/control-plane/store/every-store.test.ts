import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { EmbeddedStore } from '../../../control-plane/store/embedded-store.ts';
import { MemoryStore } from '../../../control-plane/store/memory-store.ts';
import { type Store, StoreError } from '../../../control-plane/store/store.ts';
import { instanceRecord, serviceRecord } from './records.ts';

/** A store to test, and a second handle on the same content. */
interface Opened {
  readonly store: Store;
  again(): Promise<Store>;
  end(): Promise<void>;
}

const STORES: Readonly<Record<string, () => Promise<Opened>>> = {
  memory: async () => {
    const store = new MemoryStore();
    return { store, again: async () => store, end: () => store.close() };
  },
  embedded: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'outrider-store-'));
    const opened: Store[] = [];
    const open = async () => {
      const store = await EmbeddedStore.open(directory);
      opened.push(store);
      return store;
    };
    return {
      store: await open(),
      again: open,
      end: async () => {
        await Promise.all(opened.map(store => store.close()));
        await rm(directory, { recursive: true });
      },
    };
  },
};

const HEAD = { starts: 1, revisionCeiling: 100 };

for (const [name, make] of Object.entries(STORES)) {
  const withStore = (run: (opened: Opened) => Promise<void>) => async () => {
    const opened = await make();
    try {
      await run(opened);
    } finally {
      await opened.end();
    }
  };

  describe(`the ${name} store`, () => {
    test(
      'begins empty',
      withStore(async ({ store }) => {
        const { notices, ...state } = await store.load();
        assert.deepEqual(state, {
          starts: 0,
          revisionCeiling: 0,
          services: [],
          instances: [],
          storeRevision: 0,
        });
        assert.deepEqual(notices, []);
      }),
    );

    test(
      'has what was committed, and the last word on each',
      withStore(async ({ store, again }) => {
        await store.load();
        const orders = serviceRecord('orders', { retry: { attempts: 3 }, text: 'ä "quoted"\nline' });
        assert.equal(await store.commit([orders, instanceRecord({ id: 'a1' })], HEAD, 0), 1);
        const changed = instanceRecord({ id: 'a1', weight: 7 });
        const gone = instanceRecord({ id: 'a2' });
        assert.equal(await store.commit([changed, gone], HEAD, 1), 2);
        assert.equal(
          await store.commit([{ ...gone, value: null }], { starts: 2, revisionCeiling: 200 }, 2),
          3,
        );
        const state = await (await again()).load();
        assert.deepEqual(state.services, [orders.value]);
        assert.deepEqual(state.instances, [changed.value]);
        assert.deepEqual([state.starts, state.revisionCeiling, state.storeRevision], [2, 200, 3]);
      }),
    );

    test(
      'keeps services and instances of the same name apart, and ids of different services',
      withStore(async ({ store, again }) => {
        await store.load();
        const records = [
          serviceRecord('a'),
          instanceRecord({ service: 'a', id: 'a' }),
          instanceRecord({ service: 'b', id: 'a' }),
          instanceRecord({ service: 'b', id: 'a/a' }),
        ];
        await store.commit(records, HEAD, 0);
        const state = await (await again()).load();
        assert.deepEqual([state.services.length, state.instances.length], [1, 3]);
      }),
    );

    test(
      'takes a commit without records, for its head',
      withStore(async ({ store, again }) => {
        await store.load();
        await store.commit([], { starts: 7, revisionCeiling: 9 }, 0);
        const { starts, revisionCeiling } = await (await again()).load();
        assert.deepEqual([starts, revisionCeiling], [7, 9]);
      }),
    );

    test(
      'refuses a commit on a revision that it does not have, whole',
      withStore(async ({ store, again }) => {
        await store.load();
        await store.commit([serviceRecord('orders')], HEAD, 0);
        for (const expected of [0, 2]) {
          await assert.rejects(
            store.commit([serviceRecord('other')], HEAD, expected),
            isStoreError('conflict'),
          );
        }
        const state = await (await again()).load();
        assert.deepEqual(
          state.services.map(service => service.name),
          ['orders'],
        );
      }),
    );

    test(
      'lets one of two writers win',
      withStore(async ({ store, again }) => {
        const other = await again();
        await store.load();
        await other.load();
        await other.commit([serviceRecord('newer')], HEAD, 0);
        await assert.rejects(store.commit([serviceRecord('older')], HEAD, 0), isStoreError('conflict'));
        assert.equal(await other.commit([serviceRecord('newest')], HEAD, 1), 2);
        const { services } = await (await again()).load();
        assert.deepEqual(
          services.map(service => service.name),
          ['newer', 'newest'],
        );
      }),
    );

    test(
      'can be closed twice',
      withStore(async ({ store }) => {
        await store.load();
        await store.close();
        await store.close();
      }),
    );
  });
}

function isStoreError(kind: string): (error: unknown) => boolean {
  return error => error instanceof StoreError && error.kind === kind;
}
