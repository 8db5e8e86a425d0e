import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { Timer, TimerWheel } from '../../../sidecar/io/timer-wheel.ts';

const TICK = 10;
/** How long the wheel takes to come round. */
const ROUND = 1024 * TICK;

describe('TimerWheel', () => {
  let wheel: TimerWheel;
  let fired: string[];
  const START = 123_456.7;

  beforeEach(() => {
    wheel = new TimerWheel(() => START, TICK);
    fired = [];
  });

  afterEach(() => wheel.close());

  function timer(name: string, onTimer: () => void = () => {}): Timer {
    return new Timer({
      onTimer: () => {
        fired.push(name);
        onTimer();
      },
    });
  }

  /** Turns the wheel once, `ms` after the start. */
  function turn(ms: number): string[] {
    fired = [];
    wheel.turn(START + ms);
    return fired;
  }

  test('fires a timer at the first turn at or after its time, once', () => {
    const a = timer('a');
    wheel.start(a, 25, START);
    assert.equal(a.isRunning, true);
    assert.deepEqual(turn(10), []);
    assert.deepEqual(turn(24.9), []);
    assert.deepEqual(turn(25), ['a']);
    assert.equal(a.isRunning, false);
    assert.deepEqual(turn(35), []);
    assert.deepEqual(turn(25 + ROUND), []);
  });

  test('fires at the next turn what is due at once', () => {
    wheel.start(timer('now'), 0, START);
    wheel.start(timer('past'), -500, START);
    assert.deepEqual(turn(0).sort(), ['now', 'past']);
  });

  test('does not fire what was stopped', () => {
    const [a, b] = [timer('a'), timer('b')];
    wheel.start(a, 20, START);
    wheel.start(b, 20, START);
    wheel.stop(a);
    wheel.stop(a);
    assert.equal(a.isRunning, false);
    assert.deepEqual(turn(20), ['b']);
  });

  test('to start a running timer moves it', () => {
    const a = timer('a');
    wheel.start(a, 20, START);
    wheel.start(a, 50, START + 5);
    assert.deepEqual(turn(20), []);
    assert.deepEqual(turn(54), []);
    assert.deepEqual(turn(55), ['a']);
  });

  test('fires timers of the same turn in the order of their ticks', () => {
    wheel.start(timer('c'), 300, START);
    wheel.start(timer('a'), 100, START);
    wheel.start(timer('b'), 200, START);
    assert.deepEqual(turn(1000), ['a', 'b', 'c']);
  });

  test('keeps timers for longer than a round', () => {
    const delay = 3 * ROUND + 15;
    wheel.start(timer('a'), delay, START);
    for (let ms = 0; ms < delay; ms += TICK) assert.deepEqual(turn(ms), []);
    assert.deepEqual(turn(delay), ['a']);
  });

  test('after a stall of several rounds, fires all that is due and nothing else', () => {
    wheel.start(timer('a'), 20, START);
    wheel.start(timer('b'), ROUND + 20, START);
    wheel.start(timer('late'), 10 * ROUND, START);
    assert.deepEqual(turn(5 * ROUND).sort(), ['a', 'b']);
    assert.deepEqual(turn(10 * ROUND - 1), []);
    assert.deepEqual(turn(10 * ROUND), ['late']);
  });

  test('a handler may stop a timer that is due in the same turn', () => {
    const b = timer('b');
    wheel.start(
      timer('a', () => wheel.stop(b)),
      10,
      START,
    );
    wheel.start(b, 20, START);
    assert.deepEqual(turn(50), ['a']);
    assert.equal(b.isRunning, false);
  });

  test('a timer that its handler starts again fires in a later turn', () => {
    const again = timer('again', () => wheel.start(again, 0, START));
    wheel.start(again, 0, START);
    assert.deepEqual(turn(10), ['again']);
    assert.deepEqual(turn(10), ['again']);
    assert.deepEqual(turn(20), ['again']);
  });

  test('a handler that throws does not cost the other timers', () => {
    wheel.start(
      timer('bad', () => {
        throw new Error('bug');
      }),
      10,
      START,
    );
    wheel.start(timer('good'), 20, START);
    assert.throws(() => turn(50), /bug/);
    assert.deepEqual(turn(50), ['good']);
  });

  test('a timer that is started late, by a clock read earlier, is not early', () => {
    turn(100);
    wheel.start(timer('a'), 50, START + 80);
    assert.deepEqual(turn(129), []);
    assert.deepEqual(turn(130), ['a']);
  });

  test('knows the time coarsely, and it never goes back', () => {
    turn(100);
    assert.equal(wheel.coarseNow, START + 100);
    wheel.start(timer('a'), 50, START + 104);
    assert.equal(wheel.coarseNow, START + 104);
    wheel.start(timer('b'), 50, START + 20);
    turn(90);
    assert.equal(wheel.coarseNow, START + 104);
  });

  test('turns by itself while there is something on it, and only then', t => {
    // Node 20's mock timers do not let an interval be cleared by its own callback.
    let interval: (() => void) | null = null;
    t.mock.method(globalThis, 'setInterval', (task: () => void, ms: number) => {
      assert.equal(interval, null);
      assert.equal(ms, TICK);
      interval = task;
      return { unref: () => 'interval' };
    });
    t.mock.method(globalThis, 'clearInterval', (handle: unknown) => {
      assert.equal(handle, 'interval');
      interval = null;
    });
    // The turn itself comes after the sockets.
    t.mock.method(globalThis, 'setImmediate', (task: () => void) => task());
    let now = 1000;
    const own = new TimerWheel(() => now, TICK);
    const pass = (ms: number) => {
      for (const end = now + ms; now < end; ) {
        now += TICK;
        interval?.();
      }
    };
    assert.equal(interval, null);
    own.start(timer('a'), 35, now);
    pass(30);
    assert.deepEqual(fired, []);
    pass(10);
    assert.deepEqual(fired, ['a']);
    assert.equal(interval, null);
    const b = timer('b');
    own.start(b, 1000, now);
    pass(100);
    assert.notEqual(interval, null);
    own.stop(b);
    assert.notEqual(interval, null, 'whoever stops a timer may start one at once');
    pass(TICK);
    assert.equal(interval, null);
    own.start(b, 20, now);
    pass(20);
    assert.deepEqual(fired, ['a', 'b']);
  });
});

