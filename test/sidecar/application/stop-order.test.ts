import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StopOrder } from '../../../sidecar/application/stop-order.ts';

const STOP_SIDECAR = { kind: 'stop-sidecar' };
const KILL_AT_ONCE = { kind: 'kill', why: 'second signal' };

test('callers leave first, then the application is told, and the sidecar goes last', () => {
  const order = new StopOrder();
  assert.equal(order.isStopping, false);
  assert.deepEqual(order.onSignal('SIGINT'), { kind: 'drain' });
  assert.equal(order.isStopping, true);
  assert.deepEqual(order.onDrained(), { kind: 'tell', signal: 'SIGINT' });
  assert.deepEqual(order.onEnded(7), STOP_SIDECAR);
  assert.deepEqual(order.onSidecarStopped(), { kind: 'end', code: 7 });
});

test('an application that ends by itself takes the sidecar along, and a signal then changes nothing', () => {
  const order = new StopOrder();
  assert.deepEqual(order.onEnded(3), STOP_SIDECAR);
  assert.equal(order.onSignal('SIGTERM'), null);
  assert.deepEqual(order.onSidecarStopped(), { kind: 'end', code: 3 });
});

test('an application that ends while callers leave it is not told any more', () => {
  const order = new StopOrder();
  order.onSignal('SIGTERM');
  assert.deepEqual(order.onEnded(0), STOP_SIDECAR);
  assert.equal(order.onDrained(), null);
  assert.deepEqual(order.onSidecarStopped(), { kind: 'end', code: 0 });
});

test('an application that does not end in its time is killed, and the sidecar stops as ever', () => {
  const order = new StopOrder();
  order.onSignal('SIGTERM');
  order.onDrained();
  assert.deepEqual(order.onGraceOver(), { kind: 'kill', why: 'grace is over' });
  assert.equal(order.onGraceOver(), null);
  assert.deepEqual(order.onEnded(137), STOP_SIDECAR);
  assert.deepEqual(order.onSidecarStopped(), { kind: 'end', code: 137 });
});

test('time that is over after the application has ended kills nobody', () => {
  const order = new StopOrder();
  order.onSignal('SIGTERM');
  order.onDrained();
  order.onEnded(0);
  assert.equal(order.onGraceOver(), null);
});

for (const [when, lead] of [
  ['while callers leave', () => {}],
  ['while the application stops', (order: StopOrder) => order.onDrained()],
] as const) {
  test(`a second signal ${when} kills the application, and nothing else is waited for`, () => {
    const order = new StopOrder();
    order.onSignal('SIGTERM');
    lead(order);
    assert.deepEqual(order.onSecondSignal(), KILL_AT_ONCE);
    assert.equal(order.onDrained(), null);
    assert.deepEqual(order.onEnded(137), { kind: 'end', code: 137 });
    assert.equal(order.onSecondSignal(), null);
  });
}

test('a second signal while the sidecar stops ends it with the code of the application', () => {
  const order = new StopOrder();
  order.onSignal('SIGTERM');
  order.onEnded(4);
  assert.deepEqual(order.onSecondSignal(), { kind: 'end', code: 4 });
  assert.equal(order.onSidecarStopped(), null);
});

test('an application that can not even be killed is not waited for at a further signal', () => {
  const order = new StopOrder();
  order.onSignal('SIGTERM');
  order.onSecondSignal();
  assert.deepEqual(order.onSecondSignal(), { kind: 'end', code: 137 });
  assert.equal(order.onEnded(137), null);
});
