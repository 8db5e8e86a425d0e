import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type BreakerChange,
  type BreakerResult,
  type BreakerSettings,
  CircuitBreaker,
  type Permit,
  REFUSED,
} from '../../../sidecar/policy/circuit-breaker.ts';

const SETTINGS: BreakerSettings = {
  window: { kind: 'calls', calls: 10 },
  minimumCalls: 4,
  failureRate: 0.5,
  slowCallRate: 1,
  slowCall: 100,
  openFor: 1000,
  openForGrowth: 1,
  openForMax: 8000,
  halfOpenCalls: 3,
  permitFor: 500,
  rampUp: 0,
  forced: null,
};

let changes: BreakerChange[];
let random: number;
beforeEach(() => {
  changes = [];
  random = 0;
});

function aBreaker(settings: Partial<BreakerSettings> = {}): CircuitBreaker {
  return new CircuitBreaker(
    { ...SETTINGS, ...settings },
    () => random,
    change => changes.push(change),
  );
}

/** Makes calls that take `ms`, one after another. */
function call(breaker: CircuitBreaker, results: readonly BreakerResult[], now = 0, ms = 1): void {
  for (const result of results) {
    const permit = breaker.tryAcquire(now);
    assert.notEqual(permit, REFUSED, `a call at ${now}`);
    breaker.onResult(permit, result, ms, now);
  }
}

const failures = (count: number): BreakerResult[] => new Array<BreakerResult>(count).fill('failure');
const successes = (count: number): BreakerResult[] => new Array<BreakerResult>(count).fill('success');

describe('closed', () => {
  test('lets everything through, and stays so below the minimum of calls', () => {
    const breaker = aBreaker();
    call(breaker, failures(3));
    assert.equal(breaker.state, 'closed');
  });

  test('opens at its failure rate, and says on account of which calls', () => {
    const breaker = aBreaker();
    call(breaker, [...successes(3), ...failures(2)]);
    assert.equal(breaker.state, 'closed');
    call(breaker, failures(1), 7);
    assert.equal(breaker.state, 'open');
    const calls = { calls: 6, failed: 3, slow: 0 };
    assert.deepEqual(changes, [{ from: 'closed', to: 'open', at: 7, calls }]);
    assert.deepEqual(breaker.lastChange, changes[0]);
  });

  test('opens at its rate of slow calls, those that took longer than the limit', () => {
    const breaker = aBreaker({ slowCallRate: 0.75 });
    call(breaker, successes(4), 0, 100);
    assert.equal(breaker.state, 'closed');
    call(breaker, successes(6), 0, 101);
    assert.equal(breaker.state, 'closed');
    call(breaker, successes(2), 0, 101);
    assert.equal(breaker.state, 'open');
  });

  test('does not count what is ignored', () => {
    const breaker = aBreaker();
    call(breaker, new Array<BreakerResult>(20).fill('ignored'));
    call(breaker, failures(3));
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(breaker.totals(0), { calls: 3, failed: 3, slow: 0 });
  });

  test('forgets what has left a window of time', () => {
    const breaker = aBreaker({ window: { kind: 'time', ms: 1000 } });
    call(breaker, failures(3), 0);
    call(breaker, failures(1), 1500);
    assert.equal(breaker.state, 'closed');
    call(breaker, failures(3), 1500);
    assert.equal(breaker.state, 'open');
  });

  test('needs no more calls than its window has', () => {
    const breaker = aBreaker({ window: { kind: 'calls', calls: 2 }, minimumCalls: 100 });
    call(breaker, failures(2));
    assert.equal(breaker.state, 'open');
  });
});

describe('open', () => {
  test('lets nothing through for as long as it is open, and says for how long that is', () => {
    const breaker = aBreaker();
    call(breaker, failures(4), 100);
    assert.equal(breaker.tryAcquire(100), REFUSED);
    assert.equal(breaker.retryAfter(100), 1000);
    assert.equal(breaker.tryAcquire(1099), REFUSED);
    assert.equal(breaker.retryAfter(1099), 1);
    assert.notEqual(breaker.tryAcquire(1100), REFUSED);
    assert.equal(breaker.state, 'half-open');
  });

  test('does not count calls that began before', () => {
    const breaker = aBreaker();
    const early = breaker.tryAcquire(0);
    call(breaker, failures(4));
    breaker.onResult(early, 'success', 1, 10);
    assert.deepEqual(breaker.totals(10), { calls: 0, failed: 0, slow: 0 });
  });

  test('is open for longer each time it opens again, up to a limit, and as at first once it had closed', () => {
    const breaker = aBreaker({ openForGrowth: 2, openForMax: 3000 });
    let now = 0;
    call(breaker, failures(4), now);
    for (const openFor of [1000, 2000, 3000, 3000]) {
      assert.equal(breaker.retryAfter(now), openFor);
      now += openFor;
      call(breaker, failures(2), now);
      assert.equal(breaker.state, 'open');
    }
    now += 3000;
    call(breaker, successes(3), now);
    call(breaker, failures(4), now);
    assert.equal(breaker.retryAfter(now), 1000);
  });
});

