import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { getField } from '../../../sidecar/exchange/fields.ts';
import { CHUNKED } from '../../../sidecar/http1/framing.ts';
import { accepted, get, head, parseRequest, post, refused, shown } from './heads.ts';

const parsed = (text: string) => accepted(parseRequest(text));

test('a request as browsers send it', () => {
  const request = parsed(
    head(
      'POST /orders?x=1 HTTP/1.1',
      'Host: orders:8080',
      'accept: */*',
      'Content-Length: 5',
      'Connection: keep-alive',
      'X-Empty:',
    ),
  );
  assert.deepEqual(request, {
    head: {
      method: 'POST',
      version: '1.1',
      target: '/orders?x=1',
      authority: 'orders:8080',
      fields: ['Host', 'orders:8080', 'accept', '*/*', 'Content-Length', '5', 'X-Empty', ''],
      upgrade: null,
    },
    form: 'origin',
    minorVersion: 1,
    framing: 5,
    keepAlive: true,
    nominated: null,
    maxForwards: null,
  });
});

describe('the request line (RFC 9112 section 3)', () => {
  test('any token is a method, and keeps its case (RFC 9110 section 9.1)', () => {
    for (const method of ['GET', 'get', 'PURGE', 'M-SEARCH', "!#$%&'*+-.^_`|~09azAZ"]) {
      assert.equal(parsed(head(`${method} / HTTP/1.1`, 'Host: up')).head.method, method);
    }
  });

  const malformed = [
    '',
    ' ',
    'GET',
    'GET ',
    'GET /',
    'GET / ',
    '/ HTTP/1.1',
    ' / HTTP/1.1',
    ' GET / HTTP/1.1',
    '\tGET / HTTP/1.1',
    '\r\n\r\nGET / HTTP/1.1',
    'GET  / HTTP/1.1',
    'GET /  HTTP/1.1',
    'GET\t/ HTTP/1.1',
    'GET /\tHTTP/1.1',
    'GET\x0b/ HTTP/1.1',
    'GET\xa0/ HTTP/1.1',
    'GET / HTTP/1.1 ',
    'GET / HTTP/1.1\t',
    'GET / HTTP/1.1 x',
    'GET / HTTP/1.1x',
    'GET / HTTP/1.10',
    'GET / HTTP/1.1\r',
    'GET / HTTP/1.1\nX: y',
    'GET / HTTP/1.1\rX: y',
    'GET / HTTP/1.1x\nX: y',
    'GET / HTTP/1.1\rXY: z',
    'GET / / HTTP/1.1',
    'GET / HTTP/1.1\x00',
    'GET / http/1.1',
    'GET(1) / HTTP/1.1',
    'G\x00T / HTTP/1.1',
    'G\xc9T / HTTP/1.1',
    'GET/ HTTP/1.1',
    'GET /HTTP/1.1',
    'HTTP/1.1 200 OK',
    '"GET / HTTP/1.1"',
  ];
  for (const line of malformed) {
    test(`${shown(line)} is refused`, () => {
      refused(parseRequest(head(line, 'Host: up')));
    });
  }

  test('one empty line before it is passed over (RFC 9112 section 2.2)', () => {
    assert.deepEqual(parsed(`\r\n${get('A: b')}`), parsed(get('A: b')));
  });

  for (const before of ['\r', '\n', '\r\r\n', '\n\n', ' \r\n', '\r\n ', '\r\n\n']) {
    test(`${shown(before)} before it is refused`, () => {
      refused(parseRequest(before + get()));
    });
  }

  test('HTTP/2 in plain text is answered with 505 (RFC 9113 section 3.4)', () => {
    refused(parseRequest('PRI * HTTP/2.0\r\n\r\n'), 505);
  });

  test('without any field it is a whole head, in HTTP/1.0', () => {
    assert.deepEqual(parsed('GET /a HTTP/1.0\r\n\r\n').head.fields, ['Host', '']);
  });
});

