import { type CollectedMetric, counter, gauge, type Sample, single } from '../../process/collected-metric.ts';

/** How a sidecar stands with its control plane. */
export interface DiscoveryGauges {
  readonly isConnected: boolean;
  /** How long ago what is known was known to be true, in ms; null where nothing is known. */
  readonly ageMs: number | null;
  readonly revision: number;
  readonly streamsLost: number;
}

/** @param discovery null where there is no control plane: then there are no series */
export function discoveryMetrics(discovery: () => DiscoveryGauges | null): CollectedMetric[] {
  const of = (value: (gauges: DiscoveryGauges) => number | null) => (): Sample[] => {
    const gauges = discovery();
    const number = gauges === null ? null : value(gauges);
    return number === null ? [] : single(number);
  };
  return [
    gauge(
      'outrider_discovery_connected',
      'Whether the stream to the control plane is open; 1 or 0.',
      of(({ isConnected }) => (isConnected ? 1 : 0)),
    ),
    gauge(
      'outrider_discovery_age_seconds',
      'How long ago what is known of the mesh was known to be true.',
      of(({ ageMs }) => (ageMs === null ? null : ageMs / 1000)),
    ),
    gauge(
      'outrider_discovery_revision',
      'The revision of the mesh that is applied.',
      of(({ revision }) => revision),
    ),
    counter(
      'outrider_discovery_streams_lost_total',
      'Streams to the control plane that broke.',
      of(({ streamsLost }) => streamsLost),
    ),
  ];
}
