import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DownstreamCounters, FAILURE_KINDS, UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { type MetricsSources, sidecarMetrics } from '../../../sidecar/telemetry/metrics.ts';

interface TestMetrics {
  text(): Promise<string>;
}

function metricsOf(upstreams: UpstreamCounters[], sources: Partial<MetricsSources> = {}): TestMetrics {
  const all = {
    version: '1.2.3',
    upstreams: () => upstreams,
    downstream: new DownstreamCounters(),
    accessLog: { written: 0, suppressed: 0 },
    logDestination: { dropped: 0 },
    discovery: () => null,
    config: { generation: 1, refused: 0 },
    ...sources,
  };
  return { text: () => sidecarMetrics(all) };
}

/** The samples by their series, as `name{labels}`. */
async function samplesOf(metrics: TestMetrics): Promise<Map<string, number>> {
  const samples = new Map<string, number>();
  for (const line of (await metrics.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})?) (\S+)$/.exec(line);
    assert.ok(match, `not a sample: ${line}`);
    assert.ok(!samples.has(match[1]), `told twice: ${match[1]}`);
    samples.set(match[1], Number(match[2]));
  }
  return samples;
}

describe('sidecarMetrics', () => {
  test('every metric has a help and a type, and a name with the prefix or of the process', async () => {
    const text = await metricsOf([new UpstreamCounters('a')]).text();
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    assert.ok(names.length > 25);
    for (const [, name, type] of names) {
      assert.match(name, /^(outrider|process)_/);
      assert.match(text, new RegExp(`^# HELP ${name} \\S.*\\.$`, 'm'));
      assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    }
  });

  test('tells what the counters of an upstream say at that moment', async () => {
    const counters = new UpstreamCounters('inventory');
    const metrics = metricsOf([counters]);
    counters.answers[2] = 5;
    counters.answers[0] = 1;
    counters.failures.reset = 2;
    counters.connectionsOpen = 7;
    counters.connectionsBusy = 3;
    counters.pendingWaiting = 4;
    counters.retries = 6;
    const samples = await samplesOf(metrics);
    assert.equal(samples.get('outrider_requests_total{upstream="inventory",class="2xx"}'), 5);
    assert.equal(samples.get('outrider_requests_total{upstream="inventory",class="none"}'), 1);
    assert.equal(samples.get('outrider_failures_total{upstream="inventory",kind="reset"}'), 2);
    assert.equal(samples.get('outrider_upstream_connections{upstream="inventory",state="busy"}'), 3);
    assert.equal(samples.get('outrider_upstream_connections{upstream="inventory",state="idle"}'), 4);
    assert.equal(samples.get('outrider_upstream_pending{upstream="inventory"}'), 4);
    assert.equal(samples.get('outrider_retries_total{upstream="inventory"}'), 6);
    counters.answers[2]++;
    assert.equal(
      (await samplesOf(metrics)).get('outrider_requests_total{upstream="inventory",class="2xx"}'),
      6,
    );
  });

  test('every kind of failure has its series from the start', async () => {
    const samples = await samplesOf(metricsOf([new UpstreamCounters('a')]));
    for (const kind of FAILURE_KINDS) {
      assert.equal(samples.get(`outrider_failures_total{upstream="a",kind="${kind}"}`), 0);
    }
  });

  test('the histogram is cumulative and in seconds', async () => {
    const counters = new UpstreamCounters('a');
    for (const ms of [0.3, 0.5, 7, 120_000]) counters.latency.observe(ms);
    const samples = await samplesOf(metricsOf([counters]));
    const bucket = (le: string) =>
      samples.get(`outrider_request_duration_seconds_bucket{upstream="a",le="${le}"}`);
    assert.deepEqual(['0.0005', '0.005', '0.01', '60', '+Inf'].map(bucket), [2, 2, 3, 3, 4]);
    assert.equal(samples.get('outrider_request_duration_seconds_count{upstream="a"}'), 4);
    assert.equal(samples.get('outrider_request_duration_seconds_sum{upstream="a"}'), 120.0078);
  });

  test('counters with the same name are one series', async () => {
    const [before, after] = [new UpstreamCounters('a'), new UpstreamCounters('a')];
    before.answers[2] = 2;
    after.answers[2] = 3;
    before.latency.observe(1);
    after.latency.observe(1);
    const samples = await samplesOf(metricsOf([before, after]));
    assert.equal(samples.get('outrider_requests_total{upstream="a",class="2xx"}'), 5);
    assert.equal(samples.get('outrider_request_duration_seconds_bucket{upstream="a",le="0.001"}'), 2);
  });

  test('an upstream that is gone has no series any more', async () => {
    const upstreams = [new UpstreamCounters('stays'), new UpstreamCounters('goes')];
    const metrics = metricsOf(upstreams);
    assert.match(await metrics.text(), /"goes"/);
    upstreams.pop();
    const text = await metrics.text();
    assert.doesNotMatch(text, /"goes"/);
    assert.match(text, /"stays"/);
  });

  test('a name can not break out of its label', async () => {
    const samples = await samplesOf(metricsOf([new UpstreamCounters('a"} 1\n\\')]));
    assert.equal(samples.get('outrider_retries_total{upstream="a\\"} 1\\n\\\\"}'), 0);
  });

  test("tells of the application's side, the logs and the configuration", async () => {
    const downstream = new DownstreamCounters();
    downstream.connectionsOpen = 2;
    downstream.countRefused(400);
    downstream.countRefused(400);
    downstream.countRefused(431);
    const samples = await samplesOf(
      metricsOf([], {
        downstream,
        accessLog: { written: 10, suppressed: 4 },
        logDestination: { dropped: 1 },
        config: { generation: 3, refused: 2 },
      }),
    );
    assert.equal(samples.get('outrider_downstream_connections'), 2);
    assert.equal(samples.get('outrider_refused_requests_total{status="400"}'), 2);
    assert.equal(samples.get('outrider_refused_requests_total{status="431"}'), 1);
    assert.equal(samples.get('outrider_access_log_written_total'), 10);
    assert.equal(samples.get('outrider_access_log_suppressed_total'), 4);
    assert.equal(samples.get('outrider_log_dropped_total'), 1);
    assert.equal(samples.get('outrider_config_generation'), 3);
    assert.equal(samples.get('outrider_config_refused_total'), 2);
    assert.equal(samples.get(`outrider_build_info{version="1.2.3",node="${process.versions.node}"}`), 1);
  });

  test('tells what the process uses', async () => {
    const samples = await samplesOf(metricsOf([]));
    assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 10e6);
    assert.ok((samples.get('process_cpu_seconds_total') ?? 0) > 0);
    assert.ok(Math.abs((samples.get('process_start_time_seconds') ?? 0) * 1000 - Date.now()) < 600_000);
    assert.ok((samples.get('outrider_event_loop_lag_seconds') ?? -1) >= 0);
    assert.ok((samples.get('outrider_event_loop_active_seconds_total') ?? -1) >= 0);
  });
});
