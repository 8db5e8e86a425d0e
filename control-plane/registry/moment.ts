/**
 * When something happens, by two clocks: `wall` is what people read, `monotonic` is what leases are measured with. That
 * a wall clock is set must neither end a lease nor lengthen it.
 */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly wall: number;
  /** Milliseconds since some moment in the past, never going back. */
  readonly monotonic: number;
}

/** What both clocks say. */
export function readMoment(): Moment {
  return { wall: Date.now(), monotonic: performance.now() };
}
