import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { FailingService } from '../../../sidecar/routing/failing-service.ts';
import { DownstreamUnderTest, get, post, withLength } from './downstreams.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function answerOk({ call }: DownstreamUnderTest): void {
  call.head(withLength(2));
  call.data('ok');
  call.end();
}

describe('a request', () => {
  test('becomes an exchange, and its answer goes back', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/stock/7?depth=2', 'X-Id: 1'));
    const { exchange } = under.call;
    assert.deepEqual(
      [exchange.head.method, exchange.head.target, exchange.head.authority],
      ['GET', '/stock/7?depth=2', 'inventory'],
    );
    assert.deepEqual(exchange.head.fields, ['Host', 'inventory', 'X-Id', '1']);
    assert.equal(exchange.body, null);
    assert.equal(exchange.startedAt, under.clock.now);
    assert.equal(under.connection.isBusy, true);
    answerOk(under);
    assert.equal(under.take(), OK);
    assert.equal(under.connection.isBusy, false);
    assert.equal(under.isClosed, false);
  });

  test('is routed by its head, its form and the port it came in on', () => {
    const under = new DownstreamUnderTest();
    under.send('GET http://delivery/x HTTP/1.1\r\nHost: delivery\r\n\r\n');
    assert.deepEqual(
      under.routed.map(({ head, form, port }) => [head.authority, form, port]),
      [['delivery', 'absolute', 15_001]],
    );
  });

  test('may come byte by byte', () => {
    const under = new DownstreamUnderTest();
    for (const byte of post('hello')) under.send(byte);
    const { body } = under.call.exchange;
    assert.deepEqual([body?.isComplete, body?.receivedBytes], [true, 5]);
    assert.equal(under.service.calls.length, 1);
  });

  test('comes with what of its body is there already', () => {
    const under = new DownstreamUnderTest();
    under.service.onCall = ({ exchange }) => assert.equal(exchange.body?.heldBytes, 5);
    under.send(post('hello world').slice(0, -6));
    assert.equal(under.call.exchange.body?.length, 11);
    assert.equal(under.call.exchange.body.isComplete, false);
  });

  test('with a chunked body has no length', () => {
    const under = new DownstreamUnderTest();
    under.send('POST / HTTP/1.1\r\nHost: inventory\r\nTransfer-Encoding: chunked\r\n\r\n');
    const { body } = under.call.exchange;
    assert.equal(body?.length, UNKNOWN_LENGTH);
    under.send('5\r\nhello\r\n');
    assert.equal(body.receivedBytes, 5);
    under.clock.advance(30);
    under.send('0\r\nX-Sum: 1\r\n\r\n');
    assert.deepEqual([body.isComplete, body.completedAt], [true, under.clock.now]);
  });

  test('that fails at once is answered at once, and the next one is served', () => {
    const under = new DownstreamUnderTest();
    under.service.onCall = call => call.fail('no-endpoint');
    under.send(get('/1') + get('/2'));
    assert.equal(under.take().match(/x-outrider-error: no-endpoint/g)?.length, 2);
    assert.equal(under.isClosed, false);
    assert.equal(under.connection.isBusy, false);
  });
});

