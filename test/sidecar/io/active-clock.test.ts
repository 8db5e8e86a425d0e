import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActiveClock } from '../../../sidecar/io/active-clock.ts';

function aClock() {
  const time = { now: 5_000 };
  const stalls: number[] = [];
  const clock = new ActiveClock(
    () => time.now,
    ms => void stalls.push(ms),
  );
  return { time, stalls, clock };
}

test('goes as the clock below it does', () => {
  const { time, clock, stalls } = aClock();
  for (const ms of [0, 1, 200, 999]) {
    time.now += ms;
    assert.equal(clock.now(), time.now);
  }
  assert.deepEqual(stalls, []);
});

test('stands still while the process does, and tells of it', () => {
  const { time, clock, stalls } = aClock();
  assert.equal(clock.now(), 5_000);
  time.now += 3_600;
  assert.equal(clock.now(), 5_000);
  time.now += 10;
  assert.equal(clock.now(), 5_010);
  time.now += 60_000;
  assert.equal(clock.now(), 5_010);
  assert.deepEqual(stalls, [3_600, 60_000]);
});

test('reads by itself once it is started, so that idleness is no stall', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { time, clock, stalls } = aClock();
  time.now += 20_000;
  clock.start();
  for (let i = 0; i < 50; i++) {
    time.now += 200;
    t.mock.timers.tick(200);
  }
  assert.equal(clock.now(), 35_000);
  assert.deepEqual(stalls, []);
  clock.stop();
});