describe('bodies (RFC 9112 section 6)', () => {
  test('chunked: the field is not passed on, the framing is', () => {
    const request = parsed(post('Transfer-Encoding: Chunked', 'Trailer: X-A'));
    assert.equal(request.framing, CHUNKED);
    assert.deepEqual(request.head.fields, ['Host', 'up', 'Trailer', 'X-A']);
  });

  test('any method but CONNECT and TRACE may have one (RFC 9110 section 9.3)', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'FOO']) {
      assert.equal(parsed(head(`${method} / HTTP/1.1`, 'Host: up', 'Content-Length: 5')).framing, 5);
    }
    refused(parseRequest(head('TRACE / HTTP/1.1', 'Host: up', 'Content-Length: 5')));
    refused(parseRequest(head('TRACE / HTTP/1.1', 'Host: up', 'Transfer-Encoding: chunked')));
    assert.equal(parsed(head('TRACE / HTTP/1.1', 'Host: up', 'Content-Length: 0')).framing, 0);
  });

  test('an unknown coding is answered with 501, a chunked one in HTTP/1.0 with 400', () => {
    refused(parseRequest(post('Transfer-Encoding: gzip, chunked')), 501);
    refused(parseRequest(head('POST / HTTP/1.0', 'Host: up', 'Transfer-Encoding: chunked')));
  });
});

describe('persistence (RFC 9112 section 9.3)', () => {
  const cases: [version: string, connection: string | null, keepAlive: boolean][] = [
    ['1.1', null, true],
    ['1.1', 'keep-alive', true],
    ['1.1', 'close', false],
    ['1.1', 'Keep-Alive, CLOSE', false],
    ['1.1', 'x', true],
    ['1.2', null, true],
    ['1.0', null, false],
    ['1.0', 'keep-alive', true],
    ['1.0', 'Keep-Alive', true],
    ['1.0', 'close', false],
    ['1.0', 'keep-alive, close', false],
  ];
  for (const [version, connection, keepAlive] of cases) {
    test(`HTTP/${version}, Connection: ${connection}: ${keepAlive ? 'stays' : 'closes'}`, () => {
      const lines = connection === null ? [] : [`Connection: ${connection}`];
      assert.equal(parsed(head(`GET / HTTP/${version}`, 'Host: up', ...lines)).keepAlive, keepAlive);
    });
  }

  test('an HTTP/1.0 client of a proxy is not kept: its Connection may be an older proxy’s (C.2.2)', () => {
    assert.equal(parsed(head('GET http://up/ HTTP/1.0', 'Connection: keep-alive')).keepAlive, false);
  });

  test('options on several lines count together', () => {
    assert.equal(parsed(get('Connection: keep-alive', 'A: b', 'Connection: close')).keepAlive, false);
  });
});

describe('Upgrade (RFC 9110 section 7.8)', () => {
  const cases: [why: string, upgrade: string | null, text: string][] = [
    ['named by Connection', 'websocket', get('Upgrade: websocket', 'Connection: Upgrade')],
    [
      'several protocols',
      'WebSocket, x/1',
      get('Upgrade: WebSocket', 'Connection: a, upgrade', 'Upgrade: x/1'),
    ],
    ['not named by Connection', null, get('Upgrade: websocket')],
    ['named by Connection, but missing', null, get('Connection: upgrade')],
    ['empty', null, get('Upgrade:', 'Connection: upgrade')],
    ['in HTTP/1.0', null, head('GET / HTTP/1.0', 'Host: up', 'Upgrade: websocket', 'Connection: upgrade')],
    ['with a body', null, post('Content-Length: 5', 'Upgrade: websocket', 'Connection: upgrade')],
    [
      'with a chunked body',
      null,
      post('Transfer-Encoding: chunked', 'Upgrade: websocket', 'Connection: upgrade'),
    ],
    [
      'h2c (RFC 9113 section 3.1)',
      null,
      get('Upgrade: h2c', 'HTTP2-Settings: AAA', 'Connection: Upgrade, HTTP2-Settings'),
    ],
    ['h2c in another case', null, get('Upgrade: H2C', 'Connection: Upgrade')],
    ['h2c among others', 'websocket', get('Upgrade: h2c, websocket,', 'Connection: Upgrade')],
  ];
  for (const [why, upgrade, text] of cases) {
    test(`${why}: ${upgrade}`, () => {
      const request = parsed(text).head;
      assert.equal(request.upgrade, upgrade);
      assert.ok(!request.fields.some(field => /^(upgrade|connection|http2-settings)$/i.test(field)));
    });
  }
});

