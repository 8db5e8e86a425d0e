import { EMPTY_STATE, type StoreRecord } from '../registry/stored-state.ts';
import { KeptRecords } from './kept-records.ts';
import { type CommitHead, type LoadedState, type Store, StoreError, type StoreRevision } from './store.ts';

/** Keeps nothing beyond the process: for tests, and for `--data memory`. */
export class MemoryStore implements Store {
  readonly name = 'memory';
  private readonly records = new KeptRecords();
  private head: CommitHead = EMPTY_STATE;
  private revision: StoreRevision = 0;
  private failure: StoreError | null = null;

  async load(): Promise<LoadedState> {
    const { starts, revisionCeiling } = this.head;
    return { starts, revisionCeiling, ...this.records.state, storeRevision: this.revision, notices: [] };
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
    for (const record of records) this.records.put(record);
    this.head = head;
    return ++this.revision;
  }

  async close(): Promise<void> {}

  /** Makes commits fail from now on, as a full disk does; null: they succeed again. */
  failWith(failure: StoreError | null): void {
    this.failure = failure;
  }
}