describe('an answer', () => {
  const answered = (request: string, head: Parameters<DownstreamUnderTest['call']['head']>[0], body = '') => {
    const under = new DownstreamUnderTest();
    under.send(request);
    under.call.head(head);
    if (body !== '') under.call.data(body);
    under.call.end();
    return { under, text: under.take() };
  };

  test('of unknown length is chunked', () => {
    const { text, under } = answered(get(), { bodyLength: UNKNOWN_LENGTH }, 'hello');
    assert.equal(text, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    assert.equal(under.isClosed, false);
  });

  test('keeps its trailers where it is chunked', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head({ bodyLength: UNKNOWN_LENGTH });
    under.call.end(['X-Sum', '1']);
    assert.match(under.take(), /\r\n\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  test('of unknown length ends with the connection for an HTTP/1.0 client', () => {
    const request = 'GET / HTTP/1.0\r\nHost: inventory\r\nConnection: keep-alive\r\n\r\n';
    const { text, under } = answered(request, { bodyLength: UNKNOWN_LENGTH }, 'hello');
    assert.equal(text, 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    assert.equal(under.socket.hasEnded, true);
  });

  test('to HEAD has no body, whatever its fields say', () => {
    const request = 'HEAD / HTTP/1.1\r\nHost: inventory\r\n\r\n';
    const { text, under } = answered(request, withLength(100));
    assert.equal(text, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n');
    assert.equal(under.isClosed, false);
  });

  test('goes out in one piece where it is small', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head(withLength(4));
    under.call.data('ab');
    under.call.data('cd');
    assert.equal(under.take(), '');
    under.call.flush();
    assert.equal(under.take(), 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd');
    under.call.flush();
    under.call.end();
    assert.equal(under.take(), '');
  });

  test('says through whom it came', () => {
    const under = new DownstreamUnderTest({ via: 'outrider' });
    under.send(get());
    answerOk(under);
    assert.equal(under.take(), OK.replace('\r\n\r\n', '\r\nVia: 1.1 outrider\r\n\r\n'));
  });

  test('ends what is kept of the request, which nobody sends again from then on', () => {
    const under = new DownstreamUnderTest();
    under.send(post('hello'));
    const { body } = under.call.exchange;
    under.call.informational(103);
    assert.deepEqual([body?.heldBytes, body?.isReplayable], [5, true]);
    under.call.head(withLength(2));
    assert.deepEqual([body?.heldBytes, body?.isReplayable], [0, false]);
  });

  test('may follow interim ones, which an HTTP/1.0 client does not get', () => {
    for (const [version, interim] of [
      ['1.1', 'HTTP/1.1 103 OK\r\n\r\n'],
      ['1.0', ''],
    ]) {
      const under = new DownstreamUnderTest();
      under.send(`GET / HTTP/${version}\r\nHost: inventory\r\n\r\n`);
      under.call.informational(103);
      assert.equal(under.take(), interim);
    }
  });
});

describe('a connection is closed after an answer', () => {
  const isClosedAfter = (request: string, parts = {}) => {
    const under = new DownstreamUnderTest(parts);
    under.send(request);
    answerOk(under);
    const text = under.take();
    assert.equal(/\r\nConnection: close\r\n/.test(text), under.socket.hasEnded);
    return under.socket.hasEnded;
  };

  test('where the application asks for it', () => {
    assert.equal(isClosedAfter(get('/', 'Connection: close')), true);
  });

  test('where the application is one of HTTP/1.0 that does not ask for more', () => {
    assert.equal(isClosedAfter('GET / HTTP/1.0\r\nHost: inventory\r\n\r\n'), true);
  });

  test('where the sidecar is about to stop', () => {
    assert.equal(isClosedAfter(get(), { isDraining: true }), true);
  });

  test('where the application waits to be told to go on, and never was', () => {
    const head = 'POST / HTTP/1.1\r\nHost: inventory\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n';
    assert.equal(isClosedAfter(head), true);
  });

  test('and not otherwise', () => {
    assert.equal(isClosedAfter(get()), false);
    assert.equal(isClosedAfter(get('/', 'Connection: keep-alive')), false);
    assert.equal(isClosedAfter(post('hello')), false);
    assert.equal(isClosedAfter(post('hello', 'Expect: 100-continue')), false);
  });

  test('an HTTP/1.0 client that asks for more is told that it may', () => {
    const under = new DownstreamUnderTest();
    under.send('GET / HTTP/1.0\r\nHost: inventory\r\nConnection: keep-alive\r\n\r\n');
    answerOk(under);
    assert.match(under.take(), /\r\nConnection: keep-alive\r\n/);
    assert.equal(under.socket.hasEnded, false);
  });

  test('where it came before the request was read', () => {
    const under = new DownstreamUnderTest();
    under.send(post('hello').slice(0, -1));
    answerOk(under);
    assert.match(under.take(), /\r\nConnection: close\r\n\r\nok$/);
    assert.equal(under.socket.hasEnded, true);
    // The rest is not taken for a request.
    under.send(`o${get('/smuggled')}`);
    assert.equal(under.service.calls.length, 1);
  });
});

describe('pipelined requests', () => {
  test('are served one after another, in order', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + post('two') + get('/3'));
    for (const [i, method] of ['GET', 'POST', 'GET'].entries()) {
      assert.equal(under.service.calls.length, i + 1);
      assert.equal(under.call.exchange.head.method, method);
      answerOk(under);
      assert.equal(under.take(), OK);
    }
  });

  test('are served also where each is answered at once', () => {
    const under = new DownstreamUnderTest();
    under.service.onCall = call => {
      call.head(withLength(1));
      call.data(call.exchange.head.target.slice(1));
      call.end();
    };
    under.send(Array.from({ length: 9 }, (_, i) => get(`/${i}`)).join(''));
    assert.deepEqual(
      under
        .take()
        .match(/\r\n\r\n\d/g)
        ?.join('')
        .replace(/\s/g, ''),
      '012345678',
    );
  });

  test('come apart in any way, and give the same', () => {
    const requests = [
      get('/1'),
      post('a body'),
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n',
      '\r\nGET /4 HTTP/1.1\r\nHost: h\r\n\r\n',
      post(''),
    ];
    const bodies = ['', 'a body', 'abcde', '', ''];
    const text = requests.join('');
    const cuts = fc.array(fc.integer({ min: 1, max: text.length - 1 }), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, fc.boolean(), (positions, isAtOnce) => {
        const under = new DownstreamUnderTest();
        const received = new Map<number, string>();
        const isFinished = new Set<number>();
        under.service.onCall = call => {
          const n = under.service.calls.length - 1;
          received.set(n, '');
          call.exchange.body?.attach({
            write(chunk) {
              received.set(n, received.get(n) + chunk.toString());
              return true;
            },
            end: () => isFinished.add(n),
          });
          if (isAtOnce && (call.exchange.body?.isComplete ?? true)) answerOk(under);
        };
        let from = 0;
        for (const position of [...positions.sort((x, y) => x - y), text.length]) {
          under.send(text.slice(from, position));
          from = position;
        }
        for (let i = 0; i < requests.length; i++) {
          if (!under.service.calls[i].isEnded) {
            assert.equal(under.service.calls.length, i + 1);
            answerOk(under);
          }
        }
        assert.equal(under.take(), OK.repeat(requests.length));
        assert.deepEqual([...received.values()], bodies);
        assert.deepEqual([...isFinished], [1, 2]);
        assert.equal(under.isClosed, false);
      }),
      { numRuns: 300 },
    );
  });

  test('after one that is refused are not looked at', () => {
    const under = new DownstreamUnderTest();
    under.send(`${get('/1')}GET / HTTP/1.1\r\nHost: a b\r\n\r\n${get('/3')}`);
    answerOk(under);
    assert.match(
      under.take(),
      /^HTTP\/1\.1 200 [\s\S]*ok\nHTTP\/1\.1 400 |^HTTP\/1\.1 200 [\s\S]*okHTTP\/1\.1 400 /,
    );
    assert.equal(under.service.calls.length, 1);
    assert.equal(under.socket.hasEnded, true);
  });
});

describe('what the sidecar answers itself', () => {
  test('a malformed request is refused, and the connection closed', () => {
    const under = new DownstreamUnderTest();
    under.send('GET / HTTP/1.1\r\nHost: inventory\r\nX : 1\r\n\r\n');
    const text = under.take();
    assert.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(text, /\r\nConnection: close\r\n/);
    assert.match(text, /\r\nx-outrider-error: bad-request\r\n/);
    assert.deepEqual(
      under.refused.map(({ kind, status }) => [kind, status]),
      [['bad-request', 400]],
    );
    assert.equal(under.service.calls.length, 0);
    assert.equal(under.socket.hasEnded, true);
  });

  const STATUSES: readonly [why: string, request: string, status: number][] = [
    ['a head that is too large', get('/', `X: ${'x'.repeat(600)}`), 431],
    ['a target that is too long', `GET /${'x'.repeat(600)} HTTP/1.1\r\n`, 414],
    ['more fields than permitted', get('/', ...Array.from({ length: 10 }, (_, i) => `A${i}: 1`)), 431],
    ['a version that is not known', 'GET / HTTP/2.0\r\nHost: inventory\r\n\r\n', 505],
    ['an expectation that nobody can meet', post('x', 'Expect: a-miracle'), 417],
    [
      'a coding that is not known',
      'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      501,
    ],
    ['a declared body that is too large', post('x'.repeat(51)), 413],
    [
      'a chunked body that grows too large',
      `POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n32\r\n${'x'.repeat(50)}\r\n1\r\nx\r\n`,
      413,
    ],
    ['a chunk that is none', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', 400],
  ];
  for (const [why, request, status] of STATUSES) {
    test(`${why}: ${status}`, () => {
      const under = new DownstreamUnderTest({ limits: { headSize: 512, headFields: 8, requestBody: 50 } });
      under.send(request);
      assert.match(under.take(), new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.deepEqual(
        under.refused.map(reason => reason.status),
        [status],
      );
      assert.equal(under.socket.hasEnded, true);
      assert.equal(under.service.calls.length, 0);
    });
  }

  test('a body that goes wrong after its head was good aborts the call, and is refused', () => {
    const under = new DownstreamUnderTest();
    under.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    under.send('nonsense\r\n');
    assert.equal(under.call.cancelled?.kind, 'bad-request');
    assert.match(under.take(), /^HTTP\/1\.1 400 [\s\S]*\r\nConnection: close\r\n/);
    assert.equal(under.socket.hasEnded, true);
    // It is told of with its exchange.
    assert.equal(under.refused.length, 0);
  });

  test('a body that turns out to be too long is refused once, however much of it is there', () => {
    const under = new DownstreamUnderTest({ limits: { requestBody: 10 } });
    const chunk = `1400\r\n${'x'.repeat(5120)}\r\n`;
    under.send(`POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`);
    assert.equal(under.refused.length, 1);
    assert.deepEqual(under.take().match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413']);
  });

  test('a body that goes wrong after the answer has begun leaves it incomplete', () => {
    const under = new DownstreamUnderTest();
    under.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    under.call.head({ bodyLength: UNKNOWN_LENGTH });
    under.call.data('half');
    under.send('nonsense\r\n');
    assert.match(under.take(), /^HTTP\/1\.1 200 [\s\S]*4\r\nhalf\r\n$/);
    assert.equal(under.isClosed, true);
  });

  test('a failure says in one sentence what happened, and the connection stays', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.fail('connect-failure');
    const [head, body] = under.take().split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 503 Service Unavailable\r\n/);
    assert.match(head, /\r\nContent-Type: application\/problem\+json\r\n/);
    assert.match(head, /\r\nx-outrider-error: connect-failure\r\n/);
    assert.doesNotMatch(head, /Connection/);
    assert.deepEqual(JSON.parse(body), {
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'Attempt 1 ended in connect-failure.',
      code: 'connect-failure',
    });
    assert.equal(under.socket.hasEnded, false);
  });

  test('a failure is told to HEAD without a body', () => {
    const under = new DownstreamUnderTest();
    under.send('HEAD / HTTP/1.1\r\nHost: inventory\r\n\r\n');
    under.call.fail('no-endpoint');
    assert.match(under.take(), /^HTTP\/1\.1 503 [\s\S]*\r\nContent-Length: \d+\r\n[\s\S]*\r\n\r\n$/);
  });

  test('what is kept of a request is given back, whatever it ends in', () => {
    const ends: readonly ((under: DownstreamUnderTest) => void)[] = [
      ({ call }) => call.fail('reset'),
      ({ call }) => {
        call.head(withLength(0));
        call.end();
      },
      under => under.send('nonsense\r\n'),
      under => under.connection.onLost(),
    ];
    for (const end of ends) {
      const under = new DownstreamUnderTest();
      under.send('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
      const { body } = under.call.exchange;
      assert.equal(body?.heldBytes, 3);
      end(under);
      assert.equal(body.heldBytes, 0);
    }
  });

  test('a failure before the request was read closes the connection', () => {
    const under = new DownstreamUnderTest();
    under.router = () => new FailingService(() => failure('no-route', 'nowhere'));
    under.send(post('hello').slice(0, -1));
    assert.match(under.take(), /^HTTP\/1\.1 404 [\s\S]*\r\nConnection: close\r\n/);
    assert.equal(under.socket.hasEnded, true);
  });

  test('TRACE and OPTIONS that may go no further are answered here', () => {
    const under = new DownstreamUnderTest();
    under.send('TRACE /x HTTP/1.1\r\nHost: inventory\r\nMax-Forwards: 0\r\nCookie: secret\r\n\r\n');
    const text = under.take();
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nContent-Type: message\/http\r\n/);
    assert.match(text, /\r\n\r\nTRACE \/x HTTP\/1\.1\r\nHost: inventory\r\nMax-Forwards: 0\r\n\r\n$/);
    under.send('OPTIONS * HTTP/1.1\r\nHost: inventory\r\nMax-Forwards: 0\r\n\r\n');
    assert.match(under.take(), /^HTTP\/1\.1 200 OK\r\nContent-Length: 0\r\n/);
    assert.equal(under.service.calls.length, 0);
    under.send('OPTIONS * HTTP/1.1\r\nHost: inventory\r\nMax-Forwards: 1\r\n\r\n');
    assert.deepEqual(under.call.exchange.head.fields, ['Host', 'inventory', 'Max-Forwards', '0']);
  });
});
