import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openExchange } from '../../../sidecar/downstream/open-exchange.ts';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { Application } from '../exchanges.ts';
import { accepted, get, head, parseRequest, post } from '../http1/heads.ts';

function open(text: string) {
  const application = new Application();
  const request = accepted(parseRequest(text));
  return { application, request, exchange: openExchange(request, application, 10, 77) };
}

test('a request without a body has none, and no tunnel', () => {
  const { exchange, request } = open(get());
  assert.deepEqual([exchange.body, exchange.tunnel, exchange.startedAt], [null, null, 77]);
  assert.equal(exchange.head, request.head);
});

test('a body has its length, where one was said', () => {
  assert.equal(open(post('Content-Length: 5')).exchange.body?.length, 5);
  assert.equal(open(post('Transfer-Encoding: chunked')).exchange.body?.length, UNKNOWN_LENGTH);
  assert.equal(open(post('Content-Length: 0')).exchange.body, null);
});

test('a body is kept up to the bound, and slows its connection down', () => {
  const { exchange, application } = open(post('Content-Length: 100'));
  exchange.body?.push(Buffer.alloc(9));
  assert.equal(application.isPaused, false);
  exchange.body?.push(Buffer.alloc(1));
  assert.equal(application.isPaused, true);
});

test('CONNECT and an upgrade may become a tunnel', () => {
  const connect = open(head('CONNECT up:443 HTTP/1.1', 'Host: up:443'));
  assert.equal(connect.exchange.tunnel?.peer, connect.application);
  assert.notEqual(open(get('Connection: upgrade', 'Upgrade: websocket')).exchange.tunnel, null);
});
