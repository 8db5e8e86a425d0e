import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RolloutLock } from '../../rollout/rollout-lock.ts';

describe('a lock', { skip: process.platform !== 'linux' && 'only Linux has abstract sockets' }, () => {
  const delivery = ['unix:///run/docker.sock', 'shop', `delivery-${process.pid}`];

  test('is had once, until it is given back', async () => {
    const lock = await RolloutLock.take(delivery);
    assert.ok(lock);
    assert.equal(await RolloutLock.take(delivery), null);
    lock.release();
    const next = await RolloutLock.take(delivery);
    assert.ok(next);
    next.release();
  });

  test('is for one service of one project at one engine', async () => {
    const locks = await Promise.all([
      RolloutLock.take(delivery),
      RolloutLock.take([delivery[0], delivery[1], `kitchen-${process.pid}`]),
      RolloutLock.take([delivery[0], 'other', delivery[2]]),
      RolloutLock.take(['tcp://other:2375', delivery[1], delivery[2]]),
    ]);
    for (const lock of locks) {
      assert.ok(lock);
      lock.release();
    }
  });
});
