import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlaneFigures } from './plane-bench.ts';
import { planesToJson, renderPlanes } from './report.ts';

function figures(us: number, fields: Partial<PlaneFigures> = {}): PlaneFigures {
  const percentiles = { p50: us, p90: us, p99: us, p999: us, max: us };
  return {
    answers: percentiles,
    acknowledged: null,
    last: percentiles,
    each: percentiles,
    changes: 100,
    servingAfter: 500,
    everybodyBackAfter: 1500,
    peakBytes: 120e6,
    cpuShare: 0.1,
    waitShare: null,
    errors: [],
    ...fields,
  };
}

test('shows medians of the rounds, and the median of the ratios within them', () => {
  const planes = new Map([
    ['outrider', [figures(2000), figures(4000), figures(90_000)]],
    ['etcd', [figures(4000), figures(12_000), figures(90_000, { errors: ['3 streams broke'] })]],
  ]);
  const text = renderPlanes(planes);
  assert.match(text, /^applied by the last sidecar, p99 +ms +4\.0 +12\.0$/m);
  assert.match(text, /^answer to a drain, p50 +ms +- +-$/m);
  assert.match(text, /^etcd \/ outrider:\n {2}applied by the last sidecar, p50 2\.00$/m);
  assert.match(text, /^ok {2}p99 until the last sidecar has applied: 4\.0 ms, at most 100$/m);
  assert.match(text, /^error: etcd: 3 streams broke$/m);
  const json = planesToJson(planes) as { etcd: { ratios: Record<string, number>; rounds: unknown[] } };
  assert.equal(json.etcd.ratios['applied by the last sidecar, p99'], 2);
  assert.equal(json.etcd.rounds.length, 3);
});

test('says what is broken of what is promised', () => {
  const slow = figures(150_000, { servingAfter: 2500, peakBytes: null });
  const text = renderPlanes(new Map([['outrider', [slow]]]));
  assert.match(text, /^NO {2}p99 until the last sidecar has applied: 150\.0 ms, at most 100$/m);
  assert.match(text, /^NO {2}serving after a kill: 2500\.0 ms, at most 2000$/m);
  assert.match(text, /^\? {3}most resident memory: not measured$/m);
});
