import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Latencies } from '../../../../examples/shop/runner/latencies.ts';
import {
  renderLine,
  renderScreen,
  renderSummary,
  type Snapshot,
} from '../../../../examples/shop/runner/screen.ts';

function latencies(...values: number[]): Latencies {
  const made = new Latencies();
  for (const value of values) made.record(value);
  return made;
}

function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    elapsedMs: 83_400,
    succeeded: 4150,
    failed: 0,
    heldBack: 0,
    inFlight: 2,
    kills: 3,
    perSecond: 49.8,
    recent: latencies(3),
    overall: latencies(3, 12_345),
    mesh: { requests: 24_900, retries: 37, replays: 5, fallbacks: 2 },
    instances: [
      { service: 'gateway', name: 'gateway-1', state: 'up' },
      { service: 'orders', name: 'orders-1', state: 'down' },
      { service: 'orders', name: 'orders-2', state: 'up' },
    ],
    events: [{ atMs: 82_000, text: 'orders-1 killed (SIGKILL)' }],
    ...changes,
  };
}

describe('the live summary', () => {
  it('shows requests, latencies, retries, every instance, and what happened when', () => {
    assert.deepEqual(renderScreen(snapshot(), 100, 30), [
      'running     1m 23s, Ctrl-C ends it',
      'requests    4,150 requests, 100 % succeeded, 0 failed, 2 under way',
      'last 10 s   p50 3.0 ms, p95 3.0 ms, p99 3.0 ms, max 3.0 ms   50/s',
      'all         p50 3.0 ms, p95 12.3 s, p99 12.3 s, max 12.3 s',
      'sidecars    24,900 requests carried, 37 retries, 5 stale connections replaced, 2 fallbacks',
      '',
      'gateway     gateway-1 up',
      'orders      orders-1 down           orders-2 up',
      '',
      '01:22 orders-1 killed (SIGKILL)',
    ]);
  });

  it('keeps to the screen and drops the oldest events first', () => {
    const events = Array.from({ length: 30 }, (_, i) => ({ atMs: i * 1000, text: `event ${i}` }));
    const lines = renderScreen(snapshot({ events }), 20, 12);
    assert.equal(lines.length, 12);
    assert.ok(lines.every(line => line.length <= 20));
    assert.deepEqual(lines.slice(-3), ['00:27 event 27', '00:28 event 28', '00:29 event 29']);
    assert.equal(renderScreen(snapshot({ events }), 20, 4).length, 4);
  });

  it('shows an event of several lines as one', () => {
    const events = [{ atMs: 0, text: 'first\nsecond' }];
    assert.equal(renderScreen(snapshot({ events }), 80, 30).at(-1), '00:00 first');
  });

  it('never rounds a failure away', () => {
    const line = renderLine(snapshot({ succeeded: 999_999, failed: 1 }));
    assert.match(line, /1,000,000 requests, 99\.99 % succeeded, 1 failed/);
  });

  it('says when requests were held back', () => {
    const line = renderLine(snapshot({ inFlight: 100, heldBack: 1234 }));
    assert.match(line, /0 failed, 100 under way, 1,234 not sent \(the machine is too slow for the rate\)/);
  });

  it('has something to say before the first answer', () => {
    const line = renderLine(
      snapshot({ succeeded: 0, inFlight: 0, recent: latencies(), mesh: null, elapsedMs: 0 }),
    );
    assert.equal(line, '00:00 0 requests, 0 failed, no latencies yet, no counters yet');
  });
});

describe('the closing summary', () => {
  it('speaks of the whole run', () => {
    assert.deepEqual(renderSummary(snapshot({ inFlight: 0, elapsedMs: 3_723_000 })), [
      '',
      'ran for     1h 02m 03s, instances killed or stopped: 3',
      'requests    4,150 requests, 100 % succeeded, 0 failed',
      'latency     p50 3.0 ms, p95 12.3 s, p99 12.3 s, max 12.3 s',
      'sidecars    24,900 requests carried, 37 retries, 5 stale connections replaced, 2 fallbacks',
    ]);
  });
});
