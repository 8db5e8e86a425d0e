import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredInstance } from '../../../control-plane/registry/stored-state.ts';
import { KeptRecords, keyOf } from '../../../control-plane/store/kept-records.ts';

const service = { name: 'a', policy: {}, revision: 1 };
const instance = { service: 'a', id: 'b' } as StoredInstance;

test('of each thing the last record is kept, until it is forgotten', () => {
  const kept = new KeptRecords();
  kept.put({ kind: 'service', name: 'a', value: service });
  kept.put({ kind: 'instance', service: 'a', id: 'b', value: instance });
  const later = { ...service, revision: 2 };
  kept.put({ kind: 'service', name: 'a', value: later });
  assert.deepEqual(kept.state, { services: [later], instances: [instance] });
  kept.put({ kind: 'service', name: 'a', value: null });
  assert.deepEqual(kept.state, { services: [], instances: [instance] });
  assert.deepEqual(
    kept.all.map(({ kind }) => kind),
    ['instance'],
  );
});

test('a service and an instance never have the same key', () => {
  const ofService = keyOf({ kind: 'service', name: 'a/b', value: null });
  assert.notEqual(ofService, keyOf({ kind: 'instance', service: 'a', id: 'b', value: null }));
});
