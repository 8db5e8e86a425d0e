import { formatDuration } from '../control-plane/contract/duration.ts';
import type { Policy } from '../control-plane/contract/policy.ts';
import { formatRatio } from '../control-plane/contract/ratio.ts';
import type { CircuitBreaker } from './policy/circuit-breaker.ts';
import type { ConcurrencyLimit } from './policy/concurrency-limit.ts';
import type { PolicyMemory } from './policy/policy-memory.ts';
import type { KeyedBuckets } from './policy/token-bucket.ts';
import type { RunningUpstream } from './running-upstream.ts';
import type { UpstreamCounters } from './telemetry/counters.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { Upstream } from './upstream/upstream.ts';

/** An upstream with what its policies and endpoints are at, and the numbers that led to it. */
export function describeUpstream(running: RunningUpstream): object {
  const { upstream, counters, config, problem, memory, now } = running;
  return {
    name: upstream.name,
    balancer: config.policy.balancer,
    source: config.endpoints.kind,
    ...(problem === null ? {} : { problem }),
    ...describeCounters(counters),
    hold: describeHold(running),
    rateLimit: memory.rate && describeRate(memory.rate, config.policy.rateLimit, now),
    concurrency: memory.concurrency && describeConcurrency(memory.concurrency),
    breaker: memory.breaker && describeBreaker(memory.breaker, now),
    retryBudget: memory.retryBudget.describe(now),
    hedgeAfterMs: memory.hedgeDelay?.at(now) ?? null,
    fault: describeFault(memory, now),
    answersKept: memory.answers && { entries: memory.answers.count, bytes: memory.answers.size },
    endpoints: describeEndpoints(upstream),
  };
}

/** Whether requests wait because there is nobody to send them to; null: there is. */
function describeHold({ holdRoom, config, now }: RunningUpstream): object | null {
  if (holdRoom.isOpen) return null;
  const left = holdRoom.left(config.policy.limits.hold, now, null);
  return {
    reason: holdRoom.isEmpty ? 'no endpoint' : 'no endpoint that can be connected to',
    waiting: holdRoom.length,
    leftMs: Math.max(0, Math.ceil(left)),
  };
}

/** @param now monotonic ms */
function describeRate(buckets: KeyedBuckets, limit: Policy['rateLimit'], now: number): object | null {
  if (limit === null) return null;
  const left = Math.floor(buckets.least(now));
  const { rate, per, header } = limit;
  return { rate, per: formatDuration(per), header, left, keys: buckets.size };
}

function describeConcurrency({ max, inFlight, room, adaptive }: ConcurrencyLimit): object {
  const { length, isShedding, patience, usual } = room;
  return {
    limit: max,
    inFlight,
    waiting: length,
    waitsAtMostMs: round(patience),
    isShedding,
    usualMs: round(usual),
    adaptive: adaptive && {
      phase: adaptive.phase,
      usualMs: round(adaptive.usual),
      latencyMs: round(adaptive.current),
    },
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** @param now monotonic ms */
function describeBreaker(breaker: CircuitBreaker, now: number): object {
  const { state, lastChange } = breaker;
  const changed = lastChange && {
    from: lastChange.from,
    at: new Date(Date.now() - (now - lastChange.at)).toISOString(),
    ...lastChange.calls,
  };
  return {
    state,
    ...breaker.totals(now),
    retryAfterMs: Math.ceil(breaker.retryAfter(now)),
    lastChange: changed,
  };
}

/** Faults that are made on purpose, and until when; null: none. @param now monotonic ms */
function describeFault({ fault, isFaultRefused }: PolicyMemory, now: number): object | null {
  if (isFaultRefused) return { refused: 'this sidecar makes no faults (faults: refuse)' };
  if (fault === null || fault.left(now) === 0) return null;
  const { delay, abort, match, maxActive } = fault.settings;
  const leftMs = Math.ceil(fault.left(now));
  return {
    delay: delay && { for: formatDuration(delay.for), percent: formatRatio(delay.percent) },
    abort: abort && { with: abort.with, percent: formatRatio(abort.percent) },
    match,
    active: fault.active,
    maxActive,
    endsAt: new Date(Date.now() + leftMs).toISOString(),
    leftMs,
  };
}

/** Hosts that no upstream is configured for, as one: they are counted together. */
export function describePassed(upstreams: readonly Upstream[], counters: UpstreamCounters): object {
  return {
    name: counters.upstream,
    source: 'pass',
    ...describeCounters(counters),
    endpoints: upstreams.flatMap(describeEndpoints),
  };
}

function describeCounters(counters: UpstreamCounters): object {
  const { answers, failures } = counters;
  return {
    requests: answers.reduce((total, count) => total + count, 0),
    inFlight: counters.inFlight,
    answers: {
      '1xx': answers[1],
      '2xx': answers[2],
      '3xx': answers[3],
      '4xx': answers[4],
      '5xx': answers[5],
      none: answers[0],
    },
    failures: nonZero(failures),
    retries: counters.retries,
    retriesRefused: nonZero(counters.retriesRefused),
    hedges: {
      sent: counters.hedges,
      won: counters.hedgesWon,
      refused: nonZero(counters.hedgesRefused),
    },
    fallbacks: nonZero(counters.fallbacks),
    moved: counters.moved,
    staleReplays: counters.staleReplays,
    connections: {
      open: counters.connectionsOpen,
      busy: counters.connectionsBusy,
      waiting: counters.pendingWaiting,
      held: counters.held,
    },
  };
}

function nonZero(counts: Readonly<Record<string, number>>): object {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** @param triedIn in how many ms it is tried */
function describeEjection({ ejection, ramp }: Endpoint, triedIn: number): object {
  const { phase, reason, count } = ejection;
  if (phase === 'in') return ramp < 1 ? { share: formatRatio(ramp) } : {};
  const returnsAt = new Date(Date.now() + Math.max(0, triedIn)).toISOString();
  return { ejected: { reason, returnsAt, isTried: phase === 'probing', ejections: count } };
}

function describeEndpoints(upstream: Upstream): object[] {
  return [...upstream.endpoints].map(endpoint => ({
    id: endpoint.id,
    address: endpoint.address,
    port: endpoint.port,
    weight: endpoint.weight,
    zone: endpoint.zone,
    version: endpoint.version,
    ...(endpoint.isLastResort ? { lastResort: true } : {}),
    ...(endpoint.lost === null ? {} : { lost: endpoint.lost.detail }),
    ...describeEjection(endpoint, upstream.triedIn(endpoint)),
    outstanding: endpoint.outstanding,
    attempts: endpoint.attempts,
    failures: endpoint.failures,
    idleConnections: upstream.pool.idleCount(endpoint),
  }));
}
