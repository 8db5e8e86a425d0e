import type { Metric } from 'prom-client';
import Registry from 'prom-client/lib/registry.js';
import type { CollectedMetric } from './collected-metric.ts';

/** The media type of {@link metricsText}. */
export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Metrics in Prometheus' text format, collected now. */
export function metricsText(metrics: Iterable<CollectedMetric>): Promise<string> {
  const registry = new Registry();
  for (const metric of metrics) {
    const { name, help, type } = metric;
    const get = async () => ({ name, help, type, aggregator: 'sum', values: await metric.collect() });
    // The registry uses of a metric what is here, but its type asks for one of prom-client's own classes.
    registry.registerMetric({ name, get } as unknown as Metric);
  }
  return registry.metrics();
}
