import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionDeadlines, type Wait } from '../../../sidecar/downstream/connection-deadlines.ts';
import { HandClock } from '../hand-clock.ts';

const IDLE = 1_000;

function start() {
  const clock = new HandClock();
  const owner = {
    isBusy: false,
    told: [] as Wait[],
    onDeadline(wait: Wait) {
      owner.told.push(wait);
    },
  };
  return {
    clock,
    owner,
    deadlines: new ConnectionDeadlines(owner, clock.wheel, { limits: { idleTimeout: IDLE } }),
  };
}

describe('a connection that is not used', () => {
  test('is told of at the millisecond', () => {
    const { clock, owner } = start();
    clock.advance(IDLE - 1);
    assert.deepEqual(owner.told, []);
    clock.advance(1);
    assert.deepEqual(owner.told, ['use']);
  });

  test('is one since it was used last', () => {
    const { clock, owner, deadlines } = start();
    clock.advance(600);
    deadlines.used();
    clock.advance(IDLE - 1);
    assert.deepEqual(owner.told, []);
    clock.advance(1);
    assert.deepEqual(owner.told, ['use']);
  });

  test('is none while it is busy', () => {
    const { clock, owner, deadlines } = start();
    owner.isBusy = true;
    clock.advance(10 * IDLE);
    assert.deepEqual(owner.told, []);
    owner.isBusy = false;
    deadlines.used();
    clock.advance(IDLE);
    assert.deepEqual(owner.told, ['use']);
  });
});

describe('another wait', () => {
  test('has its own time, busy or not', () => {
    for (const isBusy of [false, true]) {
      const { clock, owner, deadlines } = start();
      owner.isBusy = isBusy;
      deadlines.begin('answer-after-half-close', 50);
      clock.advance(49);
      assert.deepEqual(owner.told, []);
      clock.advance(1);
      assert.deepEqual(owner.told, ['answer-after-half-close']);
    }
  });

  test('is not lengthened by asking for it again', () => {
    const { clock, owner, deadlines } = start();
    deadlines.begin('rest-of-head', 100);
    clock.advance(60);
    deadlines.begin('rest-of-head', 100);
    clock.advance(40);
    assert.deepEqual(owner.told, ['rest-of-head']);
  });

  test('is over with the next use', () => {
    const { clock, owner, deadlines } = start();
    deadlines.begin('rest-of-head', 100);
    clock.advance(60);
    deadlines.used();
    clock.advance(IDLE - 1);
    assert.deepEqual(owner.told, []);
    clock.advance(1);
    assert.deepEqual(owner.told, ['use']);
  });

  test('may take the place of one that is under way', () => {
    const { clock, owner, deadlines } = start();
    deadlines.begin('last-answer', 100);
    clock.advance(90);
    deadlines.begin('close', 100);
    clock.advance(99);
    assert.deepEqual(owner.told, []);
    clock.advance(1);
    assert.deepEqual(owner.told, ['close']);
  });
});

test('nothing is told once it is stopped', () => {
  const { clock, owner, deadlines } = start();
  deadlines.begin('rest-of-head', 100);
  deadlines.stop();
  clock.advance(10 * IDLE);
  assert.deepEqual(owner.told, []);
});
