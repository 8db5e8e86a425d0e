import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { deadlineLayer, saidTimeLeft } from '../../../sidecar/policy/deadline.ts';
import { Application, anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const DAY = 24 * 3_600_000;
const FIELD = 'X-Request-Deadline-Ms';

describe('what a request says of its deadline', () => {
  for (const [fields, ms] of [
    [['Host', 'x'], null],
    [[FIELD, '1500'], 1_500],
    [[FIELD, '0'], 0],
    [['x-request-deadline-ms', '007'], 7],
    [[FIELD, '-1'], Infinity],
    [[FIELD, '1.5'], Infinity],
    [[FIELD, '1e3'], Infinity],
    [[FIELD, ''], Infinity],
    [[FIELD, '5s'], Infinity],
    [[FIELD, '9'.repeat(15)], DAY],
    [[FIELD, '9'.repeat(400)], Infinity],
    [[FIELD, '300', FIELD, '200'], 200],
    [[FIELD, 'soon', FIELD, '200'], 200],
    [['grpc-timeout', '2S'], 2_000],
    [['Grpc-Timeout', '99999999H'], DAY],
    [['grpc-timeout', '1M'], 60_000],
    [['grpc-timeout', '250m'], 250],
    [['grpc-timeout', '250000u'], 250],
    [['grpc-timeout', '250000000n'], Infinity],
    [['grpc-timeout', '5000000n'], 5],
    [['grpc-timeout', '1'], Infinity],
    [['grpc-timeout', 'S'], Infinity],
    [['grpc-timeout', '1s'], Infinity],
    [[FIELD, '900', 'grpc-timeout', '1S'], 900],
    [[FIELD, '2000', 'grpc-timeout', '1S'], 1_000],
  ] as const) {
    const shown = fields.join(' ').slice(0, 60);
    test(`${shown} is ${ms}`, () => assert.equal(saidTimeLeft([...fields]), ms));
  }
});

function start(
  fields: string[],
  { total = 1_000, propagate = true, body = null as RequestBody | null } = {},
) {
  const clock = new HandClock();
  const service = new ScriptedService();
  const stack = deadlineLayer(
    { total: total || null, propagate, upstream: 'inventory' },
    clock.wheel,
  )(service);
  const reply = new RecordedReply();
  const exchange = anExchange({ fields, body });
  stack.call(exchange, reply);
  return { clock, service, reply, exchange };
}

/** The millisecond at which the call was given up, or null where it was not. */
function endOf({ clock, reply }: ReturnType<typeof start>, within = 2_000): number | null {
  const begun = clock.now;
  while (!reply.isEnded && clock.now < begun + within) clock.advance(1);
  return reply.isEnded ? clock.now - begun : null;
}

describe('a deadline that comes with the request', () => {
  test('ends it, and cancels what is under way', () => {
    const call = start([FIELD, '300']);
    assert.equal(endOf(call), 300);
    assert.equal(call.service.last.cancelled?.kind, 'deadline');
    assert.equal(
      call.reply.failure?.detail,
      'inventory did not answer within the 300 ms that the request says it has.',
    );
  });

  test('is told of in as many digits as are of use', () => {
    const call = start(['grpc-timeout', '99999999n']);
    assert.equal(endOf(call), 100);
    assert.match(call.reply.failure?.detail ?? '', / within the 100 ms that/);
  });

  test('bounds it also where nothing else does', () => {
    assert.equal(endOf(start([FIELD, '300'], { total: 0 })), 300);
    assert.equal(endOf(start([FIELD, 'soon'], { total: 0 })), null);
  });

  test('never gives it more time', () => {
    const call = start([FIELD, '5000']);
    assert.equal(endOf(call), 1_000);
    assert.match(call.reply.failure?.detail ?? '', /\(timeouts\.total\)/);
  });

  test('that has passed lets nobody do any work', () => {
    const { service, reply } = start([FIELD, '0']);
    assert.deepEqual([service.calls.length, reply.told], [0, ['deadline']]);
  });

  test('counts on while the application sends its request, as nobody waits any longer for that', () => {
    const body = new RequestBody(new Application(), 100, 1_000);
    assert.equal(endOf(start([FIELD, '300'], { body })), 300);
  });

  test('is not read where that is turned off, and goes on as it is', () => {
    const call = start([FIELD, '300'], { propagate: false });
    assert.equal(endOf(call), 1_000);
    assert.deepEqual(call.exchange.head.fields, [FIELD, '300']);
    assert.equal(call.exchange.toldTimeLeft(0), Infinity);
  });
});

describe('what endpoints are told is left', () => {
  test('is the total, and less as time goes by', () => {
    const { clock, exchange } = start([]);
    const told = [exchange.toldTimeLeft(clock.now)];
    clock.advance(400);
    told.push(exchange.toldTimeLeft(clock.now));
    assert.deepEqual(told, [1_000, 600]);
  });

  test('is what the request says, if that is less, in the place of what it said', () => {
    const { clock, exchange } = start(['Host', 'x', FIELD, '300', FIELD, '500']);
    clock.advance(100);
    assert.equal(exchange.toldTimeLeft(clock.now), 200);
    assert.deepEqual(exchange.head.fields, ['Host', 'x']);
  });

  test('is told in grpc-timeout too where the request understandably said it there', () => {
    const tells = (fields: string[], total = 1_000) => {
      const { exchange } = start(fields, { total });
      return [exchange.tellsGrpcTimeout, ...exchange.head.fields];
    };
    assert.deepEqual(tells(['Grpc-Timeout', '1S', 'Host', 'x', 'grpc-timeout', '2S']), [true, 'Host', 'x']);
    assert.deepEqual(tells(['Host', 'x', FIELD, '300']), [false, 'Host', 'x']);
    assert.deepEqual(tells(['grpc-timeout', 'soon']), [false, 'grpc-timeout', 'soon']);
  });

  test('is never less than a millisecond, and nothing where there is no limit', () => {
    const { clock, exchange } = start([FIELD, '300']);
    clock.advance(299);
    assert.equal(exchange.toldTimeLeft(clock.now + 5), 1);
    assert.equal(start([], { total: 0 }).exchange.toldTimeLeft(0), Infinity);
  });

  test('is the whole total while the request is still being sent', () => {
    const body = new RequestBody(new Application(), 100, 1_000);
    const { clock, exchange } = start([], { body });
    clock.advance(700);
    assert.equal(exchange.toldTimeLeft(clock.now), 1_000);
    body.completedAt = clock.now;
    body.finish(null);
    assert.equal(exchange.toldTimeLeft(clock.now + 100), 900);
  });
});
