import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseVictim, killNowAndThen } from '../../../../examples/shop/runner/kills.ts';
import { FakeInstance } from './fake-instance.ts';

describe('whom to kill', () => {
  const gateway = new FakeInstance('gateway', 1);

  it('is never the only copy of a service', () => {
    assert.equal(
      chooseVictim([gateway], () => 0),
      null,
    );
    const orders = [new FakeInstance('orders', 1), new FakeInstance('orders', 2)];
    for (const random of [0, 0.5, 0.999]) {
      assert.equal(chooseVictim([gateway, ...orders], () => random)?.service, 'orders');
    }
  });

  it('is nobody of a service that has a copy down already', () => {
    const [up, down] = [new FakeInstance('orders', 1), new FakeInstance('orders', 2)];
    down.state = 'starting';
    assert.equal(
      chooseVictim([up, down], () => 0),
      null,
    );
  });
});

describe('killing now and then', () => {
  it('kills and stops by turns, one at a time, and starts each again, until it is told to end', async () => {
    const story: string[] = [];
    const events: string[] = [];
    const end = new AbortController();
    const clock = { ms: 0 };
    await killNowAndThen(
      [new FakeInstance('orders', 1, story), new FakeInstance('orders', 2, story)],
      {
        random: () => 0,
        now: () => clock.ms,
        pause: async ms => {
          clock.ms += ms;
          if (story.length === 4) end.abort();
        },
        onEvent: (_, text) => events.push(text),
      },
      end.signal,
    );
    assert.deepEqual(story, ['SIGKILL orders-1', 'start orders-1', 'SIGTERM orders-1', 'start orders-1']);
    assert.deepEqual(events, [
      'orders-1 killed (SIGKILL)',
      'orders-1 is back after 0.5 s',
      'orders-1 told to stop (SIGTERM)',
      'orders-1 is back after 0.5 s',
    ]);
  });

  it('starts nobody once it was told to end', async () => {
    const story: string[] = [];
    const end = new AbortController();
    await killNowAndThen(
      [new FakeInstance('orders', 1, story), new FakeInstance('orders', 2, story)],
      {
        random: () => 0,
        now: () => 0,
        pause: async () => {
          if (story.length === 1) end.abort();
        },
        onEvent: () => {},
      },
      end.signal,
    );
    assert.deepEqual(story, ['SIGKILL orders-1']);
  });
});
