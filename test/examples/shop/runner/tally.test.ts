import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Tally } from '../../../../examples/shop/runner/tally.ts';

function atTime(startMs = 5000) {
  const clock = { ms: startMs };
  return { clock, tally: new Tally(() => clock.ms) };
}

describe('the tally', () => {
  it('counts what succeeded and what failed, and times only the former', () => {
    const { tally } = atTime();
    tally.success(3);
    tally.success(4);
    tally.failure('GET /orders/1: 503');
    assert.deepEqual([tally.succeeded, tally.failed, tally.answered], [2, 1, 3]);
    assert.equal(tally.latencies.count, 2);
  });

  it('dates events from the beginning of the run', () => {
    const { clock, tally } = atTime();
    clock.ms += 1500;
    tally.event('kitchen-1 killed');
    assert.deepEqual(tally.events, [{ atMs: 1500, text: 'kitchen-1 killed' }]);
  });

  it('forgets as recent what is more than ten seconds old', () => {
    const { clock, tally } = atTime();
    tally.success(500);
    clock.ms += 9_999;
    assert.equal(tally.recent().latencies.max, 500);
    clock.ms += 1;
    tally.success(2);
    assert.equal(tally.recent().latencies.max, 2);
    assert.equal(tally.latencies.max, 500);
  });

  it('tells the rate from the first second on', () => {
    const { clock, tally } = atTime();
    for (let i = 0; i < 100; i++) {
      clock.ms += 20;
      tally.success(1);
    }
    assert.equal(tally.recent().perSecond, 50);
    for (let i = 0; i < 1000; i++) {
      clock.ms += 20;
      tally.success(1);
    }
    assert.ok(Math.abs(tally.recent().perSecond - 50) < 1, `${tally.recent().perSecond}`);
  });

  it('tells the first failures one by one and then only counts them', () => {
    const { tally } = atTime();
    for (let i = 0; i < 1000; i++) tally.failure(`request ${i}`);
    assert.equal(tally.failed, 1000);
    assert.equal(tally.events.length, 21);
    assert.match(tally.events[19]!.text, /^FAILED request 19$/);
    assert.match(tally.events[20]!.text, /not told one by one/);
  });

  it('tells each event to its listener', () => {
    const told: string[] = [];
    const tally = new Tally(
      () => 0,
      event => told.push(event.text),
    );
    tally.event('a');
    tally.failure('b');
    assert.deepEqual(told, ['a', 'FAILED b']);
  });
});
