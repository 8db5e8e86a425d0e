import type { EjectionReason } from '../../exchange/ejection-reason.ts';
import type { WaitingRequest } from './waiting-request.ts';

/**
 * Whether an endpoint is left out: `in` use; `out` until a time; `due` to be tried with a request; `probing`, while that is under
 * way. Moved from one to the other by `Ejections`.
 */
export class Ejection {
  phase: 'in' | 'out' | 'due' | 'probing' = 'in';
  /** Why it is left out, or was last; null where it never was. */
  reason: EjectionReason | null = null;
  /** Monotonic ms since when, and until when at least. While `probing`, until when the request has to be answered. */
  since = 0;
  until = 0;
  /** Monotonic ms since when it is due, or is being tried: another request may be tried while one still waits. */
  dueSince = 0;
  /** How many ejections stand to its account: how long the next one takes. */
  count = 0;
  /** Monotonic ms at which it came back. */
  backSince = 0;
  /** The part of its share that it gets, 0 to 1; less than 1 for a while after it came back. */
  ramp = 1;
  /** The request that it is tried with. */
  probe: WaitingRequest | null = null;

  get isOut(): boolean {
    return this.phase !== 'in';
  }

  /** Whether what becomes of the request tells whether the endpoint is of use again: it was sent since that was due. */
  isTrial({ sentAt }: WaitingRequest): boolean {
    return (this.phase === 'due' || this.phase === 'probing') && sentAt >= this.dueSince;
  }
}

/** An endpoint, as far as it can be left out. */
export interface Ejectable {
  readonly weight: number;
  readonly isLastResort: boolean;
  /** Not null: it can't be connected to. */
  readonly lost: unknown;
  readonly ejection: Ejection;
}
