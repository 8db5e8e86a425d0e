import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { Attempt } from '../../../sidecar/upstream/attempt.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { HeldAnswer } from '../../../sidecar/upstream/held-answer.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';

const HEAD: ResponseHead = {
  status: 200,
  version: '1.1',
  reason: 'OK',
  fields: [],
  bodyLength: -1,
  upgrade: null,
  tunnel: false,
  endsWithConnection: false,
};

function makeHeld() {
  const reply = new RecordedReply();
  const endpoint = new Endpoint({
    id: 'a',
    address: '10.0.0.1',
    port: 1,
    weight: 1,
    zone: null,
    version: null,
  });
  const source = { acquire() {}, leave() {}, waitedTooLong() {} };
  const chooser = { choose: () => endpoint, chooseOther: () => null };
  return {
    held: new HeldAnswer(),
    reply,
    attempt: new Attempt(anExchange(), reply, endpoint, source, chooser),
  };
}

test('head and body are told together, once', () => {
  const { held, reply, attempt } = makeHeld();
  held.hold(HEAD);
  assert.deepEqual(
    [held.add(Buffer.from('a')), held.add(Buffer.from('b')), reply.told.length],
    [true, true, 0],
  );
  held.tell(attempt);
  held.tell(attempt);
  assert.deepEqual([reply.told, reply.body], [[200, 'data', 'data'], 'ab']);
});

test('a piece that comes without a held head is not held', () => {
  const { held } = makeHeld();
  assert.equal(held.add(Buffer.from('a')), false);
});

test('what is dropped is not told', () => {
  const { held, reply, attempt } = makeHeld();
  held.hold(HEAD);
  held.add(Buffer.from('a'));
  held.drop();
  held.tell(attempt);
  assert.deepEqual(reply.told, []);
});

test('whoever gives up at the head gets no body', () => {
  const { held, reply, attempt } = makeHeld();
  reply.head = () => attempt.cancel(failure('client-gone', 'gone'));
  held.hold(HEAD);
  held.add(Buffer.from('a'));
  held.tell(attempt);
  assert.equal(reply.body, '');
});
