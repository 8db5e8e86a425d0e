import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { wholeAnswerLayer } from '../../../sidecar/policy/whole-answer.ts';
import { aCompleteBody, anExchange, aResponseHead, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

function start(parts: ExchangeParts = {}, reply = new RecordedReply()) {
  const clock = new HandClock();
  const service = new ScriptedService();
  const settings = { whole: { size: 100, within: 50 }, methods: 'idempotent' as const };
  const call = wholeAnswerLayer(settings, clock.wheel)(service).call(anExchange(parts), reply);
  return { clock, reply, call, attempt: service.last };
}

const of = (bodyLength: number) => aResponseHead({ bodyLength });

describe('a small answer', () => {
  test('that comes with its body goes on at once', () => {
    const { attempt, reply } = start();
    attempt.head(of(5));
    attempt.data('hello');
    assert.deepEqual(reply.told, [200, 'data']);
    attempt.end();
    assert.deepEqual(reply.told, [200, 'data', 'end']);
  });

  test('goes on once it is whole', () => {
    const { attempt, reply, clock } = start();
    attempt.head(of(11));
    attempt.flush();
    attempt.data('hello');
    attempt.flush();
    clock.advance(49);
    attempt.data(' you');
    attempt.flush();
    assert.deepEqual(reply.told, []);
    attempt.data('!?');
    attempt.end(['x-trailer', '1']);
    assert.equal(reply.body, 'hello you!?');
    assert.deepEqual(reply.trailers, ['x-trailer', '1']);
    clock.advance(100);
    assert.deepEqual(reply.told, [200, 'data', 'data', 'data', 'end']);
  });

  test('that takes its time goes on as it is, and then as it comes', () => {
    const { attempt, reply, clock } = start();
    attempt.head(of(10));
    attempt.data('hel');
    attempt.flush();
    clock.advance(50);
    assert.deepEqual(reply.told, [200, 'data', 'flush']);
    attempt.data('lo');
    attempt.flush();
    attempt.fail('reset');
    assert.deepEqual(reply.told, [200, 'data', 'flush', 'data', 'flush', 'reset']);
  });

  test('that breaks off before was never there', () => {
    const { attempt, reply, clock } = start();
    attempt.head(of(10));
    attempt.data('hel');
    attempt.flush();
    attempt.fail('reset');
    clock.advance(100);
    assert.deepEqual(reply.told, ['reset']);
  });

  test('that is given up meanwhile is forgotten', () => {
    const { attempt, reply, call, clock } = start();
    attempt.head(of(10));
    attempt.flush();
    call.cancel(failure('client-gone', 'gone'));
    clock.advance(100);
    assert.deepEqual(reply.told, ['client-gone']);
  });

  test('of which whoever is told of its head wants no more says no more', () => {
    class Content extends RecordedReply {
      override head(head: ResponseHead): void {
        super.head(head);
        parts.call.cancel(failure('client-gone', 'gone'));
      }
    }
    const parts = start({}, new Content());
    parts.attempt.head(of(10));
    parts.attempt.data('hello');
    parts.attempt.flush();
    parts.clock.advance(50);
    assert.deepEqual(parts.reply.told, [200, 'client-gone']);
  });

  test('is kept byte by byte, whatever becomes of what it was read into', () => {
    const { attempt, reply } = start();
    attempt.head(of(6));
    const shared = Buffer.from('abc');
    (attempt as unknown as { reply: RecordedReply }).reply.data(shared);
    shared.fill('x');
    attempt.data('def');
    assert.equal(reply.body, 'abcdef');
  });
});

describe('goes on at once', () => {
  for (const [what, head] of [
    ['a large answer', of(101)],
    ['an answer without a body', of(0)],
    ['an answer of unknown length', of(UNKNOWN_LENGTH)],
    ['a tunnel', aResponseHead({ status: 101, tunnel: true, bodyLength: UNKNOWN_LENGTH })],
  ] as const) {
    test(what, () => {
      const { attempt, reply } = start();
      attempt.head(head);
      assert.deepEqual(reply.told, [head.status]);
    });
  }

  const body = aCompleteBody('lost');
  body.release();
  for (const [what, parts] of [
    ['the answer to a POST', { method: 'POST' }],
    ['the answer to a PUT that can not be sent again', { method: 'PUT', body }],
  ] as const) {
    test(what, () => {
      const { attempt, reply } = start(parts);
      attempt.head(of(5));
      assert.deepEqual(reply.told, [200]);
    });
  }

  test('an interim answer', () => {
    const { attempt, reply } = start();
    attempt.informational(103);
    assert.deepEqual(reply.told, [103]);
  });
});
