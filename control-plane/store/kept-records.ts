import type { StoredInstance, StoredService, StoreRecord } from '../registry/stored-state.ts';

/** What is kept: of each service and instance the last record, unless it was forgotten. */
export class KeptRecords {
  private readonly byKey = new Map<string, StoreRecord>();

  /** In the order in which they were first kept. */
  get all(): StoreRecord[] {
    return [...this.byKey.values()];
  }

  /** The same as a state has them. */
  get state(): { readonly services: StoredService[]; readonly instances: StoredInstance[] } {
    const services: StoredService[] = [];
    const instances: StoredInstance[] = [];
    for (const record of this.byKey.values()) {
      if (record.value === null) continue;
      if (record.kind === 'service') services.push(record.value);
      else instances.push(record.value);
    }
    return { services, instances };
  }

  get(key: string): StoreRecord | undefined {
    return this.byKey.get(key);
  }

  put(record: StoreRecord): void {
    if (record.value === null) this.byKey.delete(keyOf(record));
    else this.byKey.set(keyOf(record), record);
  }

  clear(): void {
    this.byKey.clear();
  }
}

/** Records with the same one are of the same thing. */
export function keyOf(record: StoreRecord): string {
  return record.kind === 'service' ? `service/${record.name}` : `instance/${record.service}/${record.id}`;
}
