import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { KeyedBuckets, TokenBucket } from '../../../sidecar/policy/token-bucket.ts';

/** 10 tokens per second. */
const RATE = 0.01;

/** Bytes of what is still in use. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

describe('a token bucket', () => {
  test('begins full, and then gives at its rate', () => {
    const bucket = new TokenBucket({ rate: RATE, burst: 2 }, 1000);
    assert.deepEqual([bucket.take(1000), bucket.take(1000), bucket.take(1000)], [0, 0, 100]);
    assert.equal(bucket.take(1060), 40);
    assert.equal(bucket.take(1100), 0);
    assert.equal(bucket.take(1100), 100);
  });

  test('holds no more than its burst, however long nobody comes', () => {
    const bucket = new TokenBucket({ rate: RATE, burst: 2 }, 0);
    const taken = [1, 2, 3].map(() => bucket.take(1_000_000));
    assert.deepEqual(taken, [0, 0, 100]);
  });

  test('keeps what is in it when its settings change, as far as it fits', () => {
    const bucket = new TokenBucket({ rate: RATE, burst: 5 }, 0);
    bucket.configure({ rate: RATE * 2, burst: 2 }, 0);
    assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [0, 0, 50]);
    bucket.configure({ rate: RATE, burst: 5 }, 0);
    assert.equal(bucket.take(0), 100);
  });

  test('in any stretch of time gives no more than its burst and what came in, and no less where it is asked often', () => {
    const step = fc.integer({ min: 0, max: 500 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 300 }), (burst, steps) => {
        const bucket = new TokenBucket({ rate: RATE, burst }, 0);
        const given: number[] = [];
        let now = 0;
        for (const after of steps) {
          now += after;
          const wait = bucket.take(now);
          assert.ok(wait >= 0 && wait <= 100 + 1e-6);
          if (wait === 0) given.push(now);
          else assert.ok(given.length >= 1, 'it begins full');
        }
        for (let from = 0; from < given.length; from++) {
          for (let to = from; to < given.length; to++) {
            assert.ok(to - from + 1 <= burst + (given[to]! - given[from]!) * RATE + 1e-6);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('buckets by key', () => {
  test('are one for each', () => {
    const buckets = new KeyedBuckets({ rate: RATE, burst: 1 }, 10);
    assert.deepEqual(
      ['a', 'b', 'a', 'b'].map(key => buckets.take(key, 0)),
      [0, 0, 100, 100],
    );
  });

  test('are kept for the keys that were used last', () => {
    const buckets = new KeyedBuckets({ rate: RATE, burst: 1 }, 2);
    const asked = ['a', 'b', 'a', 'c', 'a', 'b'].map(key => buckets.take(key, 0));
    assert.deepEqual(asked, [0, 0, 100, 0, 100, 0], 'b was forgotten for c, a was not');
  });

  test('do not keep what their keys were cut out of', () => {
    const buckets = new KeyedBuckets({ rate: RATE, burst: 1 }, 1_000);
    const before = heapInUse();
    for (let i = 0; i < 1_000; i++) {
      const head = `${Buffer.alloc(50_000, 'x').toString('latin1')}: the-name-of-tenant-${i}`;
      buckets.take(head.slice(50_002), i);
    }
    const grown = heapInUse() - before;
    assert.ok(grown < 5_000_000, `${grown} bytes`);
    assert.equal(buckets.take('the-name-of-tenant-999', 999), 100);
  });

  test('take other settings over', () => {
    const buckets = new KeyedBuckets({ rate: RATE, burst: 1 }, 2);
    buckets.take('a', 0);
    buckets.configure({ rate: RATE * 4, burst: 3 }, 0);
    assert.deepEqual([buckets.take('a', 0), buckets.take('b', 0), buckets.take('b', 0)], [25, 0, 0]);
  });
});

test('tells what is left in the bucket that has least', () => {
  const buckets = new KeyedBuckets({ rate: 0.001, burst: 3 }, 10);
  assert.deepEqual([buckets.least(0), buckets.size], [3, 0]);
  buckets.take('a', 0);
  buckets.take('b', 0);
  buckets.take('b', 0);
  assert.deepEqual([buckets.least(0), buckets.least(1000), buckets.size], [1, 2, 2]);
});
