import type { InstanceSpec, PolicyDocument, Revision } from '../contract/resources.ts';
import type { FaultTerm } from './fault-terms.ts';

/** What of the registry outlives the process. Leases do not: after a start each gets its full length again. */
export interface StoredState {
  /** How often the control plane has been started on this store. */
  readonly starts: number;
  /** No revision above this one has been told to anybody, so that the next start may begin with it. */
  readonly revisionCeiling: Revision;
  readonly services: readonly StoredService[];
  readonly instances: readonly StoredInstance[];
}

export interface StoredService {
  readonly name: string;
  readonly policy: PolicyDocument;
  readonly revision: Revision;
  /** Absent where the policy has, and had, no faults. */
  readonly faultTerm?: FaultTerm;
}

/** What was registered, and what the control plane knows besides. */
export interface StoredInstance extends InstanceSpec {
  /** Whether somebody asked for it to be drained; its own `status` is what it says itself. */
  readonly isDrained: boolean;
  /** Whether its lease has run out: so that a start makes nothing of the dead that callers would try. */
  readonly isExpired: boolean;
  readonly registeredBy: string | null;
  /** ISO 8601. */
  readonly registeredAt: string;
  readonly revision: Revision;
}

/** One thing to be kept, or with null to be forgotten. */
export type StoreRecord =
  | { readonly kind: 'service'; readonly name: string; readonly value: StoredService | null }
  | {
      readonly kind: 'instance';
      readonly service: string;
      readonly id: string;
      readonly value: StoredInstance | null;
    };

/** The state of a store that nothing was ever written to. */
export const EMPTY_STATE: StoredState = { starts: 0, revisionCeiling: 0, services: [], instances: [] };
