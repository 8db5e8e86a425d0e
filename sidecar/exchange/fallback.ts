import type { Failure } from './failure.ts';

/** What can stand in for an answer that an upstream did not give, in the order in which they are tried. */
export type FallbackKind = 'cached' | 'upstream' | 'static';

/** What an exchange was answered with in the end, and what that covers for. */
export interface Fallback {
  readonly kind: FallbackKind;
  /** What the exchange would have failed with; null where it is an answer that is covered for. */
  readonly reason: Failure | null;
  /** The status of that answer; 0 where there was none. */
  readonly status: number;
}
