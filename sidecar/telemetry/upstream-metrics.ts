import { addUp, type CollectedMetric, counter, gauge, type Sample } from '../../process/collected-metric.ts';
import { BREAKER_STATES, FAILURE_KINDS, REFUSALS, type UpstreamCounters } from './counters.ts';
import { LATENCY_BOUNDS_MS } from './latency-histogram.ts';

/** The metrics that have a series per upstream. */
export function upstreamMetrics(upstreams: () => Iterable<UpstreamCounters>): CollectedMetric[] {
  const each = (samples: (of: UpstreamCounters) => Sample[]) => () =>
    addUp([...upstreams()].flatMap(samples));
  const one = (value: (of: UpstreamCounters) => number) =>
    each(of => [{ labels: { upstream: of.upstream }, value: value(of) }]);
  return [
    counter(
      'outrider_requests_total',
      'Exchanges that ended, by the status class that the application got; none where it got no answer.',
      each(answers),
    ),
    counter(
      'outrider_failures_total',
      'Exchanges that ended in a failure, by its kind, covered for by a fallback or not.',
      each(failures),
    ),
    {
      name: 'outrider_request_duration_seconds',
      help: "From the request's head to the answer's end; tunnels are not in it.",
      type: 'histogram',
      collect: each(durations),
    },
    gauge(
      'outrider_requests_in_flight',
      'Exchanges under way.',
      one(of => of.inFlight),
    ),
    counter(
      'outrider_retries_total',
      'Attempts after the first one.',
      one(of => of.retries),
    ),
    counter(
      'outrider_hedges_total',
      'Attempts sent to another endpoint beside one that was silent.',
      one(of => of.hedges),
    ),
    counter(
      'outrider_hedges_won_total',
      'Those of them that were answered first.',
      one(of => of.hedgesWon),
    ),
    counter(
      'outrider_hedges_refused_total',
      'Attempts that were silent for too long and got no other beside them, by the reason.',
      each(({ upstream, hedgesRefused }) =>
        Object.entries(hedgesRefused).map(([reason, value]) => ({ labels: { upstream, reason }, value })),
      ),
    ),
    counter(
      'outrider_retries_refused_total',
      'Attempts that should have been followed by another one and were not, by the reason.',
      each(refusals),
    ),
    counter(
      'outrider_stale_replays_total',
      'Requests sent anew because a reused connection was closed under them.',
      one(of => of.staleReplays),
    ),
    counter(
      'outrider_request_bytes_total',
      'Bytes of request bodies.',
      one(of => of.requestBytes),
    ),
    counter(
      'outrider_response_bytes_total',
      "Bytes of answers' bodies.",
      one(of => of.responseBytes),
    ),
    gauge('outrider_upstream_connections', 'Established connections.', each(connections)),
    counter(
      'outrider_upstream_connects_total',
      'Attempts to connect.',
      one(of => of.connectsStarted),
    ),
    counter(
      'outrider_upstream_connect_failures_total',
      'Attempts to connect that failed or took too long.',
      one(of => of.connectFailures),
    ),
    counter(
      'outrider_upstream_connections_reused_total',
      'Attempts that were given a connection which had carried another one before.',
      one(of => of.connectionsReused),
    ),
    gauge(
      'outrider_upstream_pending',
      'What waits: requests for a place among those under way, attempts for a connection or an endpoint.',
      one(of => of.pendingWaiting + of.waitingForPlace),
    ),
    counter(
      'outrider_upstream_held_total',
      'How often a request was held because the upstream had no endpoint that could be connected to.',
      one(of => of.held),
    ),
    counter(
      'outrider_upstream_overflow_total',
      'What was refused because too many waited already, or because it waited for too long.',
      one(of => of.overflowed),
    ),
    gauge(
      'outrider_upstream_concurrency_limit',
      'How many requests may be under way at once, where there is a limit.',
      each(({ upstream, concurrencyLimit: value }) => (value > 0 ? [{ labels: { upstream }, value }] : [])),
    ),
    counter(
      'outrider_upstream_shed_total',
      'Requests among those that were refused early because the queue did not get shorter.',
      one(of => of.shed),
    ),
    counter(
      'outrider_faults_injected_total',
      'Faults that were made on purpose, by what was done.',
      each(faults),
    ),
    counter(
      'outrider_faults_skipped_total',
      'Requests that were let through since as many as may be were delayed on purpose already.',
      one(of => of.faultsSkipped),
    ),
    counter(
      'outrider_fallbacks_total',
      'Exchanges that something else stood in for, by what it was: cached, upstream or static.',
      each(fallbacks),
    ),
    gauge(
      'outrider_breaker_state',
      'The circuit breaker: 1 for the state that it is in.',
      each(breakerStates),
    ),
    counter(
      'outrider_breaker_opened_total',
      'How often the circuit breaker has opened.',
      one(of => of.breakerOpened),
    ),
    counter(
      'outrider_upstream_ejections_total',
      'How often endpoints were left out, by the rule of outlier detection.',
      each(ejections),
    ),
    counter(
      'outrider_upstream_ejections_refused_total',
      'How often an endpoint was not left out because too many would have been.',
      one(of => of.ejectionsRefused),
    ),
    gauge(
      'outrider_upstream_ejected_endpoints',
      'Endpoints that are left out.',
      one(of => of.ejected),
    ),
    counter(
      'outrider_upstream_moved_total',
      'Requests sent to another endpoint because one did not answer.',
      one(of => of.moved),
    ),
  ];
}

