import type { EndpointResource, PolicyDocument, Revision } from '../contract/resources.ts';
import type { Moment } from './moment.ts';
import type { StoreRecord } from './stored-state.ts';

/** What one revision changed. */
export type RegistryChange = ServiceChange | InstanceChange;

interface AnyChange {
  readonly revision: Revision;
  readonly service: string;
  /** Whether the service was there before, and whether it is now. An instance's registration makes its service. */
  readonly existed: boolean;
  readonly exists: boolean;
  /** What the store has to keep; none where a lease became suspect, which a start would forget anyway. */
  readonly records: readonly StoreRecord[];
  /**
   * What becomes of it when the store can't keep the records: it is undone, since whoever asked is told that it failed; or
   * it stays and is tried again, since it is true whether kept or not, as with an instance that leaves.
   */
  readonly onLoss: 'undo' | 'retry';
}

/** A service was written or deleted. */
interface ServiceChange extends AnyChange {
  readonly kind: 'service';
  /** Empty where it was deleted. */
  readonly policy: PolicyDocument;
}

/** An instance was registered, changed, removed, or its lease was. */
interface InstanceChange extends AnyChange {
  readonly kind: 'instance';
  readonly instance: string;
  /** What callers were told of it until now, and what they are told from now on; null: nothing. */
  readonly before: EndpointResource | null;
  readonly endpoint: EndpointResource | null;
  /** Whether the two differ: whether callers notice anything. */
  readonly isVisible: boolean;
  /** Why its registration has ended, a sentence; null where it has not. */
  readonly ended: string | null;
}

/** Told of every change at once, in the order of revisions. It must not change the registry in turn. */
export interface RegistryListener {
  onChange(change: RegistryChange): void;
  /** The process stood still, or the machine slept: nobody is to blame for not having been heard meanwhile. */
  onStall?(now: Moment): void;
}
