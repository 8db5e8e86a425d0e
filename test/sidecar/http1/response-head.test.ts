import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';

import { CHUNKED, UNTIL_CLOSE } from '../../../sidecar/http1/framing.ts';
import { accepted, answer, DATE, head, parseResponse, refused, shown } from './heads.ts';

const parsed = (text: string, method = 'GET') => accepted(parseResponse(text, method));

test('an answer as servers send it', () => {
  const text = answer(
    'HTTP/1.1 200 OK',
    'content-type: text/plain',
    'Content-Length: 5',
    'Keep-Alive: timeout=5',
    'Connection: keep-alive',
  );
  assert.deepEqual(parsed(text), {
    head: {
      status: 200,
      version: '1.1',
      reason: 'OK',
      fields: ['Date', DATE, 'content-type', 'text/plain', 'Content-Length', '5'],
      bodyLength: 5,
      upgrade: null,
      tunnel: false,
      endsWithConnection: false,
    },
    framing: 5,
    keepAlive: true,
    nominated: null,
    keepAliveHint: 'timeout=5',
  });
});

describe('the status line (RFC 9112 section 4)', () => {
  const good: [line: string, status: number, reason: string][] = [
    ['HTTP/1.1 200 OK', 200, 'OK'],
    ['HTTP/1.0 200 OK', 200, 'OK'],
    ['HTTP/1.1 100 Continue', 100, 'Continue'],
    ['HTTP/1.1 599 x', 599, 'x'],
    ['HTTP/1.1 299 ', 299, ''],
    ['HTTP/1.1 299', 299, ''],
    ['HTTP/1.1 404 Not  Found at all ', 404, 'Not  Found at all '],
    ['HTTP/1.1 404 \tx', 404, '\tx'],
    ['HTTP/1.1 404 \xe9\xa0', 404, '\xe9\xa0'],
  ];
  for (const [line, status, reason] of good) {
    test(`${shown(line)}: ${status} with ${shown(reason)}`, () => {
      const response = parsed(answer(line, 'Content-Length: 0')).head;
      assert.deepEqual([response.status, response.reason], [status, reason]);
    });
  }

  const malformed = [
    '',
    'HTTP/1.1',
    'HTTP/1.1 ',
    'HTTP/1.1 2',
    'HTTP/1.1 20',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 000 OK',
    'HTTP/1.1 600 OK',
    'HTTP/1.1 999 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 2 0 OK',
    'HTTP/1.1 0x2 OK',
    'HTTP/1.1 2\xb20 OK',
    'HTTP/1.1 OK',
    'HTTP/1.1 200 O\x00K',
    'HTTP/1.1 200 O\x7fK',
    'HTTP/1.1 200 O\x0bK',
    'HTTP/1.1 200 OK\r',
    'HTTP/1.1 200 OK\rX: y',
    'HTTP/1.1 200 OK\rXY: z',
    'HTTP/1.1 200 OK\nX: y',
    'HTTP/1.1 200\nX: y',
    'http/1.1 200 OK',
    'HTTP/1.x 200 OK',
    'HTTP/11 200 OK',
    ' HTTP/1.1 200 OK',
    '\r\nHTTP/1.1 200 OK',
    'HTTPS/1.1 200 OK',
    'ICY 200 OK',
    '200 OK',
    'GET / HTTP/1.1',
  ];
  for (const line of malformed) {
    test(`${shown(line)} is refused`, () => {
      refused(parseResponse(answer(line, 'Content-Length: 0')));
    });
  }

  test('another major version is refused', () => {
    refused(parseResponse(answer('HTTP/2.0 200 OK')), 505);
  });
});

describe('the body that is announced', () => {
  const cases: [why: string, text: string, method: string, framing: number, bodyLength: number][] = [
    ['a length', answer('HTTP/1.1 200 OK', 'Content-Length: 5'), 'GET', 5, 5],
    ['chunked', answer('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'), 'GET', CHUNKED, UNKNOWN_LENGTH],
    ['until the end', answer('HTTP/1.1 200 OK'), 'GET', UNTIL_CLOSE, UNKNOWN_LENGTH],
    ['none', answer('HTTP/1.1 204 No Content'), 'GET', 0, 0],
    ['none to HEAD', answer('HTTP/1.1 200 OK', 'Content-Length: 5'), 'HEAD', 0, 0],
  ];
  for (const [why, text, method, framing, bodyLength] of cases) {
    test(why, () => {
      const response = parsed(text, method);
      assert.deepEqual([response.framing, response.head.bodyLength], [framing, bodyLength]);
    });
  }

  test('the length in an answer to HEAD, and in a 304, is passed on (RFC 9110 section 8.6)', () => {
    const toHead = parsed(answer('HTTP/1.1 200 OK', 'Content-Length: 5'), 'HEAD').head;
    assert.deepEqual(toHead.fields, ['Date', DATE, 'Content-Length', '5']);
    const notModified = parsed(answer('HTTP/1.1 304 Not Modified', 'Content-Length: 5')).head;
    assert.deepEqual(notModified.fields, ['Date', DATE, 'Content-Length', '5']);
  });

  test('the length in 1xx, in 204 and in 2xx to CONNECT is not (RFC 9110 section 8.6)', () => {
    for (const [status, method] of [
      [100, 'GET'],
      [103, 'GET'],
      [101, 'GET'],
      [204, 'GET'],
      [200, 'CONNECT'],
    ] as const) {
      const { fields } = parsed(
        answer(`HTTP/1.1 ${status} x`, 'content-length: 5', 'A: b', 'Upgrade: x', 'Connection: upgrade'),
        method,
      ).head;
      assert.deepEqual(fields, ['Date', DATE, 'A', 'b']);
    }
  });

  test('framing that either could read otherwise is refused', () => {
    refused(parseResponse(answer('HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 5')));
    refused(
      parseResponse(
        answer('HTTP/1.1 200 OK', 'Content-Length: 5', 'Content-Length: 6', 'Host: a', 'Host: b'),
      ),
    );
    refused(parseResponse(answer('HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked')));
    refused(parseResponse(answer('HTTP/1.1 204 x', 'Content-Length: 5', 'Transfer-Encoding: chunked')));
    refused(parseResponse(answer('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')));
    refused(parseResponse(answer('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip')));
    refused(parseResponse(answer('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked')), 501);
  });
});

