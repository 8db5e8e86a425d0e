import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure } from '../../../sidecar/exchange/failure.ts';
import type { Fields } from '../../../sidecar/exchange/fields.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { AskingCall, DISCARDED } from '../../../sidecar/policy/asking-call.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

/** Asks again behind each answer of 500 and above. */
class Insisting extends AskingCall<'asking'> {
  readonly service = new ScriptedService();
  private readonly exchange = anExchange();

  begin(): void {
    this.phase = 'asking';
    this.ask(this.service, this.exchange);
  }

  cancel(reason: Failure): void {
    this.current.cancel(reason);
  }

  override head(head: ResponseHead): void {
    this.phase = head.status >= 500 ? 'discarding' : 'passing';
    if (this.phase === 'passing') this.reply.head(head);
  }

  override end(trailers: Fields | null): void {
    if (this.phase === 'discarding') this.begin();
    else this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    if (this.phase === 'discarding') this.begin();
    else this.reply.fail(reason);
  }
}

function start() {
  const reply = new RecordedReply();
  const call = new Insisting(reply, 'asking');
  return { reply, call, service: call.service };
}

test('nobody is told of what is discarded, and of all of what passes', () => {
  const { reply, call, service } = start();
  call.begin();
  service.last.head({ status: 503 });
  service.last.data('no');
  service.last.end();
  service.last.head({ status: 200 });
  service.last.data('yes');
  service.last.end();
  assert.deepEqual([service.calls.length, reply.body, reply.told], [2, 'yes', [200, 'data', 'end']]);
});

test('what is discarded is broken off where its rest is not at hand', () => {
  const { call, service } = start();
  call.begin();
  const [first] = service.calls;
  first.head({ status: 503 });
  assert.equal(first.cancelled, null);
  first.flush();
  assert.equal(first.cancelled, DISCARDED);
  assert.equal(service.calls.length, 2);
});

test('what was answered before its call came back is broken off when it has', () => {
  const { call, service } = start();
  service.onCall = attempt => {
    if (service.calls.length === 1) attempt.head({ status: 503 });
  };
  call.begin();
  assert.equal(service.calls[0].cancelled, DISCARDED);
  assert.equal(service.calls.length, 2);
});

test('a slow application slows down whatever is asked for it', () => {
  const { call, service } = start();
  call.begin();
  call.pause();
  assert.equal(service.last.isPaused, true);
  service.last.head({ status: 503 });
  service.last.end();
  assert.equal(service.last.isPaused, true);
  call.resume();
  assert.equal(service.last.isPaused, false);
});

test('one that ends at once is followed by another, which is the one that is cancelled then', () => {
  const { call, service, reply } = start();
  service.onCall = attempt => {
    if (service.calls.length > 1) return;
    attempt.head({ status: 503 });
    attempt.end();
  };
  call.begin();
  call.cancel(DISCARDED);
  assert.deepEqual(
    service.calls.map(({ cancelled, lateCancels }) => [cancelled, lateCancels]),
    [
      [null, 0],
      [DISCARDED, 0],
    ],
  );
  assert.equal(reply.failure, DISCARDED);
});
