import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AdaptiveLimit } from '../../../sidecar/policy/adaptive-limit.ts';
import { ConcurrencyLimit, concurrencyLayer } from '../../../sidecar/policy/concurrency-limit.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Seeded } from '../../e2e/harness/seeded.ts';
import { Callers, quantile, SimulatedServer, SimulatedUpstream, Simulation } from '../simulation.ts';

interface Mesh {
  /** Of each of the endpoints. */
  readonly workers?: number;
  readonly endpoints?: number;
  /** How long a worker takes, in ms. */
  readonly serviceTime?: (random: Seeded, now: number) => number;
  readonly seed?: number;
}

/** A mesh whose limit nobody knows. Unless it is said otherwise, three endpoints of ten workers that take 20 ms: 1,463 requests a second. */
function aMesh({ workers = 10, endpoints = 3, serviceTime = r => 20 + r.next(), seed = 1 }: Mesh = {}) {
  const simulation = new Simulation();
  const random = new Seeded(seed);
  const time = () => serviceTime(random, simulation.now);
  const servers = Array.from({ length: endpoints }, () => new SimulatedServer(simulation, workers, time));
  const limit = new ConcurrencyLimit(
    { max: { min: 4, max: 10_000 }, pending: 128, pendingFor: 1000 },
    new UpstreamCounters('unknown'),
    simulation.wheel,
  );
  const upstream = new SimulatedUpstream(servers);
  const callers = new Callers(simulation, concurrencyLayer(limit, 'unknown')(upstream));
  /** Lets the callers ask, and says what became of it. */
  const run = (ms: number, perSecond: number, isSteady = true) => {
    const begin = simulation.now;
    const gap = () => ((isSteady ? 1 : -Math.log(1 - random.next())) * 1000) / perSecond;
    callers.keepAsking(begin + ms, gap);
    simulation.runUntil(begin + ms);
    const ended = callers.served.filter(one => one.at + one.ms > begin && one.at + one.ms <= begin + ms);
    const refused = callers.refused.filter(one => one.at + one.ms > begin);
    return { perSecond: (ended.length * 1000) / ms, refused: refused.length, p99: quantile(ended, 0.99) };
  };
  return { simulation, servers, limit, upstream, run };
}

describe('an upstream that gets more than it can do', () => {
  for (const [workers, perSecond] of [
    [1, 146],
    [2, 293],
    [10, 1463],
  ]) {
    test(`is kept busy, and what is served is served in time: ${perSecond} a second at 150 %`, () => {
      const { run, limit } = aMesh({ workers });
      const first = run(5000, 1.5 * perSecond);
      assert.ok(first.perSecond >= 0.985 * perSecond, `${first.perSecond}`);
      assert.ok(first.p99 <= (workers === 1 ? 200 : 100), `${first.p99}`);
      const later = run(5000, 1.5 * perSecond);
      assert.ok(later.perSecond >= 0.99 * perSecond, `${later.perSecond}`);
      assert.ok(later.p99 <= 100, `${later.p99}`);
      // Not fewer than there are workers, and not many more.
      assert.ok(limit.max >= 2.5 * workers && limit.max <= 12 * workers, `${limit.max}`);
    });
  }

  test('from one moment to the next, or by a little', () => {
    for (const load of [1.05, 2]) {
      const { run } = aMesh();
      assert.equal(run(3000, 300).refused, 0);
      const { perSecond, p99 } = run(5000, load * 1463);
      assert.ok(perSecond >= 0.98 * 1463, `${perSecond}`);
      assert.ok(p99 <= 150, `${p99}`);
    }
  });

  test('with requests that come by chance and take as long as they like', () => {
    for (const seed of [1, 2, 3]) {
      const { run } = aMesh({ serviceTime: random => -20 * Math.log(1 - random.next()), seed });
      const { perSecond, p99 } = run(8000, 2250, false);
      assert.ok(perSecond >= 0.94 * 1500, `${perSecond}`);
      assert.ok(p99 <= 300, `${p99}`);
    }
  });
});

test('the limit follows an upstream that gets smaller, larger, and larger than what is asked of it', () => {
  const { run, servers, limit } = aMesh();
  const resize = (workers: number) => {
    for (const server of servers) server.workers = workers;
  };
  run(5000, 2200);
  const before = limit.max;
  resize(3);
  run(2000, 2200);
  const small = run(3000, 2200);
  assert.ok(limit.max < before / 2, `${before} -> ${limit.max}`);
  assert.ok(small.perSecond >= 0.98 * 439 && small.p99 <= 100, JSON.stringify(small));
  resize(10);
  run(2000, 2200);
  const again = run(3000, 2200);
  assert.ok(again.perSecond >= 0.98 * 1463 && again.p99 <= 100, JSON.stringify(again));
  resize(100);
  run(2000, 2200);
  assert.equal(run(30_000, 2200).refused, 0);
  assert.equal(limit.adaptive?.phase, 'open');
});

