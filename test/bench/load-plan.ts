import type { Percentiles } from './percentiles.ts';

/** What the load generator is asked to do. */
export interface LoadPlan {
  readonly port: number;
  /** The process whose use of the machine is measured; null for none. */
  readonly pid: number | null;
  /** The core that the process has to itself; null where it has none. */
  readonly core: number | null;
  readonly pace: Pace;
  /** Connections to the proxy; requests under way at most. */
  readonly connections: number;
  readonly request: RequestKind;
  readonly warmupMs: number;
  readonly measureMs: number;
}

/**
 * How requests follow each other. `closed`: the next one as soon as the answer is there. `fresh`: the same, each
 * on a connection of its own. `fixed`: at a rate that does not wait for answers, and latencies count from the
 * time a request was due, so that a proxy that stalls can't hide the requests it kept from being sent.
 */
export type Pace =
  | { readonly kind: 'closed' }
  | { readonly kind: 'fresh' }
  | { readonly kind: 'fixed'; readonly perSecond: number };

export type RequestKind = 'small' | '64k' | '1m' | 'post';

/** What came of it within the measured time. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** When the measured time began, in microseconds of the system's monotonic clock. */
  readonly startedAtUs: number;
  /** From the start of the measured time on and before it; by reason. */
  readonly errors: Readonly<Record<string, number>>;
  readonly latency: Percentiles | null;
  readonly usage: Usage | null;
}

/** What the process under test used within the measured time. */
export interface Usage {
  readonly userUs: number;
  readonly systemUs: number;
  /** The part that threads other than the first one used (garbage collection, compilation). */
  readonly otherThreadsUs: number;
  /** How long the process's core was not idle, whoever used it; null where the process has no core of its own. */
  readonly coreBusyUs: number | null;
  /** The largest resident size seen, in bytes. */
  readonly residentBytes: number;
}
