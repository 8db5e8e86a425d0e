import type { StoreRecord } from '../../../control-plane/registry/stored-state.ts';
import { MemoryStore } from '../../../control-plane/store/memory-store.ts';
import type { CommitHead, StoreRevision } from '../../../control-plane/store/store.ts';

/** A store whose commits wait until they are let go, and that remembers them. */
export class SlowStore extends MemoryStore {
  readonly commits: (readonly StoreRecord[])[] = [];
  isHolding = false;
  private readonly held: (() => void)[] = [];

  override async commit(
    records: readonly StoreRecord[],
    head: CommitHead,
    expected: StoreRevision,
  ): Promise<StoreRevision> {
    this.commits.push(records);
    if (this.isHolding) await new Promise<void>(resolve => this.held.push(resolve));
    return super.commit(records, head, expected);
  }

  letGo(): void {
    this.held.shift()?.();
  }
}
