import type { StoredInstance, StoreRecord } from '../../../control-plane/registry/stored-state.ts';
import { specOf } from '../registry/meshes.ts';

export function serviceRecord(name: string, policy: Record<string, unknown> = {}, revision = 1): StoreRecord {
  return { kind: 'service', name, value: { name, policy, revision } };
}

export function instanceRecord(over: Partial<StoredInstance> = {}): StoreRecord {
  const value: StoredInstance = {
    ...specOf(over),
    isDrained: false,
    isExpired: false,
    registeredBy: null,
    registeredAt: '2026-01-01T00:00:00.000Z',
    revision: 1,
    ...over,
  };
  return { kind: 'instance', service: value.service, id: value.id, value };
}