describe('Expect (RFC 9110 section 10.1.1)', () => {
  test('100-continue with a body is passed on', () => {
    for (const value of ['100-continue', '100-Continue']) {
      const request = parsed(post('Content-Length: 5', `Expect: ${value}`)).head;
      assert.equal(getField(request.fields, 'expect'), value);
    }
  });

  const ignored: [why: string, text: string][] = [
    ['without a body', get('Expect: 100-continue')],
    ['with an empty body', post('Content-Length: 0', 'Expect: 100-continue')],
    ['in HTTP/1.0', head('POST / HTTP/1.0', 'Content-Length: 5', 'Expect: 100-continue')],
    ['unknown, in HTTP/1.0', head('POST / HTTP/1.0', 'Content-Length: 5', 'Expect: x')],
  ];
  for (const [why, text] of ignored) {
    test(`${why} it means nothing and is not passed on`, () => {
      const request = parsed(text).head;
      assert.equal(getField(request.fields, 'expect'), undefined);
    });
  }

  for (const value of [
    'x',
    '100-continue, x',
    '100-continue;a=b',
    'x 100-continue',
    '100-continu',
    '\xa0100-continue',
    '',
  ]) {
    test(`${shown(value)} is answered with 417`, () => {
      refused(parseRequest(post('Content-Length: 5', `Expect: ${value}`)), 417);
      refused(parseRequest(get(`Expect: ${value}`)), 417);
    });
  }
});

describe('Max-Forwards (RFC 9110 section 7.6.2)', () => {
  const withMax = (method: string, ...values: string[]) =>
    parseRequest(head(`${method} /a HTTP/1.1`, 'Host: up', ...values.map(value => `Max-Forwards: ${value}`)));

  const cases: [value: string, left: number, sent: string][] = [
    ['0', 0, '0'],
    ['1', 1, '0'],
    ['10', 10, '9'],
    ['007', 7, '6'],
    ['99999999999999999999', 1_000_000, '999999'],
  ];
  for (const method of ['TRACE', 'OPTIONS']) {
    for (const [value, left, sent] of cases) {
      test(`${method} with ${value} goes on with ${sent}`, () => {
        const request = accepted(withMax(method, value));
        assert.equal(request.maxForwards, left);
        assert.equal(getField(request.head.fields, 'max-forwards'), sent);
      });
    }

    for (const values of [
      [''],
      ['-1'],
      ['+1'],
      ['1.0'],
      ['0x1'],
      ['1 1'],
      ['1, 1'],
      ['\xb2'],
      ['5', '0'],
      ['0', '5'],
    ]) {
      test(`${method} with ${shown(values.join(' / '))} is refused`, () => {
        refused(withMax(method, ...values));
      });
    }

    test(`${method} without it goes on without it`, () => {
      assert.equal(accepted(withMax(method)).maxForwards, null);
    });
  }

  test('means nothing for other methods', () => {
    for (const value of ['0', 'x']) {
      const request = accepted(withMax('GET', value));
      assert.equal(request.maxForwards, null);
      assert.equal(getField(request.head.fields, 'max-forwards'), value);
    }
  });
});

test('the number of fields is bounded', () => {
  assert.equal(accepted(parseRequest(get('A: b', 'C: d'), 3)).head.fields.length, 6);
  refused(parseRequest(get('A: b', 'C: d', 'E: f'), 3), 431);
});
