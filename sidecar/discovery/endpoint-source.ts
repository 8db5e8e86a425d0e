import type { EndpointSpec } from '../upstream/endpoint.ts';

/**
 * Where the endpoints of one upstream come from: a static list, DNS, the control plane's watch. A source never says that
 * there are none because it can't reach whom it asks.
 */
export interface EndpointSource {
  /** Why what was said may be wrong or wanting, a sentence for a person; null: for no reason that is known. */
  readonly problem: string | null;
  /** Begins; the listener may be told before this returns. */
  start(listener: EndpointListener): void;
  /** Ends; the listener is told nothing more. May be called twice. */
  stop(): void;
}

export interface EndpointListener {
  /** The whole set. */
  onEndpoints(endpoints: readonly EndpointSpec[]): void;
  /**
   * What has changed of the set that was said before.
   * @param set endpoints that are new or different
   * @param removed ids of those that are gone
   */
  onChange(set: readonly EndpointSpec[], removed: readonly string[]): void;
  /** Something went wrong and what was said last stays in force: {@link EndpointSource.problem}, for the log. */
  onProblem(problem: string): void;
}