test('the limit goes when it was not reached for long, however little is asked', () => {
  for (const perSecond of [0.5, 2, 5]) {
    const { run, limit } = aMesh();
    run(5000, 2200);
    assert.equal(limit.adaptive?.phase, 'limited');
    run(20_000, perSecond);
    assert.deepEqual([limit.adaptive?.phase, limit.max], ['open', 10_000]);
  }
  const { run, servers, limit } = aMesh();
  run(5000, 2200);
  run(1000, 10);
  for (const server of servers) {
    server.workers = 1_000;
    server.serviceTime = () => 30_000;
  }
  assert.equal(run(60_000, 3).refused, 0);
  assert.deepEqual([limit.adaptive?.phase, limit.max], ['open', 10_000]);
});

describe('an upstream that can do what is asked of it', () => {
  const MANY = 100_000;

  test('is never limited at 90 % of what it can do', () => {
    for (const isSteady of [true, false]) {
      const { run, limit } = aMesh();
      assert.equal(run(20_000, 0.9 * 1463, isSteady).refused, 0);
      assert.equal(limit.adaptive?.phase, 'open');
    }
  });

  const slowNow = (ms: number) => (random: Seeded, now: number) => (now < 4000 ? 20 : ms) + random.next();
  test('but becomes slower gets a try with less, which does not help and is taken back', () => {
    const { run, limit } = aMesh({ workers: MANY, serviceTime: slowNow(60) });
    assert.equal(run(5000, 300).refused, 0);
    assert.equal(run(5000, 300).refused, 0);
    assert.equal(limit.adaptive?.phase, 'open');
    assert.ok(Math.abs((limit.adaptive?.usual ?? 0) - 60) < 3);
  });

  test('has requests that hang for long, or some that are slow by nature', () => {
    const times: ((random: Seeded) => number)[] = [
      () => 30_000,
      random => (random.chance(0.1) ? 500 : 5),
      random => (random.chance(0.3) ? 200 : 5),
    ];
    for (const serviceTime of times) {
      const { run, limit } = aMesh({ workers: MANY, serviceTime });
      assert.equal(run(30_000, 100, false).refused, 0);
      assert.equal(limit.adaptive?.phase, 'open');
    }
  });

  test('gets little, and takes long and short', () => {
    const { run } = aMesh({ serviceTime: random => -50 * Math.log(1 - random.next()) });
    assert.equal(run(60_000, 2, false).refused, 0);
  });

  test('gets ten times as much, and is as fast as before', () => {
    const { run } = aMesh({ workers: MANY });
    assert.equal(run(5000, 50, false).refused, 0);
    assert.equal(run(5000, 500, false).refused, 0);
  });

  test('answers nothing where an endpoint of two is frozen, for which there are other means', () => {
    const { run, servers, limit } = aMesh({ endpoints: 2 });
    run(3000, 200);
    servers[1].serviceTime = () => 1e9;
    run(3000, 200);
    assert.equal(limit.adaptive?.phase, 'open');
  });
});

test('failures, fast as they may be, are not taken for what is usual', () => {
  const limit = new AdaptiveLimit({ min: 4, max: 1000 });
  for (let now = 0; now < 1000; now++) {
    const cohort = limit.onBegin(now, 1);
    if (now % 2 === 0) limit.onAnswer(cohort, 20, now);
    else limit.onOther(cohort, now);
  }
  assert.equal(limit.usual, 20);
});

test('other bounds are taken over at once', () => {
  const limit = new AdaptiveLimit({ min: 4, max: 1000 });
  assert.equal(limit.limit, 1000);
  limit.configure({ min: 4, max: 50 });
  assert.equal(limit.limit, 50);
});

test('whatever the latencies are, the limit stays within its bounds', () => {
  const requests = fc.array(
    fc.record({ gap: fc.nat(20), latency: fc.integer({ min: 1, max: 3000 }), fails: fc.boolean() }),
    { minLength: 200, maxLength: 600 },
  );
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 8 }), (all, min) => {
      const limit = new AdaptiveLimit({ min, max: 40 });
      let now = 0;
      const running: { end: number; cohort: number; latency: number; fails: boolean }[] = [];
      for (const { gap, latency, fails } of all) {
        now += gap;
        running.sort((a, b) => a.end - b.end);
        while (running.length > 0 && running[0].end <= now) {
          const { cohort, latency: took, fails: failed, end } = running.shift()!;
          if (failed) limit.onOther(cohort, end);
          else limit.onAnswer(cohort, took, end);
          assert.ok(limit.limit >= min && limit.limit <= 40 && Number.isInteger(limit.limit));
          assert.ok(limit.usual >= 0 && Number.isFinite(limit.usual));
        }
        if (running.length >= limit.limit) continue;
        const cohort = limit.onBegin(now, running.length + 1);
        running.push({ end: now + latency, cohort, latency, fails });
      }
    }),
    { numRuns: 200 },
  );
});
