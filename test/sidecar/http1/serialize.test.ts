import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestHead } from '../../../sidecar/exchange/exchange.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { CHUNKED, UNTIL_CLOSE } from '../../../sidecar/http1/framing.ts';
import {
  chunkedEnd,
  chunkStart,
  LAST_CHUNK,
  requestHeadText,
  responseHeadText,
} from '../../../sidecar/http1/serialize.ts';
import { readBody } from './bodies.ts';
import { head } from './heads.ts';

const request = (values: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  version: '1.1',
  target: '/a?b',
  authority: 'up',
  fields: ['Host', 'up', 'x-A', '1', 'X-a', ''],
  upgrade: null,
  ...values,
});

const response = (values: Partial<ResponseHead> = {}): ResponseHead => ({
  status: 200,
  version: '1.1',
  reason: 'OK',
  fields: ['Date', 'now', 'Content-Length', '5'],
  bodyLength: 5,
  upgrade: null,
  tunnel: false,
  endsWithConnection: false,
  ...values,
});

describe('a request’s head', () => {
  test('is written in the order and case received, as HTTP/1.1', () => {
    assert.equal(requestHeadText(request(), 0, ''), head('GET /a?b HTTP/1.1', 'Host: up', 'x-A: 1', 'X-a: '));
  });

  test('says how the body is framed where no field does (RFC 9112 section 6.1)', () => {
    const text = requestHeadText(request({ fields: ['Host', 'up'] }), CHUNKED, '');
    assert.equal(text, head('GET /a?b HTTP/1.1', 'Host: up', 'Transfer-Encoding: chunked'));
    const withLength = requestHeadText(request({ fields: ['Host', 'up', 'Content-Length', '5'] }), 5, '');
    assert.equal(withLength, head('GET /a?b HTTP/1.1', 'Host: up', 'Content-Length: 5'));
  });

  test('names Upgrade in Connection (RFC 9110 section 7.8)', () => {
    const text = requestHeadText(request({ fields: ['Host', 'up'], upgrade: 'websocket' }), 0, '');
    assert.equal(text, head('GET /a?b HTTP/1.1', 'Host: up', 'Upgrade: websocket', 'Connection: upgrade'));
  });

  test('gets a Via of its own after those of earlier hops (RFC 9110 section 7.6.3)', () => {
    const text = requestHeadText(request({ fields: ['Via', '1.0 a', 'Host', 'up'] }), 0, 'outrider');
    assert.equal(text, head('GET /a?b HTTP/1.1', 'Via: 1.0 a', 'Host: up', 'Via: 1.1 outrider'));
  });
});

describe('what is left to answer a request', () => {
  const fields = (...rest: [timeLeft?: number, isGrpc?: boolean]) =>
    requestHeadText(request({ fields: ['Host', 'up'] }), 0, '', ...rest);
  const DAY = 24 * 3_600_000;

  test('is told where it is known, and to gRPC in its own words', () => {
    const lines = ['GET /a?b HTTP/1.1', 'Host: up'];
    assert.equal(fields(), head(...lines));
    assert.equal(fields(Number.POSITIVE_INFINITY, true), head(...lines));
    assert.equal(fields(20), head(...lines, 'x-request-deadline-ms: 20'));
    assert.equal(
      fields(DAY, true),
      head(...lines, 'x-request-deadline-ms: 86400000', 'grpc-timeout: 86400000m'),
    );
  });
});

describe('an answer’s head', () => {
  test('is written in the order and case received, as HTTP/1.1', () => {
    assert.equal(
      responseHeadText(response(), 5, '', ''),
      head('HTTP/1.1 200 OK', 'Date: now', 'Content-Length: 5'),
    );
  });

  test('without a reason keeps the space that the grammar wants (RFC 9112 section 4)', () => {
    assert.equal(responseHeadText(response({ reason: '', fields: [] }), 0, '', ''), 'HTTP/1.1 200 \r\n\r\n');
  });

  test('says how the body is framed', () => {
    const chunked = responseHeadText(response({ fields: [] }), CHUNKED, '', '');
    assert.equal(chunked, head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
    const untilClose = responseHeadText(response({ fields: [] }), UNTIL_CLOSE, 'close', '');
    assert.equal(untilClose, head('HTTP/1.1 200 OK', 'Connection: close'));
  });

  test('has Upgrade, Connection and Via where they are given', () => {
    const switching = response({
      status: 101,
      reason: 'Switching Protocols',
      fields: [],
      upgrade: 'websocket',
    });
    assert.equal(
      responseHeadText(switching, 0, 'upgrade', 'outrider'),
      head(
        'HTTP/1.1 101 Switching Protocols',
        'Upgrade: websocket',
        'Connection: upgrade',
        'Via: 1.1 outrider',
      ),
    );
  });

  test('is latin1, one character a byte', () => {
    assert.match(responseHeadText(response({ fields: ['X-A', '\xe9\xff'] }), 5, '', ''), /X-A: \xe9\xff\r\n/);
  });
});

describe('chunks (RFC 9112 section 7.1)', () => {
  test('begin with their size in hexadecimal', () => {
    assert.deepEqual([1, 15, 16, 65_536].map(chunkStart), ['1\r\n', 'f\r\n', '10\r\n', '10000\r\n']);
  });

  test('end with the last chunk, and trailers where there are any', () => {
    assert.equal(chunkedEnd(null), LAST_CHUNK);
    assert.equal(chunkedEnd(['X-A', '1', 'X-B', '']), '0\r\nX-A: 1\r\nX-B: \r\n\r\n');
  });

  test('are read again as they were written', () => {
    const text = `${chunkStart(5)}hello\r\n${chunkStart(1)} \r\n${chunkedEnd(['X-A', '1'])}`;
    const { body, trailers, isDone, taken } = readBody(CHUNKED, [text]);
    assert.deepEqual([body, trailers, isDone, taken], ['hello ', ['X-A', '1'], true, text.length]);
  });
});
