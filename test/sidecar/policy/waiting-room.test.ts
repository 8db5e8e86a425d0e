import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { ConcurrencyLimit, concurrencyLayer } from '../../../sidecar/policy/concurrency-limit.ts';
import { type Waiter, WaitingRoom } from '../../../sidecar/policy/waiting-room.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Seeded } from '../../e2e/harness/seeded.ts';
import { Callers, quantile, SimulatedServer, SimulatedUpstream, Simulation } from '../simulation.ts';

class Guest implements Waiter<Guest> {
  enteredAt = 0;
  line: Waiter<Guest>['line'] = null;
  older: Guest | null = null;
  newer: Guest | null = null;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Ten places that are taken for 20 ms each: three come free in 6 ms, and an interval has 31 ms. */
let room: WaitingRoom<Guest>;
beforeEach(() => {
  room = new WaitingRoom(10, { pending: 5, pendingFor: 1000 });
  room.noteTaken(20);
});

function enter(name: string, now: number): Guest {
  const guest = new Guest(name);
  assert.ok(room.enter(guest, now));
  return guest;
}

/** Who gets a place now. */
function letIn(now: number): string | null {
  const next = room.next(now);
  if (next !== null) room.leave(next);
  return next?.name ?? null;
}

/** Who has waited too long by now. */
function turnedAway(now: number): string[] {
  const names: string[] = [];
  for (let late = room.overdue(now); late !== null; late = room.overdue(now)) {
    room.leave(late);
    names.push(late.name);
  }
  return names;
}

describe('while all is well', () => {
  test('whoever has waited longest is next', () => {
    for (const name of ['a', 'b', 'c']) enter(name, 0);
    assert.deepEqual([letIn(1), letIn(1), letIn(1), letIn(1)], ['a', 'b', 'c', null]);
  });

  test('whoever leaves is not', () => {
    const guests = ['a', 'b', 'c', 'd'].map(name => enter(name, 0));
    for (const i of [1, 0, 3]) room.leave(guests[i]);
    assert.deepEqual([room.length, letIn(1), letIn(1)], [1, 'c', null]);
  });

  test('one may wait for as long as the settings say', () => {
    enter('a', 0);
    enter('b', 1);
    letIn(2);
    enter('c', 3);
    assert.deepEqual(turnedAway(1000), []);
    assert.equal(room.patience, 1000);
    assert.deepEqual(turnedAway(1001), ['b']);
  });

  test('a room that is full takes nobody in', () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(name, 0);
    assert.equal(room.enter(new Guest('f'), 0), false);
    letIn(1);
    assert.equal(room.enter(new Guest('g'), 1), true);
  });
});

describe('a queue', () => {
  test('that grows for an interval stands: who comes from then on may not wait, and whoever came last is next', () => {
    enter('a', 100);
    enter('b', 129);
    assert.deepEqual([turnedAway(130), room.isShedding], [[], false]);
    assert.deepEqual([turnedAway(131), room.isShedding, room.patience], [[], true, 6]);
    for (const [i, name] of ['c', 'd', 'e'].entries()) enter(name, 132 + i);
    assert.deepEqual([letIn(134), letIn(134), letIn(134)], ['a', 'b', 'e']);
    assert.deepEqual([turnedAway(137), turnedAway(138), turnedAway(139)], [[], ['c'], ['d']]);
  });

  test('does not stand while one gets a place soon, and does so an interval later', () => {
    enter('a', 100);
    enter('b', 101);
    assert.equal(letIn(104), 'a');
    enter('c', 130);
    assert.deepEqual([turnedAway(134), room.isShedding], [[], false]);
    assert.deepEqual([turnedAway(135), room.isShedding], [[], true]);
  });

  test('that gets shorter does not, however long it is', () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) enter(name, 100);
    assert.equal(letIn(120), 'a');
    assert.deepEqual(turnedAway(131), []);
    assert.equal(letIn(140), 'b');
    assert.deepEqual(turnedAway(162), []);
    assert.equal(room.isShedding, false);
  });

  test('in which hardly anybody waits does not either', () => {
    for (let now = 100; now < 200; now += 2) {
      enter('next', now);
      assert.equal(letIn(now + 1), 'next');
      enter('stays', now + 1);
      assert.equal(letIn(now + 1), 'stays');
    }
    assert.equal(room.isShedding, false);
  });

  test('that had to shed nobody for an interval stands no more', () => {
    enter('a', 100);
    enter('b', 129);
    for (const now of [131, 132]) letIn(now);
    enter('c', 132);
    assert.deepEqual(turnedAway(140), ['c']);
    assert.deepEqual([turnedAway(162), room.isShedding], [[], true]);
    enter('d', 190);
    assert.deepEqual([turnedAway(193), room.isShedding], [[], false]);
    assert.deepEqual(turnedAway(1189), []);
    assert.deepEqual(turnedAway(1190), ['d']);
  });

  test('in front of places of which nothing is known is not judged', () => {
    room = new WaitingRoom(10, { pending: 5, pendingFor: 1000 });
    enter('a', 0);
    assert.deepEqual(turnedAway(999), []);
    assert.deepEqual(turnedAway(1000), ['a']);
  });
});

