import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ConcurrencyLimit, concurrencyLayer } from '../../../sidecar/policy/concurrency-limit.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

let service: ScriptedService;
let limit: ConcurrencyLimit;
let counters: { overflowed: number };
beforeEach(() => {
  service = new ScriptedService();
  limit = new ConcurrencyLimit(2);
  counters = { overflowed: 0 };
});

function ask() {
  const reply = new RecordedReply();
  const call = concurrencyLayer(limit, 'inventory', counters)(service).call(anExchange(), reply);
  return { reply, call };
}

test('what would be one too many is refused at once, and reaches nobody', () => {
  ask();
  ask();
  const { reply } = ask();
  assert.deepEqual([reply.failure?.kind, reply.failure?.reachedNobody], ['overflow', true]);
  assert.equal(
    reply.failure?.detail,
    'All 2 requests that may be under way to inventory at once are (limits.concurrency).',
  );
  assert.deepEqual([service.calls.length, counters.overflowed], [2, 1]);
});

test('a place is given back by an answer, a failure, and a cancellation', () => {
  const endings = [
    () => service.last.answer(),
    () => service.last.fail('reset'),
    (call: ReturnType<typeof ask>['call']) => call.cancel(failure('client-gone', 'Gone.')),
  ];
  for (const end of endings) {
    const { call } = ask();
    assert.equal(limit.inFlight, 1);
    end(call);
    assert.equal(limit.inFlight, 0);
  }
});

test('a lower limit lets those under way end', () => {
  ask();
  const first = service.last;
  ask();
  limit.max = 1;
  assert.equal(ask().reply.failure?.kind, 'overflow');
  first.answer();
  assert.equal(ask().reply.failure?.kind, 'overflow');
  service.last.answer();
  assert.equal(ask().reply.failure, null);
});
