import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayKeepAlive } from '../../../sidecar/downstream/keep-alive.ts';
import { openExchange } from '../../../sidecar/downstream/open-exchange.ts';
import { Application } from '../exchanges.ts';
import { accepted, get, head, parseRequest, post } from '../http1/heads.ts';

/** Whether the connection may stay open after an answer to this request, of which `bodyBytes` have come. */
function mayKeep(text: string, { isDraining = false, bodyBytes = 0, isComplete = false } = {}): boolean {
  const request = accepted(parseRequest(text));
  const exchange = openExchange(request, new Application(), 1_000, 0);
  if (bodyBytes > 0) exchange.body?.push(Buffer.alloc(bodyBytes));
  if (isComplete) exchange.body?.finish(null);
  return mayKeepAlive(request, exchange, { isDraining });
}

test('after an answer to a whole request', () => {
  assert.equal(mayKeep(get()), true);
  assert.equal(mayKeep(post('Content-Length: 5'), { bodyBytes: 5, isComplete: true }), true);
  assert.equal(mayKeep(head('GET / HTTP/1.0', 'Host: up', 'Connection: keep-alive')), true);
});

test('not where the application closes', () => {
  assert.equal(mayKeep(get('Connection: close')), false);
  assert.equal(mayKeep(head('GET / HTTP/1.0', 'Host: up')), false);
});

test('not where the sidecar is about to stop', () => {
  assert.equal(mayKeep(get(), { isDraining: true }), false);
});

test('not before the request has come whole: nobody can tell where the next one begins', () => {
  assert.equal(mayKeep(post('Content-Length: 5'), { bodyBytes: 4 }), false);
  assert.equal(mayKeep(post('Content-Length: 5', 'Expect: 100-continue')), false);
});

test('not after CONNECT, nor where there was no request', () => {
  assert.equal(mayKeep(head('CONNECT up:443 HTTP/1.1', 'Host: up:443')), false);
  assert.equal(mayKeepAlive(null, null, { isDraining: false }), false);
});
