import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, failure } from '../../../sidecar/exchange/failure.ts';
import { AskedService, type Asker } from '../../../sidecar/routing/asked-service.ts';
import { FailingService } from '../../../sidecar/routing/failing-service.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

/** A question that the test answers. */
function makeAsked({ hasRoom = true } = {}) {
  const askers = new Set<Asker>();
  const question = {
    name: 'inventory',
    enter: (asker: Asker) => hasRoom && askers.add(asker) !== null,
    leave: (asker: Asker) => void askers.delete(asker),
  };
  const service = new ScriptedService();
  const reply = new RecordedReply();
  const failed: string[] = [];
  const failing = (reason: Failure) =>
    new FailingService(() => {
      failed.push(reason.kind);
      return reason;
    });
  const call = new AskedService(question, () => service, failing).call(anExchange(), reply);
  return { askers, service, reply, call, failed };
}

test('waits for the answer, and then goes where it leads', () => {
  const { askers, service, reply, call } = makeAsked();
  assert.equal(service.calls.length, 0);
  call.pause();
  for (const asker of askers) asker.onAnswer();
  assert.equal(service.last.isPaused, true);
  call.resume();
  service.last.answer();
  assert.deepEqual(reply.told, [200, 'end']);
});

test('is given up by whoever waits, before the answer and after it', () => {
  const before = makeAsked();
  before.call.cancel(failure('client-gone', 'gone'));
  assert.deepEqual([before.reply.failure?.kind, before.askers.size], ['client-gone', 0]);
  assert.deepEqual(before.failed, ['client-gone']);
  const after = makeAsked();
  for (const asker of after.askers) asker.onAnswer();
  after.call.cancel(failure('client-gone', 'gone'));
  assert.equal(after.service.last.cancelled?.kind, 'client-gone');
});

test('fails where too many wait already', () => {
  const { reply, failed } = makeAsked({ hasRoom: false });
  assert.deepEqual(failed, ['overflow']);
  assert.equal(reply.failure?.kind, 'overflow');
  assert.match(reply.failure.detail, /whether inventory is a service/);
});