test('a place that is taken for hours weighs like ten others', () => {
  room.noteTaken(3_600_000);
  assert.ok(room.usual > 20 && room.usual < 32, String(room.usual));
});

test('whatever happens, nobody is lost, kept for longer than may be, or taken in beyond the bound', () => {
  const step = fc.record({
    do: fc.constantFrom('enter', 'next', 'leave', 'look'),
    after: fc.nat(40),
    which: fc.nat(10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 3 }), (steps, places) => {
      room = new WaitingRoom(places, { pending: 4, pendingFor: 60 });
      let now = 0;
      const inside = new Set<Guest>();
      const takeOut = (guest: Guest | null) => {
        if (guest === null) return;
        assert.ok(inside.delete(guest), 'somebody who is not in there');
        room.leave(guest);
      };
      for (const one of steps) {
        now += one.after;
        for (let late = room.overdue(now); late !== null; late = room.overdue(now)) {
          assert.ok(now - late.enteredAt >= Math.min(60, room.patience));
          takeOut(late);
        }
        for (const { enteredAt } of inside) assert.ok(now - enteredAt < 60);
        if (one.do === 'enter') {
          const guest = new Guest('x');
          assert.equal(room.enter(guest, now), inside.size < 4);
          if (inside.size < 4) inside.add(guest);
        } else if (one.do === 'next') {
          const next = room.next(now);
          const ordered = [...inside];
          assert.ok(next === (ordered[0] ?? null) || (room.isShedding && next === ordered.at(-1)));
          takeOut(next);
          if (next !== null) room.noteTaken(one.which * 5);
        } else if (one.do === 'leave') takeOut([...inside][one.which] ?? null);
        assert.equal(room.length, inside.size);
        if (inside.size > 0) assert.ok(room.checkIn(now) <= 60);
      }
    }),
    { numRuns: 1_000 },
  );
});

describe('three endpoints of 10 workers that take 20 ms and queue without limit, told the limit', () => {
  const CAPACITY = 30 / 20.5;

  /** Asks for 5 s. @param load as a part of what they can do */
  function run(load: number, { burst = 0, isSteady = false } = {}) {
    const simulation = new Simulation();
    const random = new Seeded(12);
    const servers = [1, 2, 3].map(() => new SimulatedServer(simulation, 10, () => 20 + random.next()));
    const counters = new UpstreamCounters('slow');
    const limit = new ConcurrencyLimit(
      { max: 30, pending: 128, pendingFor: 1000 },
      counters,
      simulation.wheel,
    );
    const layer = concurrencyLayer(limit, 'slow')(new SimulatedUpstream(servers));
    const callers = new Callers(simulation, layer);
    const gap = () => (isSteady ? 1 : -Math.log(1 - random.next())) / (load * CAPACITY);
    callers.keepAsking(5000, gap);
    simulation.after(2500, () => {
      for (let i = 0; i < burst; i++) callers.ask();
    });
    simulation.runUntil(5000);
    const goodput = callers.servedBy(5000) / (5000 * CAPACITY);
    simulation.runUntil(6000);
    return { ...callers, goodput, counters };
  }

  test('at 150 %, all workers are busy, what is served is served in time, and the rest is refused soon', () => {
    const { goodput, served, refused } = run(1.5, { isSteady: true });
    assert.ok(goodput >= 0.99, `${goodput}`);
    assert.ok(quantile(served, 0.99) <= 24, `${quantile(served, 0.99)}`);
    assert.ok(quantile(refused, 1) <= 4, `${quantile(refused, 1)}`);
  });

  test('at ten times the capacity too', () => {
    const { goodput, served, refused } = run(10);
    assert.ok(goodput >= 0.99, `${goodput}`);
    // The first tenth of a second is left over from when nothing was known of the service.
    assert.ok(quantile(served, 0.97) <= 24, `${quantile(served, 0.97)}`);
    assert.ok(quantile(refused, 1) <= 5, `${quantile(refused, 1)}`);
  });

  test('at 80 %, and where a burst comes beside little, nobody is refused', () => {
    for (const { refused, counters } of [run(0.8), run(0.1, { burst: 140 }), run(0.5, { burst: 60 })]) {
      assert.deepEqual([refused.length, counters.overflowed], [0, 0]);
    }
  });
});