describe('tunnels', () => {
  const cases: [status: number, method: string, tunnel: boolean][] = [
    [101, 'GET', true],
    [200, 'CONNECT', true],
    [204, 'CONNECT', true],
    [299, 'CONNECT', true],
    [100, 'CONNECT', false],
    [302, 'CONNECT', false],
    [407, 'CONNECT', false],
    [200, 'GET', false],
    [426, 'GET', false],
  ];
  for (const [status, method, tunnel] of cases) {
    test(`${status} to ${method}: ${tunnel}`, () => {
      assert.equal(
        parsed(answer(`HTTP/1.1 ${status} x`, 'Upgrade: x', 'Connection: upgrade'), method).head.tunnel,
        tunnel,
      );
    });
  }

  test('a 101 that does not say to which protocol, in both fields, is refused (RFC 9110 section 7.8)', () => {
    refused(parseResponse(answer('HTTP/1.1 101 x', 'Connection: upgrade')));
    refused(parseResponse(answer('HTTP/1.1 101 x', 'Upgrade: websocket')));
    refused(parseResponse(answer('HTTP/1.1 101 x', 'Upgrade: websocket', 'Connection: close')));
    refused(parseResponse(answer('HTTP/1.1 101 x', 'Connection: upgrade', 'Upgrade:')));
  });

  test('the protocol is told for 101 and 426, and for nothing else (RFC 9110 section 7.8)', () => {
    for (const [status, upgrade] of [
      [101, 'websocket'],
      [426, 'websocket'],
      [200, null],
      [404, null],
    ] as const) {
      const response = parsed(
        answer(`HTTP/1.1 ${status} x`, 'Upgrade: websocket', 'Connection: upgrade'),
      ).head;
      assert.equal(response.upgrade, upgrade);
      assert.deepEqual(response.fields, ['Date', DATE]);
    }
  });
});

describe('persistence (RFC 9112 section 9.3)', () => {
  const cases: [version: string, lines: string[], keepAlive: boolean][] = [
    ['1.1', ['Content-Length: 5'], true],
    ['1.1', ['Transfer-Encoding: chunked'], true],
    ['1.1', ['Content-Length: 5', 'Connection: close'], false],
    ['1.1', ['Content-Length: 5', 'Connection: x, CLOSE'], false],
    ['1.1', [], false],
    ['1.1', ['Connection: keep-alive'], false],
    ['1.0', ['Content-Length: 5'], false],
    ['1.0', ['Content-Length: 5', 'Connection: keep-alive'], true],
    ['1.0', ['Connection: keep-alive'], false],
    ['1.2', ['Content-Length: 5'], true],
  ];
  for (const [version, lines, keepAlive] of cases) {
    test(`HTTP/${version}, ${lines.join(', ') || 'no field'}: ${keepAlive ? 'stays' : 'closes'}`, () => {
      assert.equal(parsed(answer(`HTTP/${version} 200 OK`, ...lines)).keepAlive, keepAlive);
    });
  }
});

describe('Date (RFC 9110 section 6.6.1)', () => {
  test('is added to a final answer that has none', () => {
    assert.deepEqual(parsed(head('HTTP/1.1 200 OK', 'Content-Length: 0')).head.fields, [
      'Content-Length',
      '0',
      'Date',
      DATE,
    ]);
  });

  test('is left as it is, and not added to an interim answer', () => {
    assert.deepEqual(parsed(head('HTTP/1.1 204 x', 'date: x')).head.fields, ['date', 'x']);
    assert.deepEqual(parsed(head('HTTP/1.1 103 x', 'Link: y')).head.fields, ['Link', 'y']);
  });
});

test('fields that Connection names are not passed on (RFC 9110 section 7.6.1)', () => {
  const text = answer(
    'HTTP/1.1 200 OK',
    'X-A: 1',
    'Connection: x-a, content-length',
    'Content-Length: 5',
    'x-A: 2',
    'X-B: 3',
  );
  assert.deepEqual(parsed(text).head.fields, ['Date', DATE, 'Content-Length', '5', 'X-B', '3']);
});

test('the number of fields is bounded', () => {
  accepted(parseResponse(answer('HTTP/1.1 200 OK', 'A: b'), 'GET', 2));
  refused(parseResponse(answer('HTTP/1.1 200 OK', 'A: b', 'C: d'), 'GET', 2), 431);
});
