import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Attempt, type ConnectionSource } from '../../../sidecar/upstream/attempt.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { PendingQueue } from '../../../sidecar/upstream/pending-queue.ts';
import { anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';

function makeQueue() {
  const clock = new HandClock();
  const counters = new UpstreamCounters('inventory');
  const queue = new PendingQueue(clock.wheel, counters);
  const late: Attempt[] = [];
  const source: ConnectionSource = {
    acquire() {},
    leave: attempt => queue.remove(attempt),
    waitedTooLong(attempt) {
      queue.remove(attempt);
      late.push(attempt);
    },
  };
  const endpoint = new Endpoint({
    id: 'a',
    address: '10.0.0.1',
    port: 1,
    weight: 1,
    zone: null,
    version: null,
  });
  const anAttempt = () =>
    new Attempt(anExchange(), new RecordedReply(), endpoint, source, {
      choose: () => endpoint,
      chooseOther: () => null,
    });
  return { clock, counters, queue, late, anAttempt };
}

test('those who wait leave in the order in which they came, but for who was put first', () => {
  const { queue, counters, anAttempt } = makeQueue();
  const [a, b, c] = [anAttempt(), anAttempt(), anAttempt()];
  queue.push(a, 100);
  queue.push(b, 100);
  queue.unshift(c, 100);
  assert.equal(counters.pendingWaiting, 3);
  assert.equal(queue.first, c);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [c, a, b, null]);
  assert.equal(counters.pendingWaiting, 0);
});

test('who has waited for too long is told once, and who has left is not', () => {
  const { clock, queue, late, anAttempt } = makeQueue();
  const [a, b] = [anAttempt(), anAttempt()];
  queue.push(a, 100);
  queue.push(b, 100);
  queue.remove(a);
  clock.advance(1_000);
  assert.deepEqual(late, [b]);
  assert.equal(queue.length, 0);
});

test('taking out somebody who does not wait changes nothing', () => {
  const { queue, counters, anAttempt } = makeQueue();
  queue.push(anAttempt(), 100);
  queue.remove(anAttempt());
  assert.equal(queue.length, 1);
  assert.equal(counters.pendingWaiting, 1);
});
