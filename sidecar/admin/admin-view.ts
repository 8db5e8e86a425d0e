/** What the admin API shows and does: the sidecar, as seen from there. Objects are what `JSON.stringify` takes. */
export interface AdminView {
  /** Who this sidecar is: version, service, start, state. */
  info(): object;
  /** The configuration in force, and the last one that was refused with the reason. */
  config(): object;
  /** The upstreams with their endpoints and live counters. */
  upstreams(): readonly object[];
  ready(): Readiness;
  /**
   * Gets ready for a stop: not ready any more, connections closed behind their answers; SIGTERM ends it. May be called again.
   * Resolves, in any case, when the own instance is out of use.
   */
  drain(): Promise<void>;
  /** The metrics in Prometheus' text format. */
  metrics(): Promise<string>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not ready, a sentence each; empty where it is. */
  readonly reasons: readonly string[];
}
