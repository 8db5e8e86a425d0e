import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTAGE, takeAway } from '../../../../examples/shop/runner/outage.ts';
import { FakeInstance } from './fake-instance.ts';

function shop() {
  const story: string[] = [];
  const of = (service: string, number: number) => new FakeInstance(service, number, story);
  return { story, instances: [of('orders', 1), of('delivery', 1), of('delivery', 2)] };
}

test('all instances of the service are killed, and started again later', async () => {
  const { story, instances } = shop();
  const pause = async (ms: number) => void story.push(`${ms} ms`);
  const onEvent = (kind: string, text: string) => void story.push(`${kind}: ${text}`);
  await takeAway('delivery', instances, { pause, onEvent }, new AbortController().signal);
  assert.deepEqual(story, [
    `${OUTAGE.afterMs} ms`,
    'kill: delivery-1 killed (SIGKILL)',
    'kill: delivery-2 killed (SIGKILL)',
    'SIGKILL delivery-1',
    'SIGKILL delivery-2',
    `${OUTAGE.forMs} ms`,
    'start delivery-1',
    'start delivery-2',
    'back: delivery is back',
  ]);
});

for (const [when, pauses, killed] of [
  ['before it begins', 1, []],
  ['while the service is away', 2, ['SIGKILL delivery-1', 'SIGKILL delivery-2']],
] as const) {
  test(`a run that ends ${when} starts nobody again`, async () => {
    const { story, instances } = shop();
    const end = new AbortController();
    let left = pauses;
    const pause = async () => {
      left -= 1;
      if (left === 0) end.abort();
    };
    await takeAway('delivery', instances, { pause, onEvent() {} }, end.signal);
    assert.deepEqual(story, killed);
  });
}
