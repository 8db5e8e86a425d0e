import type { StoredState, StoreRecord } from '../registry/stored-state.ts';

/** Grows by one with every commit; compared and swapped, so that two control planes can't write over each other. */
export type StoreRevision = number;

/** What every commit says besides its records. */
export interface CommitHead {
  readonly starts: number;
  readonly revisionCeiling: number;
}

export interface LoadedState extends StoredState {
  readonly storeRevision: StoreRevision;
  /** What whoever runs the control plane should be told: sentences, mostly none. */
  readonly notices: readonly string[];
}

/**
 * Where the registry is kept. Made so that etcd fits: a commit is one transaction that compares the store's revision (there
 * the `mod_revision` of one key) and puts and deletes keys, `service/<name>` and `instance/<service>/<id>`; a control
 * plane's own presence would be a lease, and the commits of other replicas a watch on the same keys.
 *
 * Commits are made one after another: the next one when the one before has settled.
 */
export interface Store {
  /** What it is and where, for messages. */
  readonly name: string;
  /** Everything that was ever committed. @throws StoreError `damaged` where that can't be said for certain */
  load(): Promise<LoadedState>;
  /**
   * Keeps all records or none, and returns when they will survive a crash of process and machine.
   * @param expected the revision that the store has, as far as the caller knows
   * @throws StoreError after which the store is as it was before
   */
  commit(records: readonly StoreRecord[], head: CommitHead, expected: StoreRevision): Promise<StoreRevision>;
  /** Idempotent; waits for what is being committed. */
  close(): Promise<void>;
}

/**
 * - `full`: no space is left; what was kept before is kept.
 * - `conflict`: somebody else has written to the store.
 * - `damaged`: what is there is not what was written, or was not written by Outrider. Nothing was changed.
 * - `newer`: a later version of Outrider wrote it.
 * - `in-use`: another control plane has it; nothing was read.
 * - `failed`: anything else, such as missing permissions.
 */
type StoreErrorKind = 'full' | 'conflict' | 'damaged' | 'newer' | 'in-use' | 'failed';

/** What went wrong with a store. The message says where and what to do. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.kind = kind;
  }
}
