import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectionLimit, type Starved } from '../../../sidecar/upstream/connection-limit.ts';

function limitOf(max: number, used = max): ConnectionLimit {
  const limit = new ConnectionLimit(max);
  for (let i = 0; i < used; i++) limit.take();
  return limit;
}

/** Notes its name when it is told, and takes what is free where it is greedy. */
function waiter(told: string[], name: string, limit: ConnectionLimit, isGreedy = true): Starved {
  return {
    onConnectionFreed() {
      told.push(name);
      if (isGreedy && !limit.isReached) limit.take();
    },
  };
}

test('is reached when as many are taken as it permits', () => {
  const limit = limitOf(2, 1);
  assert.equal(limit.isReached, false);
  limit.take();
  assert.equal(limit.isReached, true);
  limit.give();
  assert.equal(limit.isReached, false);
});

test('holds for what is taken already when it is lowered', () => {
  const limit = limitOf(4, 3);
  limit.max = 2;
  assert.equal(limit.isReached, true);
  limit.give();
  assert.equal(limit.isReached, true);
  limit.give();
  assert.equal(limit.isReached, false);
});

describe('who waits', () => {
  test('is told in order, one for each that comes free', () => {
    const told: string[] = [];
    const limit = limitOf(2);
    for (const name of ['a', 'b', 'c']) limit.wait(waiter(told, name, limit));
    limit.give();
    assert.deepEqual(told, ['a']);
    limit.give();
    assert.deepEqual(told, ['a', 'b']);
  });

  test('lets the next one have what it does not take', () => {
    const told: string[] = [];
    const limit = limitOf(1);
    limit.wait(waiter(told, 'a', limit, false));
    limit.wait(waiter(told, 'b', limit));
    limit.wait(waiter(told, 'c', limit));
    limit.give();
    assert.deepEqual(told, ['a', 'b']);
  });

  test('is told when the bound rises, as many as there is room for', () => {
    const told: string[] = [];
    const limit = limitOf(2);
    for (const name of ['a', 'b', 'c']) limit.wait(waiter(told, name, limit));
    limit.max = 4;
    assert.deepEqual(told, ['a', 'b']);
  });

  test('is told once, however often it asked', () => {
    const told: string[] = [];
    const limit = limitOf(2);
    const a = waiter(told, 'a', limit, false);
    limit.wait(a);
    limit.wait(a);
    limit.give();
    limit.give();
    assert.deepEqual(told, ['a']);
  });

  test('may ask again while it is told, behind the others', () => {
    const told: string[] = [];
    const limit = limitOf(1);
    const a: Starved = {
      onConnectionFreed() {
        told.push('a');
        limit.take();
        limit.wait(a);
      },
    };
    limit.wait(a);
    limit.wait(waiter(told, 'b', limit));
    for (let i = 0; i < 3; i++) limit.give();
    assert.deepEqual(told, ['a', 'b', 'a']);
  });

  test('is not told any more once it is forgotten', () => {
    const told: string[] = [];
    const limit = limitOf(1);
    const a = waiter(told, 'a', limit);
    limit.wait(a);
    limit.forget(a);
    limit.give();
    assert.deepEqual(told, []);
  });
});