/** What happens to a wheel: a timer is started or stopped, or time passes and the wheel turns. */
type Step =
  | { readonly kind: 'start'; readonly timer: number; readonly delay: number; readonly lag: number }
  | { readonly kind: 'stop'; readonly timer: number }
  | { readonly kind: 'turn'; readonly after: number };

const TIMERS = 8;
const aTimer = fc.nat(TIMERS - 1);
const aDelay = fc.oneof(
  fc.integer({ min: -5, max: 60 }),
  fc.double({ min: 0, max: 50, noNaN: true }),
  fc.integer({ min: ROUND - 30, max: ROUND + 30 }),
  fc.integer({ min: 0, max: 3 * ROUND }),
);
const aStart = fc.record({
  kind: fc.constant('start' as const),
  timer: aTimer,
  delay: aDelay,
  /** How old the time is that the caller passes on. */
  lag: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 25 })),
});
const aStop = fc.record({ kind: fc.constant('stop' as const), timer: aTimer });
const aTurn = fc.record({
  kind: fc.constant('turn' as const),
  after: fc.oneof(
    fc.integer({ min: 0, max: 15 }),
    fc.double({ min: 0, max: 40, noNaN: true }),
    fc.integer({ min: 0, max: 4 * ROUND }),
  ),
});
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(aStart, aStop, { weight: 2, arbitrary: aTurn }), {
  maxLength: 60,
});
/** What the handler of each timer does. */
const handlers: fc.Arbitrary<Step[][]> = fc.array(fc.array(fc.oneof(aStart, aStop), { maxLength: 3 }), {
  minLength: TIMERS,
  maxLength: TIMERS,
});

test('a wheel does what a list of deadlines would', () => {
  fc.assert(
    fc.property(steps, handlers, fc.double({ min: 0, max: 1e7, noNaN: true }), (steps, handlers, start) => {
      let now = start;
      let turns = 0;
      const wheel = new TimerWheel(() => now, TICK);
      /** The timers that run, and the turn in which they were started. */
      const model = new Map<number, { readonly deadline: number; readonly startedIn: number }>();
      const timers = handlers.map(
        (handler, i) =>
          new Timer({
            onTimer: () => {
              const entry = model.get(i);
              assert.ok(entry, `timer ${i} was not running`);
              assert.ok(entry.deadline <= now, `timer ${i} is ${entry.deadline - now} ms early`);
              assert.ok(entry.startedIn < turns, `timer ${i} fired in the turn that started it`);
              model.delete(i);
              for (const step of handler) apply(step);
            },
          }),
      );
      const apply = (step: Step): void => {
        switch (step.kind) {
          case 'start': {
            const asOf = now - step.lag;
            wheel.start(timers[step.timer], step.delay, asOf);
            model.set(step.timer, { deadline: asOf + step.delay, startedIn: turns });
            break;
          }
          case 'stop':
            wheel.stop(timers[step.timer]);
            model.delete(step.timer);
            break;
          case 'turn':
            now += step.after;
            turns++;
            wheel.turn(now);
            for (const [i, { deadline, startedIn }] of model) {
              assert.ok(deadline > now || startedIn === turns, `timer ${i} is ${now - deadline} ms late`);
            }
        }
      };
      try {
        for (const step of steps) {
          apply(step);
          for (const [i, { isRunning }] of timers.entries()) assert.equal(isRunning, model.has(i));
        }
      } finally {
        wheel.close();
      }
    }),
    { numRuns: 500 },
  );
});
