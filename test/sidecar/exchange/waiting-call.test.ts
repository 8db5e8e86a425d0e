import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { Service } from '../../../sidecar/exchange/service.ts';
import { WaitingCall } from '../../../sidecar/exchange/waiting-call.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

const GONE = failure('client-gone', 'gone');

/** Waits for the test. */
class Waiter extends WaitingCall {
  hasLeft = 0;

  release(service: Service): void {
    this.goOn(service);
  }

  giveUp(): void {
    this.failWith(failure('overflow', 'in vain'));
  }

  protected override leave(): void {
    this.hasLeft++;
  }
}

function aWaiter() {
  const reply = new RecordedReply();
  return { waiter: new Waiter(anExchange(), reply), reply, service: new ScriptedService() };
}

describe('while it waits', () => {
  test('a call is given up by leaving', () => {
    const { waiter, reply } = aWaiter();
    waiter.cancel(GONE);
    waiter.cancel(GONE);
    assert.deepEqual(reply.told, ['client-gone']);
    assert.equal(waiter.hasLeft, 1);
  });

  test('it may turn out to be in vain', () => {
    const { waiter, reply } = aWaiter();
    waiter.giveUp();
    waiter.cancel(GONE);
    assert.deepEqual(reply.told, ['overflow']);
    assert.equal(waiter.hasLeft, 1);
  });

  test('a pause is remembered, and taken back', () => {
    for (const isPaused of [true, false]) {
      const { waiter, service } = aWaiter();
      waiter.pause();
      if (!isPaused) waiter.resume();
      waiter.release(service);
      assert.equal(service.last.isPaused, isPaused);
    }
  });
});

test('once it is made, everything goes to the call that it became', () => {
  const { waiter, reply, service } = aWaiter();
  waiter.release(service);
  waiter.pause();
  assert.equal(service.last.isPaused, true);
  waiter.resume();
  assert.equal(service.last.isPaused, false);
  waiter.cancel(GONE);
  assert.equal(service.last.cancelled, GONE);
  assert.deepEqual(reply.told, ['client-gone']);
  assert.equal(waiter.hasLeft, 0);
});

test('a call that ends before it comes back can be cancelled in vain', () => {
  const { waiter, reply } = aWaiter();
  waiter.release({
    call(_exchange, told) {
      told.fail(failure('no-endpoint', 'none'));
      waiter.cancel(GONE);
      return { pause() {}, resume() {}, cancel() {} };
    },
  });
  assert.deepEqual(reply.told, ['no-endpoint']);
});
