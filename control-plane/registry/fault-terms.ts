import { isDeepStrictEqual } from 'node:util';
import { treeOf } from '../contract/document-tree.ts';
import { POLICY_SCHEMA } from '../contract/policy.ts';
import { read } from '../contract/read.ts';
import type { PolicyDocument } from '../contract/resources.ts';
import { type Actor, MESH_FILE } from './actor.ts';
import type { Moment } from './moment.ts';

/** How long the faults of a service's policy go on: they end by themselves. */
export interface FaultTerm {
  /** `fault` as it was written. */
  readonly fault: unknown;
  /** ISO 8601. */
  readonly endsAt: string;
  /** Its time is over, and it is not in the policy any more. */
  readonly hasEnded: boolean;
}

/** A policy as it is kept, with the term of its faults; null where it has none. */
interface Termed {
  readonly policy: PolicyDocument;
  readonly term: FaultTerm | null;
}

/**
 * What becomes of the faults in a policy that is written. The same ones as before go on as long as they would have anyway. Once
 * they have ended, a mesh file that is read again does not bring them back; whoever else writes them begins anew.
 */
export function termOf(policy: PolicyDocument, before: FaultTerm | null, by: Actor, now: Moment): Termed {
  const isFile = by === MESH_FILE;
  const fault = policy.fault ?? null;
  if (fault === null) return { policy, term: before?.hasEnded && !isFile ? before : null };
  if (before !== null && isDeepStrictEqual(before.fault, fault)) {
    if (!before.hasEnded) return { policy, term: before };
    if (isFile) return { policy: withoutFault(policy), term: before };
  }
  const endsAt = new Date(now.wall + ttlOf(fault)).toISOString();
  return { policy, term: { fault, endsAt, hasEnded: false } };
}

/** What is told of the end, a sentence. */
export const FAULTS_ENDED = 'Its faults have ended by themselves: their time (fault.ttl) was over.';

/** What is left of a policy whose faults have ended. */
export function ended(policy: PolicyDocument, term: FaultTerm): Termed {
  return { policy: withoutFault(policy), term: { ...term, hasEnded: true } };
}

/** Tells when terms are over, by the monotonic clock: that a wall clock is set neither ends nor lengthens one. */
export class FaultClock {
  private readonly deadlines = new WeakMap<FaultTerm, number>();

  isOver(term: FaultTerm, now: Moment): boolean {
    if (term.hasEnded) return false;
    const known = this.deadlines.get(term);
    if (known !== undefined) return now.monotonic >= known;
    // Written just now, or read from the disk: no longer than it was to take, whatever the wall clock says.
    const left = Math.min(Date.parse(term.endsAt) - now.wall, ttlOf(term.fault));
    this.deadlines.set(term, now.monotonic + left);
    return left <= 0;
  }
}

function withoutFault({ fault: _, ...policy }: PolicyDocument): PolicyDocument {
  return policy;
}

/** In ms. */
function ttlOf(fault: unknown): number {
  return read(POLICY_SCHEMA, treeOf({ fault }, 'policy')).value.fault?.ttl ?? 0;
}
