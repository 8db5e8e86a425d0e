import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { deadlineLayer } from '../../../sidecar/policy/deadline.ts';
import { FaultInjector } from '../../../sidecar/policy/fault.ts';
import { faultLayer } from '../../../sidecar/policy/fault-injection.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { aCompleteBody, anExchange, aTunnel, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { policyOf } from '../policies.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

let clock: HandClock;
let service: ScriptedService;
let counters: UpstreamCounters;
beforeEach(() => {
  clock = new HandClock();
  service = new ScriptedService();
  counters = new UpstreamCounters('inventory');
});

function disturbed(
  yaml: string,
  inner = service as Parameters<ReturnType<typeof faultLayer>>[0],
  heedsDeadlines = true,
) {
  const { fault } = policyOf(`fault: ${yaml}`);
  assert.ok(fault);
  const injector = new FaultInjector(fault, clock.now);
  const { wheel } = clock;
  const upstream = 'inventory';
  const layer = faultLayer({ injector, heedsDeadlines, upstream, counters, wheel, random: () => 0 });
  const stack = layer(inner);
  const ask = (parts: ExchangeParts = {}) => {
    const exchange = anExchange({ startedAt: clock.now, ...parts });
    const reply = new RecordedReply();
    return { call: stack.call(exchange, reply), reply, exchange };
  };
  return { injector, ask };
}

test('an abort answers with its status and asks nobody', () => {
  const { reply } = disturbed('{ abort: { with: 418 } }').ask();
  const { failure: told } = reply;
  assert.deepEqual([told?.kind, told?.status, told?.reachedNobody], ['fault-injected', 418, true]);
  assert.equal(told?.detail, 'Answered with 418 on purpose, without asking inventory (fault.abort).');
  assert.deepEqual([service.calls.length, counters.faults], [0, { delay: 0, abort: 1, reset: 0 }]);
});

test('a reset answers nothing at all', () => {
  const { reply } = disturbed('{ abort: { with: reset } }').ask();
  assert.deepEqual([reply.failure?.kind, reply.failure?.status], ['fault-injected', 0]);
  assert.deepEqual(counters.faults, { delay: 0, abort: 0, reset: 1 });
});

test('a delayed request goes on when its time has come, and its answer comes through', () => {
  const { injector, ask } = disturbed('{ delay: { for: 200ms } }');
  const { reply, exchange } = ask();
  clock.advance(199);
  assert.deepEqual([service.calls.length, injector.active], [0, 1]);
  clock.advance(1);
  assert.deepEqual([service.calls.length, injector.active, exchange.injectedDelay], [1, 0, 200]);
  service.last.answer(200, 'hello');
  assert.deepEqual(reply.told, [200, 'data', 'end']);
  assert.deepEqual(counters.faults, { delay: 1, abort: 0, reset: 0 });
});

test('one that is to be aborted is delayed first', () => {
  const { reply } = disturbed('{ delay: { for: 200ms }, abort: {} }').ask();
  clock.advance(199);
  assert.deepEqual(reply.told, []);
  clock.advance(1);
  assert.deepEqual(reply.told, ['fault-injected']);
  assert.equal(service.calls.length, 0);
});

test('an application that hangs up is let go at once, and what it held is given back', () => {
  const { injector, ask } = disturbed('{ delay: { for: 200ms } }');
  const { call, reply } = ask();
  clock.advance(50);
  call.cancel(failure('client-gone', 'The application hung up.'));
  assert.equal(reply.failure?.kind, 'client-gone');
  assert.match(
    reply.failure?.detail ?? '',
    /It was delayed on purpose until then, for 50 ms \(fault\.delay\)\.$/,
  );
  assert.equal(injector.active, 0);
  clock.advance(500);
  assert.equal(service.calls.length, 0);
});

test('a pause while it is delayed holds for the answer', () => {
  const { call } = disturbed('{ delay: { for: 10ms } }').ask();
  call.pause();
  clock.advance(10);
  assert.equal(service.last.isPaused, true);
  call.resume();
  assert.equal(service.last.isPaused, false);
});

test('what would be one delay too many is let through, and counted', () => {
  const { injector, ask } = disturbed('{ delay: { for: 200ms }, abort: {}, maxActive: 2 }');
  ask();
  ask();
  ask();
  assert.deepEqual([service.calls.length, injector.active, counters.faultsSkipped], [1, 2, 1]);
  clock.advance(200);
  ask();
  assert.deepEqual([service.calls.length, injector.active, counters.faultsSkipped], [1, 1, 1]);
});

test('what is no case of it goes straight on', () => {
  const { ask } = disturbed('{ abort: {}, match: [{ name: x-canary }], ttl: 1s }');
  ask();
  assert.equal(service.calls.length, 1);
  assert.equal(ask({ fields: ['X-Canary', '1'] }).reply.failure?.kind, 'fault-injected');
  clock.advance(1000);
  ask({ fields: ['X-Canary', '1'] });
  assert.equal(service.calls.length, 2);
});

test('a delay is not part of the total timeout, and the deadline of a request counts on', () => {
  const bounded = deadlineLayer({ total: 100, propagate: true, upstream: 'inventory' }, clock.wheel)(service);
  const { ask } = disturbed('{ delay: { for: 200ms } }', bounded);
  const patient = ask();
  const hasty = ask({ fields: ['x-request-deadline-ms', '150'] });
  const body = ask({ method: 'POST', body: aCompleteBody('hello') });
  clock.advance(299);
  assert.deepEqual([patient.reply.failure, body.reply.failure], [null, null]);
  assert.equal(hasty.reply.failure?.kind, 'deadline');
  assert.equal(service.calls.length, 2);
  clock.advance(1);
  assert.equal(patient.reply.failure?.kind, 'deadline');
  assert.match(patient.reply.failure?.detail ?? '', /within 100 ms \(timeouts\.total\)/);
  assert.equal(body.reply.failure?.kind, 'deadline');
});

test('a request is answered when its deadline passes, however long it was to be delayed', () => {
  const bounded = deadlineLayer(
    { total: null, propagate: true, upstream: 'inventory' },
    clock.wheel,
  )(service);
  const { ask } = disturbed('{ delay: { for: 5m }, abort: {} }', bounded);
  const none = ask({ fields: ['x-request-deadline-ms', '0'] });
  assert.equal(none.reply.failure?.kind, 'deadline');
  const { reply, exchange } = ask({ fields: ['x-request-deadline-ms', '150'] });
  clock.advance(149);
  assert.deepEqual(reply.told, []);
  clock.advance(1);
  assert.match(reply.failure?.detail ?? '', /within the 150 ms that the request says it has/);
  assert.deepEqual([exchange.injectedDelay, service.calls.length], [150, 0]);
});

test('a deadline that does not count makes no delay shorter', () => {
  const { ask } = disturbed('{ delay: { for: 200ms } }', service, false);
  ask({ fields: ['x-request-deadline-ms', '150'] });
  clock.advance(199);
  assert.equal(service.calls.length, 0);
  clock.advance(1);
  assert.equal(service.calls.length, 1);
});

test('a tunnel is delayed and aborted like anything else', () => {
  const { ask } = disturbed('{ delay: { for: 200ms }, abort: { with: 502 }, match: [{ name: x-abort }] }');
  const { tunnel } = aTunnel();
  const tunnelled = { method: 'CONNECT', tunnel };
  ask(tunnelled);
  assert.equal(service.calls.length, 1);
  const { reply } = ask({ ...tunnelled, fields: ['x-abort', '1'] });
  clock.advance(200);
  assert.equal(reply.failure?.status, 502);
});
