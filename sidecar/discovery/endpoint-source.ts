import type { EndpointSpec } from '../upstream/endpoint.ts';

/**
 * Where the endpoints of one upstream come from: a static list, DNS, later the control plane's watch. A source says
 * the whole set each time; it never says an empty one because it can't reach whom it asks.
 */
export interface EndpointSource {
  /** Begins; the listener may be told before this returns. */
  start(listener: EndpointListener): void;
  /** Ends; the listener is told nothing more. May be called twice. */
  stop(): void;
}

export interface EndpointListener {
  onEndpoints(endpoints: readonly EndpointSpec[]): void;
  /** Something went wrong and what was said last stays in force; `problem` is one sentence for a person. */
  onProblem(problem: string): void;
}
