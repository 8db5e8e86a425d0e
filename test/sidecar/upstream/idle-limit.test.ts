import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { IdleLimit } from '../../../sidecar/upstream/idle-limit.ts';

const NOW = 1_000_000;
const MINUTE = 60_000;

function limitAfterHint(keepAlive: string): number {
  const limit = new IdleLimit();
  limit.onHint(keepAlive);
  return limit.at(NOW);
}

test('is 3 s where nothing is known', () => {
  assert.equal(new IdleLimit().at(NOW), 3_000);
});

describe('a Keep-Alive field', () => {
  const HINTS: readonly [hint: string, ms: number][] = [
    ['timeout=5', 4_000],
    ['timeout=60', 59_000],
    ['timeout=2', 1_000],
    ['timeout=1', 500],
    ['timeout=0', 0],
    ['timeout=5, max=100', 4_000],
    ['max=100, timeout=5', 4_000],
    ['max=100,timeout=5', 4_000],
    ['Timeout=5', 4_000],
    ['timeout=300', 299_000],
    ['timeout=301', 300_000],
    ['timeout=999999999', 300_000],
    // What says nothing leaves what was.
    ['', 3_000],
    ['max=100', 3_000],
    ['timeout=', 3_000],
    ['timeout=-5', 3_000],
    ['timeout=5s', 3_000],
    ['timeout=1.5', 3_000],
    ['timeout=99999999999', 3_000],
    ['xtimeout=5', 3_000],
  ];
  for (const [hint, ms] of HINTS) {
    test(`"${hint}" means ${ms} ms`, () => assert.equal(limitAfterHint(hint), ms));
  }

  test('the last one counts', () => {
    const limit = new IdleLimit();
    for (const hint of ['timeout=60', 'timeout=10', 'timeout=10', 'timeout=20']) limit.onHint(hint);
    assert.equal(limit.at(NOW), 19_000);
  });
});

describe('a connection that the endpoint closed while it was idle', () => {
  test('lowers the limit to a second less than its age', () => {
    const limit = new IdleLimit();
    limit.onClosed(2_500, NOW);
    assert.equal(limit.at(NOW), 1_500);
  });

  test('or to half of its age, where that is more', () => {
    const limit = new IdleLimit();
    limit.onClosed(800, NOW);
    assert.equal(limit.at(NOW), 400);
  });

  test('beats what the endpoint says of itself', () => {
    const limit = new IdleLimit();
    limit.onHint('timeout=60');
    limit.onClosed(10_000, NOW);
    assert.equal(limit.at(NOW), 9_000);
    limit.onHint('timeout=70');
    assert.equal(limit.at(NOW), 9_000);
  });

  test('never raises the limit', () => {
    const limit = new IdleLimit();
    limit.onClosed(60_000, NOW);
    assert.equal(limit.at(NOW), 3_000);
    limit.onClosed(1_000, NOW);
    limit.onClosed(2_000, NOW);
    assert.equal(limit.at(NOW), 500);
  });

  test('is no sign of a limit where it was hardly idle: that was a restart', () => {
    const limit = new IdleLimit();
    limit.onClosed(150, NOW);
    assert.equal(limit.at(NOW), 3_000);
  });

  test('is forgotten after five minutes', () => {
    const limit = new IdleLimit();
    limit.onHint('timeout=60');
    limit.onClosed(1_000, NOW);
    assert.equal(limit.at(NOW + 5 * MINUTE), 500);
    assert.equal(limit.at(NOW + 5 * MINUTE + 1), 59_000);
  });
});

test('whatever is seen, the limit is from 0 to five minutes, and below every age at which a connection was closed', () => {
  const event = fc.oneof(
    fc.record({ hint: fc.integer({ min: 0, max: 100_000 }) }),
    fc.record({ age: fc.integer({ min: 200, max: 400_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(event), events => {
      const limit = new IdleLimit();
      let closedAt = Number.POSITIVE_INFINITY;
      for (const seen of events) {
        if ('hint' in seen) limit.onHint(`timeout=${seen.hint}`);
        else {
          limit.onClosed(seen.age, NOW);
          closedAt = Math.min(closedAt, seen.age);
        }
        const ms = limit.at(NOW);
        assert.ok(ms >= 0 && ms <= 5 * MINUTE);
        assert.ok(ms < closedAt);
      }
    }),
  );
});
