import type { EjectionReason } from '../exchange/ejection-reason.ts';
import { FAILURES, type FailureKind } from '../exchange/failure.ts';
import type { FallbackKind } from '../exchange/fallback.ts';
import { RETRY_REFUSALS, type RetryRefusal } from '../exchange/retry-refusal.ts';
import { LatencyHistogram } from './latency-histogram.ts';

/**
 * What the sidecar counts, as plain numbers that whoever knows of an event adds to directly. Prometheus' own objects
 * are filled from them when they are asked for, so the data path pays for an addition and nothing else.
 * Names say when to add; a gauge is raised and lowered by the same owner.
 */
export class UpstreamCounters {
  /** The name in metrics; counters with the same name are added up. */
  readonly upstream: string;
  /**
   * Exchanges that ended, by the status class of the answer that the application got: `answers[2]` counts 2xx, the
   * sidecar's own answers are in it, and `answers[0]` counts those that got none. Kept by the telemetry layer.
   */
  readonly answers: number[] = [0, 0, 0, 0, 0, 0];
  /** Exchanges that ended in a failure, by its kind. Kept by the telemetry layer. */
  readonly failures: Record<FailureKind, number> = noFailures();
  /** Exchanges under way (gauge). Kept by the telemetry layer. */
  inFlight = 0;
  /** Attempts after the first one of their exchange, hedges not counted. Kept by the telemetry layer, at the exchange's end. */
  retries = 0;
  /** Attempts that should have been followed by another one and were not, by the reason. Kept by the retry layer. */
  readonly retriesRefused: Record<RetryRefusal, number> = noRefusals();
  /** Attempts that were sent beside one that was silent, and those of them that were answered first. Kept by the hedge layer, as what follows. */
  hedges = 0;
  hedgesWon = 0;
  /** Attempts that were silent for too long, and got none beside them, by the reason. */
  readonly hedgesRefused: Record<HedgeRefusal, number> = {
    attempts: 0,
    nested: 0,
    body: 0,
    'no-other': 0,
    deadline: 0,
    budget: 0,
  };
  /** Requests sent anew because a reused connection was closed under them. Kept by the telemetry layer. */
  staleReplays = 0;
  /** Bytes of request bodies. Kept by the telemetry layer, at the exchange's end. */
  requestBytes = 0;
  /** Bytes of answers' bodies. Kept by the telemetry layer. */
  responseBytes = 0;
  /** From the request's head to the answer's end; tunnels are not in it. Kept by the telemetry layer. */
  readonly latency = new LatencyHistogram();
  /** Attempts to connect. Kept by the pool, as all that follows. */
  connectsStarted = 0;
  /** Attempts to connect that failed or took too long. */
  connectFailures = 0;
  /** Established connections (gauge). */
  connectionsOpen = 0;
  /** Established connections that carry an exchange (gauge); the others are idle. */
  connectionsBusy = 0;
  /** Attempts that were given a connection which had carried another one before. */
  connectionsReused = 0;
  /** Attempts that wait for a connection, or for an endpoint that can be connected to (gauge). Kept by the pool and the hold layer. */
  pendingWaiting = 0;
  /** How often a request was held because there was no endpoint that could be connected to. Kept by the hold layer. */
  held = 0;
  /** Attempts that were refused because too many waited already, or waited too long. */
  overflowed = 0;
  /** Requests that wait for a place among those under way (gauge). Kept by the concurrency limit. */
  waitingForPlace = 0;
  /** How many requests may be under way at once (gauge); 0: any number. Kept by the concurrency limit. */
  concurrencyLimit = 0;
  /** Those of the {@link overflowed} that were refused early because the queue stood. Kept by the concurrency limit. */
  shed = 0;

  /** Faults made on purpose, by what they were; and requests that were let through since enough were delayed. Kept by fault injection. */
  readonly faults = { delay: 0, abort: 0, reset: 0 };
  faultsSkipped = 0;
  /** Exchanges that something stood in for, by what it was. Kept by the fallback layer. */
  readonly fallbacks: Record<FallbackKind, number> = { cached: 0, upstream: 0, static: 0 };

  /** How often the circuit breaker has opened. Kept by the policies' memory. */
  breakerOpened = 0;
  /** What the circuit breaker is at; `closed` where there is none. */
  breakerState: BreakerStateName = 'closed';
  /**
   * How often endpoints were left out, by the rule; those left out (gauge); and how often that would have been too many.
   * Kept by outlier detection.
   */
  readonly ejections: Record<EjectionReason, number> = {
    'consecutive-failures': 0,
    'consecutive-gateway-failures': 0,
    'consecutive-local-failures': 0,
    'failure-rate': 0,
    'success-rate': 0,
    slow: 0,
    unanswered: 0,
  };
  ejected = 0;
  ejectionsRefused = 0;
  /** Requests that were sent to another endpoint because one did not answer. Kept by outlier detection. */
  moved = 0;

  constructor(upstream: string) {
    this.upstream = upstream;
  }
}

/** Why there was no attempt beside one that was silent: the words are those of retries. */
export type HedgeRefusal = Exclude<RetryRefusal, 'method' | 'exhausted' | 'retry-after' | 'concurrent'>;

/** The states of a circuit breaker. */
export const BREAKER_STATES = ['closed', 'open', 'half-open', 'forced-open', 'forced-closed', 'off'] as const;

type BreakerStateName = (typeof BREAKER_STATES)[number];

/** What is counted on the application's side of the sidecar. Kept by `downstream/`. */
export class DownstreamCounters {
  /** Connections from the application (gauge). */
  connectionsOpen = 0;
  /** Connections that were accepted. */
  connectionsTotal = 0;
  /** Connections that were closed at once because the limit was reached. */
  connectionsRefused = 0;
  /** Connections on which the application closed its sending side while an answer was still due. */
  halfClosed = 0;
  /** Connections that the application closed or reset while an exchange was under way. */
  clientGone = 0;
  /** Connections that were closed for having been idle, or for a head that took too long. */
  timedOut = 0;
  /** Connections that carry a tunnel: CONNECT, or an upgraded protocol (gauge). */
  tunnelsOpen = 0;
  /** Requests that were answered before any upstream was chosen for them, by the status they were answered with. */
  readonly refusedRequests = new Map<number, number>();

  /** Counts a request that was refused with `status`. */
  countRefused(status: number): void {
    this.refusedRequests.set(status, (this.refusedRequests.get(status) ?? 0) + 1);
  }
}

/** The name under which hosts that no upstream is configured for are counted together, so that they stay one series. */
export const PASS_UPSTREAM = '(pass)';

/** All kinds of failure, in the order of the list. */
export const FAILURE_KINDS = Object.keys(FAILURES) as readonly FailureKind[];

function noFailures(): Record<FailureKind, number> {
  return Object.fromEntries(FAILURE_KINDS.map(kind => [kind, 0])) as Record<FailureKind, number>;
}

/** All reasons for which there is no further attempt, in the order of the list. */
export const REFUSALS = Object.keys(RETRY_REFUSALS) as readonly RetryRefusal[];

function noRefusals(): Record<RetryRefusal, number> {
  return Object.fromEntries(REFUSALS.map(reason => [reason, 0])) as Record<RetryRefusal, number>;
}
