import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Exchange, type RequestHead } from '../../../sidecar/exchange/exchange.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';

const head = (values: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  version: '1.1',
  target: '/',
  authority: 'up',
  fields: ['Host', 'up'],
  upgrade: null,
  ...values,
});

const exchange = (values: Partial<RequestHead>, body: RequestBody | null = null) =>
  new Exchange(head(values), body, null, 0);

describe('an exchange is idempotent (RFC 9110 section 9.2.2)', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
    test(`with ${method}`, () => assert.equal(exchange({ method }).isIdempotent, true));
  }
  for (const method of ['POST', 'PATCH', 'CONNECT', 'get', 'PURGE']) {
    test(`not with ${method}`, () => assert.equal(exchange({ method }).isIdempotent, false));
  }
  test('not where it may turn into a tunnel', () => {
    assert.equal(exchange({ upgrade: 'websocket' }).isIdempotent, false);
  });
});

test('an exchange is safe that asks for nothing to be done (RFC 9110 section 9.2.1)', () => {
  const isSafe = (method: string) => exchange({ method }).isSafe;
  assert.ok(['GET', 'HEAD', 'OPTIONS', 'TRACE'].every(isSafe));
  assert.ok(!['PUT', 'DELETE', 'POST', 'PATCH', 'CONNECT', 'get', 'QUERY'].some(isSafe));
});

test('an exchange is replayable while its body is, or where it has none', () => {
  assert.equal(exchange({}).isReplayable, true);
  const body = new RequestBody({ pauseBody() {}, resumeBody() {} }, 5, 100);
  const post = exchange({ method: 'POST' }, body);
  assert.equal(post.isReplayable, true);
  body.release();
  assert.equal(post.isReplayable, false);
});

test('an exchange starts with nothing tried', () => {
  const { attempts, staleReplays, tried } = exchange({});
  assert.deepEqual([attempts, staleReplays, tried], [0, 0, []]);
});