describe('half-open', () => {
  const halfOpen = (settings: Partial<BreakerSettings> = {}): CircuitBreaker => {
    const breaker = aBreaker(settings);
    call(breaker, failures(4), 0);
    changes = [];
    return breaker;
  };

  test('lets as many calls through as are to try, and no more until they have ended', () => {
    const breaker = halfOpen();
    const permits = [1, 2, 3].map(() => breaker.tryAcquire(1000));
    assert.ok(permits.every(permit => permit !== REFUSED));
    assert.equal(breaker.tryAcquire(1001), REFUSED);
    assert.equal(breaker.retryAfter(1001), 499);
    breaker.onResult(permits[0], 'success', 1, 1002);
    assert.equal(breaker.tryAcquire(1002), REFUSED, 'it has been judged by one of three');
  });

  test('closes when they have gone well', () => {
    const breaker = halfOpen();
    call(breaker, ['success', 'failure', 'success'], 1000);
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(
      changes.map(({ from, to }) => [from, to]),
      [
        ['open', 'half-open'],
        ['half-open', 'closed'],
      ],
    );
  });

  test('opens again as soon as no further result could close it', () => {
    const breaker = halfOpen();
    call(breaker, failures(2), 1000);
    assert.equal(breaker.state, 'open');
    assert.equal(breaker.retryAfter(1000), 1000);
  });

  test('gives the place of a call that is ignored to another one', () => {
    const breaker = halfOpen();
    call(breaker, ['ignored', 'ignored', 'ignored', 'ignored', ...successes(3)], 1000);
    assert.equal(breaker.state, 'closed');
  });

  test('is not held by a call whose result never comes, nor counts it when it comes late', () => {
    const breaker = halfOpen();
    const lost = [1, 2, 3].map(() => breaker.tryAcquire(1000));
    assert.equal(breaker.tryAcquire(1499), REFUSED);
    call(breaker, ['success', 'success'], 1500);
    breaker.onResult(lost[0], 'failure', 500, 1500);
    assert.equal(breaker.state, 'half-open');
    call(breaker, ['success'], 1500);
    assert.equal(breaker.state, 'closed');
  });
});

describe('after it has closed', () => {
  test('lets a growing part through, where it is to ramp up', () => {
    const breaker = aBreaker({ rampUp: 1000 });
    call(breaker, failures(4), 0);
    call(breaker, successes(3), 1000);
    random = 0.3;
    assert.equal(breaker.tryAcquire(1300), REFUSED);
    assert.notEqual(breaker.tryAcquire(1301), REFUSED);
    random = 0.999;
    assert.equal(breaker.tryAcquire(1301), REFUSED);
    assert.notEqual(breaker.tryAcquire(2000), REFUSED);
  });

  test('lets everything through at once, where it is not', () => {
    const breaker = aBreaker();
    call(breaker, failures(4), 0);
    call(breaker, successes(3), 1000);
    random = 0.999;
    assert.notEqual(breaker.tryAcquire(1000), REFUSED);
  });
});

