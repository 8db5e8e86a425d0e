import { type CollectedMetric, counter, gauge, single } from '../../process/collected-metric.ts';
import { metricsText } from '../../process/metrics-text.ts';
import { processMetrics } from '../../process/process-metrics.ts';
import type { AccessLogCounts } from './access-log.ts';
import type { DownstreamCounters, UpstreamCounters } from './counters.ts';
import { type DiscoveryGauges, discoveryMetrics } from './discovery-metrics.ts';
import { upstreamMetrics } from './upstream-metrics.ts';

/** Where the numbers are read when Prometheus asks. */
export interface MetricsSources {
  readonly version: string;
  /** The counters of the upstreams that exist now; the series of others are gone from the answer. */
  upstreams(): Iterable<UpstreamCounters>;
  readonly downstream: DownstreamCounters;
  readonly accessLog: Readonly<AccessLogCounts>;
  readonly logDestination: { readonly dropped: number };
  /** How often a configuration was applied and refused; the one that is in force since the start is the first. */
  readonly config: { readonly generation: number; readonly refused: number };
  /** Null where there is no control plane. */
  discovery(): DiscoveryGauges | null;
}

/**
 * The sidecar's metrics in Prometheus' text format. Between two questions they exist as plain counters only: prom-client's own
 * counters look up a hash of labels for each addition, which the data path can't afford.
 */
export function sidecarMetrics(sources: MetricsSources): Promise<string> {
  return metricsText([
    ...processMetrics(sources.version),
    ...upstreamMetrics(() => sources.upstreams()),
    ...downstreamMetrics(sources.downstream),
    ...ownMetrics(sources),
    ...discoveryMetrics(() => sources.discovery()),
  ]);
}

function downstreamMetrics(counters: DownstreamCounters): CollectedMetric[] {
  return [
    gauge('outrider_downstream_connections', "The application's connections.", () =>
      single(counters.connectionsOpen),
    ),
    counter('outrider_downstream_connections_total', 'Connections that were accepted.', () =>
      single(counters.connectionsTotal),
    ),
    counter(
      'outrider_downstream_connections_refused_total',
      'Connections closed at once because of the limit.',
      () => single(counters.connectionsRefused),
    ),
    counter(
      'outrider_downstream_half_closed_total',
      'Connections whose sending side the application closed while an answer was due.',
      () => single(counters.halfClosed),
    ),
    counter(
      'outrider_downstream_client_gone_total',
      'Connections that the application closed or reset while an exchange was under way.',
      () => single(counters.clientGone),
    ),
    counter(
      'outrider_downstream_timed_out_total',
      'Connections closed for having been idle, or for a head that took too long.',
      () => single(counters.timedOut),
    ),
    gauge('outrider_downstream_tunnels', 'Connections that carry a tunnel.', () =>
      single(counters.tunnelsOpen),
    ),
    counter(
      'outrider_refused_requests_total',
      'Requests answered before any upstream was chosen for them, by status.',
      () =>
        [...counters.refusedRequests].map(([status, value]) => ({
          labels: { status: String(status) },
          value,
        })),
    ),
  ];
}

function ownMetrics(sources: MetricsSources): CollectedMetric[] {
  return [
    gauge('outrider_config_generation', 'Which configuration is in force; 1 is that of the start.', () =>
      single(sources.config.generation),
    ),
    counter('outrider_config_refused_total', 'Configurations refused for being invalid.', () =>
      single(sources.config.refused),
    ),
    counter('outrider_access_log_written_total', 'Exchanges that were logged.', () =>
      single(sources.accessLog.written),
    ),
    counter(
      'outrider_access_log_suppressed_total',
      'Exchanges that were not logged because there were too many.',
      () => single(sources.accessLog.suppressed),
    ),
    counter(
      'outrider_log_dropped_total',
      'Lines of any log that were lost because the reader was too slow, or gone.',
      () => single(sources.logDestination.dropped),
    ),
  ];
}
