import {
  EMPTY_STATE,
  type StoredInstance,
  type StoredService,
  type StoreRecord,
} from '../registry/stored-state.ts';
import { type CommitHead, type LoadedState, type Store, StoreError, type StoreRevision } from './store.ts';

/** Keeps nothing beyond the process: for tests, and for `--data memory`. */
export class MemoryStore implements Store {
  readonly name = 'memory';
  private readonly services = new Map<string, StoredService>();
  private readonly instances = new Map<string, StoredInstance>();
  private head: CommitHead = EMPTY_STATE;
  private revision: StoreRevision = 0;
  private failure: StoreError | null = null;

  async load(): Promise<LoadedState> {
    const { starts, revisionCeiling } = this.head;
    const services = [...this.services.values()];
    const instances = [...this.instances.values()];
    return { starts, revisionCeiling, services, instances, storeRevision: this.revision, notices: [] };
  }

  async commit(
    records: readonly StoreRecord[],
    head: CommitHead,
    expected: StoreRevision,
  ): Promise<StoreRevision> {
    if (this.failure !== null) throw this.failure;
    if (expected !== this.revision) {
      throw new StoreError('conflict', `the store is at ${this.revision}, not at ${expected}`);
    }
    for (const record of records) {
      if (record.kind === 'service') set(this.services, record.name, record.value);
      else set(this.instances, `${record.service}/${record.id}`, record.value);
    }
    this.head = head;
    return ++this.revision;
  }

  async close(): Promise<void> {}

  /** Makes commits fail from now on, as a full disk does; null: they succeed again. */
  failWith(failure: StoreError | null): void {
    this.failure = failure;
  }
}

function set<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