describe('with a hand on it', () => {
  test('forced open, it lets nothing through until it is let go, and then begins anew', () => {
    const breaker = aBreaker();
    breaker.configure({ ...SETTINGS, forced: 'open' }, 5);
    assert.equal(breaker.state, 'forced-open');
    assert.equal(breaker.tryAcquire(5), REFUSED);
    assert.equal(breaker.tryAcquire(1_000_000), REFUSED);
    breaker.configure(SETTINGS, 6);
    assert.equal(breaker.state, 'closed');
    assert.notEqual(breaker.tryAcquire(6), REFUSED);
    assert.deepEqual(
      changes.map(({ from, to, at }) => [from, to, at]),
      [
        ['closed', 'forced-open', 5],
        ['forced-open', 'closed', 6],
      ],
    );
  });

  test('forced closed, it counts and lets everything through; off, it does not count either', () => {
    const breaker = aBreaker({ forced: 'closed' });
    call(breaker, failures(20));
    assert.deepEqual([breaker.state, breaker.totals(0).failed], ['forced-closed', 10]);
    breaker.configure({ ...SETTINGS, forced: 'off' }, 0);
    call(breaker, failures(20));
    assert.deepEqual([breaker.state, breaker.totals(0).failed], ['off', 0]);
    breaker.configure(SETTINGS, 0);
    call(breaker, failures(3));
    assert.equal(breaker.state, 'closed');
  });
});

describe('with other settings', () => {
  test('goes on with what it has counted, where it would be counted the same', () => {
    const breaker = aBreaker();
    call(breaker, failures(3));
    breaker.configure({ ...SETTINGS, openFor: 5 }, 0);
    call(breaker, failures(1));
    assert.equal(breaker.retryAfter(0), 5);
  });

  test('is not open for longer than these say, if it is open', () => {
    const breaker = aBreaker({ openFor: 600_000, openForMax: 600_000 });
    call(breaker, failures(4), 0);
    breaker.configure({ ...SETTINGS, openFor: 1000 }, 10_000);
    assert.equal(breaker.retryAfter(10_000), 1000);
    breaker.configure({ ...SETTINGS, openFor: 1000 }, 10_900);
    assert.equal(breaker.retryAfter(10_900), 100);
    breaker.configure({ ...SETTINGS, openFor: 9000 }, 10_900);
    assert.equal(breaker.retryAfter(10_900), 100);
  });

  test('counts anew where the window is another', () => {
    const breaker = aBreaker();
    call(breaker, failures(3));
    breaker.configure({ ...SETTINGS, window: { kind: 'calls', calls: 11 } }, 0);
    call(breaker, failures(3));
    assert.equal(breaker.state, 'closed');
  });

  test('is not stuck half-open where more calls are to try than before', () => {
    const breaker = aBreaker();
    call(breaker, failures(4), 0);
    call(breaker, successes(2), 1000);
    breaker.configure({ ...SETTINGS, halfOpenCalls: 5 }, 1000);
    call(breaker, successes(5), 1000);
    assert.equal(breaker.state, 'closed');
  });
});

test('whatever happens: never more than so many at a time while it tries, nothing while it is open, and never stuck', () => {
  const step = fc.record({
    after: fc.integer({ min: 0, max: 700 }),
    do: fc.constantFrom('call', 'call', 'success', 'failure', 'ignored', 'lose'),
    ms: fc.integer({ min: 0, max: 200 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, isTimed) => {
      const breaker = aBreaker({
        ...(isTimed ? { window: { kind: 'time', ms: 2000 } } : {}),
        slowCallRate: 0.8,
        openForGrowth: 2,
      });
      const under: { permit: Permit; at: number; isTrial: boolean }[] = [];
      let now = 0;
      for (const step of steps) {
        now += step.after;
        const retryAfter = breaker.retryAfter(now);
        if (step.do === 'call') {
          const permit = breaker.tryAcquire(now);
          assert.equal(permit === REFUSED, retryAfter > 0);
          const isTrial = breaker.state === 'half-open';
          if (permit !== REFUSED) under.push({ permit, at: now, isTrial });
          const trials = under.filter(({ isTrial, at }) => isTrial && now - at < SETTINGS.permitFor);
          if (isTrial) assert.ok(trials.length <= SETTINGS.halfOpenCalls);
        } else {
          const ended = under.shift();
          if (ended === undefined || step.do === 'lose') continue;
          breaker.onResult(ended.permit, step.do, step.ms, now);
          if (breaker.state !== 'half-open') for (const call of under) call.isTrial = false;
        }
      }
      // With an upstream that is well again it closes, even if the first success completes what opens it.
      for (let round = 0; round < 3; round++) {
        now += SETTINGS.openForMax + SETTINGS.permitFor;
        for (let i = 0; i < SETTINGS.halfOpenCalls; i++) {
          const permit = breaker.tryAcquire(now);
          if (permit !== REFUSED) breaker.onResult(permit, 'success', 1, now);
        }
      }
      assert.equal(breaker.state, 'closed');
    }),
    { numRuns: 500 },
  );
});