function fallbacks(of: UpstreamCounters): Sample[] {
  return Object.entries(of.fallbacks).map(([kind, value]) => ({
    labels: { upstream: of.upstream, kind },
    value,
  }));
}

function breakerStates({ upstream, breakerState }: UpstreamCounters): Sample[] {
  return BREAKER_STATES.map(state => ({
    labels: { upstream, state },
    value: state === breakerState ? 1 : 0,
  }));
}

function answers(of: UpstreamCounters): Sample[] {
  return of.answers.map((value, statusClass) => ({
    labels: { upstream: of.upstream, class: statusClass === 0 ? 'none' : `${statusClass}xx` },
    value,
  }));
}

function failures(of: UpstreamCounters): Sample[] {
  return FAILURE_KINDS.map(kind => ({ labels: { upstream: of.upstream, kind }, value: of.failures[kind] }));
}

function refusals(of: UpstreamCounters): Sample[] {
  return REFUSALS.map(reason => ({
    labels: { upstream: of.upstream, reason },
    value: of.retriesRefused[reason],
  }));
}

function faults(of: UpstreamCounters): Sample[] {
  return Object.entries(of.faults).map(([fault, value]) => ({
    labels: { upstream: of.upstream, fault },
    value,
  }));
}

function ejections(of: UpstreamCounters): Sample[] {
  return Object.entries(of.ejections).map(([reason, value]) => ({
    labels: { upstream: of.upstream, reason },
    value,
  }));
}

function connections(of: UpstreamCounters): Sample[] {
  const { upstream, connectionsBusy, connectionsOpen } = of;
  return [
    { labels: { upstream, state: 'busy' }, value: connectionsBusy },
    { labels: { upstream, state: 'idle' }, value: connectionsOpen - connectionsBusy },
  ];
}

function durations(of: UpstreamCounters): Sample[] {
  const { upstream, latency } = of;
  const name = 'outrider_request_duration_seconds';
  const samples: Sample[] = [];
  let cumulative = 0;
  latency.counts.forEach((inBucket, bucket) => {
    cumulative += inBucket;
    const le = bucket < LATENCY_BOUNDS_MS.length ? String(LATENCY_BOUNDS_MS[bucket] / 1000) : '+Inf';
    samples.push({ metricName: `${name}_bucket`, labels: { upstream, le }, value: cumulative });
  });
  samples.push({ metricName: `${name}_sum`, labels: { upstream }, value: latency.sumMs / 1000 });
  samples.push({ metricName: `${name}_count`, labels: { upstream }, value: cumulative });
  return samples;
}
