import { performance } from 'node:perf_hooks';
import { type CollectedMetric, counter, gauge, single } from './collected-metric.ts';

/**
 * What the process is and uses. Everything is asked of the system at the moment it is wanted: prom-client's default metrics keep
 * observers of the event loop and the garbage collector running all the time.
 */
export function processMetrics(version: string): CollectedMetric[] {
  return [
    gauge('outrider_build_info', 'Which Outrider this is; always 1.', () => [
      { labels: { version, node: process.versions.node }, value: 1 },
    ]),
    gauge('process_resident_memory_bytes', 'Resident memory.', () => single(process.memoryUsage.rss())),
    counter('process_cpu_seconds_total', 'CPU time used, in user and system mode.', () => {
      const { user, system } = process.cpuUsage();
      return single((user + system) / 1e6);
    }),
    gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.', () =>
      single(performance.timeOrigin / 1000),
    ),
    counter(
      'outrider_event_loop_active_seconds_total',
      'Time that the event loop did not spend waiting; 1 per second is a full core.',
      () => single(performance.eventLoopUtilization().active / 1000),
    ),
    gauge(
      'outrider_event_loop_lag_seconds',
      'How long a turn of the event loop took while this was asked for.',
      async () => single(await eventLoopLag()),
    ),
  ];
}

async function eventLoopLag(): Promise<number> {
  const start = performance.now();
  await new Promise<void>(resolve => setImmediate(resolve));
  return (performance.now() - start) / 1000;
}
