import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './expectations.ts';
import { measurement } from './measurement-fixture.ts';

const cpu = (...us: number[]) => us.map(cpuUs => measurement({ cpuUs, residentBytes: 80e6 }));

test('compares within each round and takes the median of the ratios', () => {
  // The second round was disturbed for both alike.
  const own = cpu(15, 30, 15.6);
  const peers = new Map([['haproxy', cpu(13, 26, 14)]]);
  const [haproxy, envoy, bare, memory] = judge('small-get', own, peers, 20);
  assert.equal(haproxy.value?.toFixed(4), (15 / 13).toFixed(4));
  assert.equal(haproxy.met, true);
  assert.deepEqual([envoy.value, envoy.met], [null, null]);
  assert.deepEqual([bare.value, bare.met], [null, null]);
  assert.deepEqual([memory.value, memory.met], [80, true]);
});

test('the newest runtime has the stricter bound', () => {
  const peers = new Map([['haproxy', cpu(10)]]);
  const met = (major: number) => judge('small-get', cpu(12), peers, major)[0].met;
  assert.deepEqual([met(20), met(22), met(24)], [true, true, false]);
});

test('bulk transfer is judged by the rate of a whole core', () => {
  const rate = (coreUs: number | null, requestsPerSecond: number) => [
    measurement({ coreUs, requestsPerSecond }),
  ];
  const judged = (own: ReturnType<typeof rate>, peer: ReturnType<typeof rate>) =>
    judge('get-1m', own, new Map([['haproxy', peer]]), 24)[0];
  assert.equal(judged(rate(500, 1500), rate(600, 1500)).value, 1.2);
  // Where the core is not known, what was reached has to do.
  assert.equal(judged(rate(null, 1500), rate(null, 1000)).value, 1.5);
  assert.equal(judged(rate(500, 1), rate(500, 1)).met, false);
});

test('at a fixed rate the medians are subtracted', () => {
  const latency = (p50: number) => ({ p50, p90: 0, p99: 0, p999: 0, max: 0 });
  const peers = new Map([['haproxy', [measurement({ latency: latency(70) })]]]);
  const [verdict] = judge('fixed-rate', [measurement({ latency: latency(91) })], peers, 24);
  assert.deepEqual([verdict.value, verdict.met, verdict.limit], [21, false, 'at most 20 µs']);
});
