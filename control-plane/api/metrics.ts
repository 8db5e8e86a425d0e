import { type CollectedMetric, gauge, single } from '../../process/collected-metric.ts';
import { metricsText } from '../../process/metrics-text.ts';
import { processMetrics } from '../../process/process-metrics.ts';
import type { Mesh } from './route.ts';

/** The control plane's metrics in Prometheus' text format, read at the moment they are asked for. */
export function controlPlaneMetrics(mesh: Omit<Mesh, 'metrics'>): Promise<string> {
  return metricsText([...processMetrics(mesh.version), ...meshMetrics(mesh)]);
}

function meshMetrics({ registry, hub, keeper }: Omit<Mesh, 'metrics'>): CollectedMetric[] {
  const health = registry.health();
  const prefix = 'outrider_control_plane';
  const states = { suspect: health.suspect, expired: health.expired };
  const kept = health.instances - health.suspect - health.expired;
  return [
    gauge(`${prefix}_services`, 'Services that are known.', () => single(health.services)),
    gauge(`${prefix}_instances`, 'Instances that are known, by their lease.', () =>
      Object.entries({ kept, ...states }).map(([lease, value]) => ({ labels: { lease }, value })),
    ),
    gauge(`${prefix}_sidecars`, 'Sidecars that are connected.', () => single(hub.sidecars().length)),
    gauge(`${prefix}_sidecars_refusing`, 'Sidecars that could not apply what they were told last.', () =>
      single(hub.sidecars().filter(({ refused }) => refused !== null).length),
    ),
    gauge(`${prefix}_watch_waiting_bytes`, 'What waits for the readers of the streams.', () =>
      single(hub.waitingBytes),
    ),
    gauge(`${prefix}_revision`, 'The revision of the last change.', () => single(registry.revision)),
    gauge(`${prefix}_held_instances`, 'Instances kept in use whose leases ran out together.', () =>
      single(health.massExpiry?.held ?? 0),
    ),
    gauge(`${prefix}_store_failing`, '1 while changes can not be kept.', () =>
      single(keeper.failure === null ? 0 : 1),
    ),
  ];
}
