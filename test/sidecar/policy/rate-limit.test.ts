import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { rateLimitLayer } from '../../../sidecar/policy/rate-limit.ts';
import { KeyedBuckets } from '../../../sidecar/policy/token-bucket.ts';
import { anExchange } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { ScriptedService } from '../scripted-service.ts';

let clock: HandClock;
let service: ScriptedService;
beforeEach(() => {
  clock = new HandClock();
  service = new ScriptedService();
});

/** One request per second. */
function limited(header: string | null = null) {
  const buckets = new KeyedBuckets({ rate: 0.001, burst: 1 }, 100);
  const stack = rateLimitLayer({ buckets, header, upstream: 'inventory', wheel: clock.wheel })(service);
  return (fields: string[] = []) => {
    const reply = new RecordedReply();
    stack.call(anExchange({ fields }), reply);
    return reply.failure;
  };
}

test('what is too much is refused before it reaches anybody, with when to come back', () => {
  const ask = limited();
  assert.equal(ask(), null);
  clock.advance(400);
  const failure = ask();
  assert.deepEqual(
    [failure?.kind, failure?.status, failure?.reachedNobody, failure?.retryAfterMs],
    ['rate-limited', 429, true, 600],
  );
  assert.equal(
    failure?.detail,
    'There are too many requests for inventory (rateLimit). The next one is let through in 600 ms.',
  );
  assert.equal(service.calls.length, 1);
  clock.advance(600);
  assert.equal(ask(), null);
});

test('each value of a header has a rate of its own, and so have those without it', () => {
  const ask = limited('x-tenant');
  assert.equal(ask(['X-Tenant', 'a']), null);
  assert.equal(ask(['x-tenant', 'b']), null);
  assert.equal(ask(), null);
  assert.match(ask(['X-Tenant', 'a'])?.detail ?? '', /too many requests with this x-tenant for inventory/);
  assert.equal(ask()?.kind, 'rate-limited');
});

test('values are told apart by their beginning', () => {
  const ask = limited('x-tenant');
  assert.equal(ask(['x-tenant', `${'a'.repeat(128)}1`]), null);
  assert.equal(ask(['x-tenant', `${'a'.repeat(128)}2`])?.kind, 'rate-limited');
});
