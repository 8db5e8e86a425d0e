import {
  AT_HEAD,
  answers,
  badAnswer,
  brokenBody,
  type Case,
  END,
  get,
  head,
  ok,
  outcome,
  passedOn,
  pause,
  post,
  RESET,
  reached,
} from '../case.ts';

const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const answer = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`;
const chunks = (body: string, ...lines: string[]) => answer('Transfer-Encoding: chunked', ...lines) + body;
const toHead = { request: head('HEAD /x HTTP/1.1') };
const toOld = { request: head('GET /x HTTP/1.0'), then: 'closed' } as const;

/** RFC 9112 sections 6, 7, 8 and 9 in the other direction: where an answer ends, and what becomes of its connection. */
export const RESPONSE_FRAMING: readonly Case[] = [
  // Content-Length
  passedOn(
    'a body with its length',
    '9112 6.3',
    `${answer('Content-Length: 5')}hello`,
    { status: 200, body: 'hello', fields: { 'content-length': '5' } },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'a length of 0',
    '9112 6.3',
    answer('Content-Length: 0'),
    { status: 200, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn('white space around the length', '9112 5.1', `${answer('Content-Length: \t5 ')}hello`, {
    status: 200,
    body: 'hello',
  }),
  passedOn(
    'a body that is an answer',
    '9112 6.3',
    ok(EVIL),
    { status: 200, body: EVIL },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'a large body',
    '9112 6.3',
    ok('x'.repeat(300_000)),
    { status: 200, body: 'x'.repeat(300_000) },
    { upstreamThen: 'reused' },
  ),
  ...[
    '',
    ' ',
    'abc',
    '-5',
    '+5',
    '5.0',
    '5e0',
    '0x5',
    '5 5',
    '5,5',
    '5, 5',
    '5, 6',
    '5,',
    ',5',
    '5;a',
    '"5"',
    '\x0b5',
    '5\x00',
    '\xa05',
    '5_0',
    '\xef\xbc\x95',
    '5\r',
    '5\n',
    '5\r\n 5',
    '9'.repeat(400),
  ].map(value =>
    badAnswer(
      `Content-Length: ${JSON.stringify(value.slice(0, 20))}`,
      '9112 6.3',
      `${answer(`Content-Length: ${value}`)}hello`,
    ),
  ),
  badAnswer(
    'Content-Length twice, the same',
    '9112 6.3',
    `${answer('Content-Length: 5', 'Content-Length: 5')}hello`,
  ),
  badAnswer(
    'Content-Length twice, different',
    '9112 6.3',
    `${answer('Content-Length: 5', 'content-length: 0')}hello`,
  ),
  badAnswer(
    'Content-Length twice, the first empty',
    '9112 6.3',
    `${answer('Content-Length:', 'Content-Length: 5')}hello`,
  ),
  badAnswer('Content-Length : 5', '9112 5.1', `${answer('Content-Length : 5')}hello`),
  brokenBody('a length of 4294967301 is not 5', '9110 8.6', [
    `${answer('Content-Length: 4294967301')}hello`,
    pause(10),
    END,
  ]),
  brokenBody('a length of 18446744073709551621 is not 5', '9110 8.6', [
    `${answer('Content-Length: 18446744073709551621')}hello`,
    pause(10),
    END,
  ]),
  brokenBody('a body breaks off', '9112 8', [`${answer('Content-Length: 10')}hello`, pause(10), END]),
  brokenBody('a body breaks off at once', '9112 8', [`${answer('Content-Length: 10')}hello`, END]),
  brokenBody('a body breaks off before its first byte', '9112 8', [answer('Content-Length: 10'), END], {
    request: post(['Content-Length: 0'], ''),
  }),
  brokenBody('a body breaks off by a reset', '9112 8', [
    `${answer('Content-Length: 10')}hello`,
    pause(10),
    RESET,
  ]),

  // Transfer-Encoding
  passedOn(
    'chunks',
    '9112 7.1',
    chunks('2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n'),
    { status: 200, body: 'hello', framing: 'chunked' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'no chunk but the last',
    '9112 7.1',
    chunks('0\r\n\r\n'),
    { status: 200, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'Transfer-Encoding in another case',
    '9112 7',
    `${answer('TRANSFER-ENCODING: Chunked')}5\r\nhello\r\n0\r\n\r\n`,
    { status: 200, body: 'hello' },
  ),
  passedOn(
    'chunks that are an answer',
    '9112 7.1',
    chunks(`${EVIL.length.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`),
    { status: 200, body: EVIL },
    { upstreamThen: 'reused' },
  ),
  passedOn('trailers', '9112 7.1.2', chunks('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n', 'Trailer: X-Sum'), {
    status: 200,
    body: 'hello',
    fields: { 'x-sum': null },
  }),
  outcome(
    'trailers for a client that takes them',
    '9110 6.5.1',
    get('/x', 'Connection: TE', 'TE: trailers'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, body: 'hello', trailers: { 'x-sum': 'abc' }, fields: { 'x-sum': null } }],
      },
    ],
    { upstream: [[chunks('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n', 'Trailer: X-Sum')]] },
  ),
  outcome(
    'trailers that would frame',
    '9110 6.5.1',
    get('/x'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [
          {
            status: 200,
            body: 'hello',
            trailers: { 'content-length': null, 'transfer-encoding': null, connection: null },
          },
        ],
      },
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, truncated: true }],
        then: 'closed',
        upstreamThen: 'closed',
      },
      { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    {
      upstream: [
        [
          chunks(
            '5\r\nhello\r\n0\r\nContent-Length: 4\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n',
          ),
        ],
      ],
    },
  ),
  passedOn(
    'chunks for an HTTP/1.0 client',
    '9112 6.1',
    chunks('2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: a\r\n\r\n'),
    {
      status: 200,
      body: 'hello',
      fields: { 'transfer-encoding': null },
      framing: 'close',
    },
    toOld,
  ),
  ...[
    'gzip',
    'gzip, chunked',
    'identity',
    'identity, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'chunked, identity',
    'xchunked',
    'chunk',
    '',
    ',chunked',
    'chunked;q=1',
    '"chunked"',
    '\x0bchunked',
    'chunked\x00',
    'chunked\r',
    '\nchunked',
    '\r\n chunked',
  ].map(value =>
    badAnswer(`Transfer-Encoding: ${JSON.stringify(value)}`, '9112 6.3', [
      `${answer(`Transfer-Encoding: ${value}`)}5\r\nhello\r\n0\r\n\r\n`,
      pause(10),
      END,
    ]),
  ),
  badAnswer(
    'Transfer-Encoding twice',
    '9112 6.1',
    `${answer('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  badAnswer('Transfer-Encoding : chunked', '9112 5.1', `${answer('Transfer-Encoding : chunked')}0\r\n\r\n`),
  badAnswer(
    'Transfer-Encoding and Content-Length',
    '9112 6.3',
    `${answer('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
  ),
  badAnswer(
    'Content-Length and Transfer-Encoding',
    '9112 6.3',
    `${answer('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  badAnswer('Transfer-Encoding in HTTP/1.0', '9112 6.1', [
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    END,
  ]),
  ...[
    'x\r\nhello\r\n0\r\n\r\n',
    '\r\nhello\r\n0\r\n\r\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    '+5\r\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    ' 5\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '5_0\r\nhello\r\n0\r\n\r\n',
    '10000000000000005\r\nhello\r\n0\r\n\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\rhello\r\n0\r\n\r\n',
    '5;a\nb\r\nhello\r\n0\r\n\r\n',
    '5;a\x00\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhelloXX0\r\n\r\n',
    '5\r\nhello!\r\n0\r\n\r\n',
    '5\r\nhell\r\n0\r\n\r\n0\r\n\r\n',
    '5\r\nhello\r\n\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\n\r\n',
    '5\r\nhello\r\n0\r\n\n',
    '5\r\nhello\r\n0\r\n\rX',
    '5\r\nhello\r\n0\r\nX-Sum : a\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-Sum: a\x00\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-Sum: a\r\n folded\r\n\r\n',
    '5\r\nhello\r\n0\r\nnonsense\r\n\r\n',
    `5\r\nhello\r\n0\r\n${EVIL}`,
    `5;${'a'.repeat(70_000)}\r\nhello\r\n0\r\n\r\n`,
  ].map(body =>
    brokenBody(`malformed chunks ${JSON.stringify(body.slice(0, 60))}`, '9112 7.1', chunks(body)),
  ),
  brokenBody('chunks break off between two', '9112 8', [chunks('5\r\nhello\r\n'), pause(10), END]),
  brokenBody('chunks break off within one', '9112 8', [chunks('5\r\nhel'), pause(10), END]),
  brokenBody('chunks break off within a size', '9112 8', [chunks('5\r\nhello\r\n1'), pause(10), END]),
  brokenBody('chunks break off before the last empty line', '9112 8', [
    chunks('5\r\nhello\r\n0\r\n'),
    pause(10),
    END,
  ]),
  brokenBody('chunks break off within the trailers', '9112 8', [
    chunks('5\r\nhello\r\n0\r\nX-Sum: a'),
    pause(10),
    END,
  ]),
  brokenBody('chunks break off by a reset', '9112 8', [chunks('5\r\nhello\r\n'), pause(10), RESET]),
  outcome(
    'chunks for an HTTP/1.0 client break off',
    '9112 8',
    head('GET /x HTTP/1.0'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 502, error: /./ }],
        then: 'closed',
        upstreamThen: 'closed',
      },
      // Only a reset could tell; the bytes are what they are.
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, body: 'hello', framing: 'close' }],
        then: 'closed',
        upstreamThen: 'closed',
      },
    ],
    { upstream: [[chunks('5\r\nhello\r\n'), pause(10), END]] },
  ),

  // Ended by the connection
  passedOn(
    'neither length nor chunks: the connection ends the body',
    '9112 6.3',
    [`${answer('Content-Type: text/plain')}hello`, pause(5), END],
    { status: 200, body: 'hello', framing: 'chunked' },
  ),
  passedOn('the same with an empty body', '9112 6.3', [answer(), pause(5), END], { status: 200, body: '' }),
  passedOn('the same with Connection: close', '9112 6.3', [`${answer('Connection: close')}hello`, END], {
    status: 200,
    body: 'hello',
  }),
  passedOn('the same from HTTP/1.0', '9112 6.3', ['HTTP/1.0 200 OK\r\n\r\nhello', END], {
    status: 200,
    body: 'hello',
  }),
  passedOn(
    'the same with Connection: keep-alive',
    '9112 6.3',
    [`${answer('Connection: keep-alive')}hello`, END],
    { status: 200, body: 'hello' },
  ),
  passedOn('what looks like another answer is its body', '9112 6.3', [answer() + EVIL, END], {
    status: 200,
    body: EVIL,
  }),
  passedOn(
    'the same for an HTTP/1.0 client',
    '9112 6.3',
    [`${answer()}hello`, END],
    { status: 200, body: 'hello', framing: 'close' },
    toOld,
  ),
  brokenBody('a body that a reset ends', '9112 8', [`${answer()}hello`, pause(10), RESET]),

  // Without a body
  passedOn(
    '204',
    '9112 6.3',
    'HTTP/1.1 204 No Content\r\n\r\n',
    { status: 204, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '304',
    '9112 6.3',
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    { status: 304, body: '', fields: { etag: '"a"' } },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '304 with the length of what was not sent',
    '9110 8.6',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n',
    { status: 304, fields: { 'content-length': '100' } },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '205 with a length of 0',
    '9110 15.3.6',
    'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
    { status: 205, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with the length of what was not sent',
    '9110 9.3.2',
    answer('Content-Length: 1000'),
    { status: 200, to: 'HEAD', fields: { 'content-length': '1000' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with chunks that were not sent',
    '9112 6.3',
    answer('Transfer-Encoding: chunked'),
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with neither',
    '9112 6.3',
    answer('A: b'),
    { status: 200, to: 'HEAD', fields: { a: 'b' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD answered with 404 and a length',
    '9110 9.3.2',
    'HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n',
    { status: 404, to: 'HEAD', fields: { 'content-length': '9' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  outcome(
    'HEAD with a malformed length',
    '9112 6.3',
    head('HEAD /x HTTP/1.1'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 502, error: 'bad-response', to: 'HEAD' }],
        upstreamThen: 'closed',
      },
    ],
    { upstream: [[answer('Content-Length: x')]] },
  ),
  ...(
    [
      ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n', 204],
      ['204 with a length of 0', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', 204],
      ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', 204],
      ['304 with chunks', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 304],
    ] as const
  ).map(([name, bytes, status]) =>
    outcome(
      `${name} has no body all the same`,
      '9112 6.3',
      get('/x'),
      [
        { reaches: [{ line: /./ }], sees: [{ status, body: '', error: null }] },
        { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
      ],
      { upstream: [[bytes]] },
    ),
  ),
  passedOn(
    'a HEAD answered with a body',
    '9112 6.3',
    `${answer('Content-Length: 4')}evil`,
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    'a HEAD answered with chunks',
    '9112 6.3',
    chunks('4\r\nevil\r\n0\r\n\r\n'),
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    'a HEAD answered with a body that is an answer',
    '9112 11.1',
    `${answer(`Content-Length: ${EVIL.length}`)}${EVIL}`,
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    '204 with a body',
    '9112 6.3',
    'HTTP/1.1 204 No Content\r\n\r\nevil',
    { status: 204, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '204 with another answer',
    '9112 11.1',
    `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`,
    { status: 204, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '304 with a body',
    '9112 6.3',
    'HTTP/1.1 304 Not Modified\r\n\r\nevil',
    { status: 304, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '304 with another answer',
    '9112 11.1',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n${EVIL}`,
    { status: 304, body: '' },
    { upstreamThen: 'closed' },
  ),
  outcome(
    'a HEAD between two GETs, and its length is not read',
    '9110 9.3.2',
    get('/1') + head('HEAD /2 HTTP/1.1') + get('/3'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'HEAD /2 HTTP/1.1' }, { line: 'GET /3 HTTP/1.1' }],
        sees: [{ status: 200 }, { status: 200, to: 'HEAD' }, { status: 200, body: 'GET /3' }],
      },
    ],
    { upstream: [[ok('one')], [answer('Content-Length: 500')]] },
  ),

  // Bytes behind an answer reach nobody (response-queue poisoning)
  passedOn(
    'bytes behind a body',
    '9112 6.3',
    `${ok('hello')}extra`,
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'another answer behind a body',
    '9112 11.1',
    ok('hello') + EVIL,
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'another answer behind a body, later',
    '9112 9.2',
    [ok('hello'), pause(8), EVIL],
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'bytes behind chunks',
    '9112 7.1',
    chunks('5\r\nhello\r\n0\r\n\r\nextra'),
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'another answer behind chunks',
    '9112 11.1',
    chunks(`5\r\nhello\r\n0\r\n\r\n${EVIL}`),
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'half an answer behind a body',
    '9112 9.2',
    `${ok('hello')}HTTP/1.1 200 OK\r\nX: `,
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'an interim answer behind the answer',
    '9112 9.2',
    `${ok('hello')}HTTP/1.1 100 Continue\r\n\r\n`,
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '408 on an idle connection',
    '9112 9.2',
    [ok('hello'), pause(8), 'HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n', END],
    { status: 200, body: 'hello' },
    { upstreamThen: 'closed' },
  ),
  passedOn('an empty line behind a body may be dropped', '9112 9.2', `${ok('hello')}\r\n`, {
    status: 200,
    body: 'hello',
  }),
  outcome(
    'the second answer to the first request is not the answer to the second',
    '9112 9.2',
    [get('/1'), answers(1), pause(20), get('/2')],
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'one' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
    { upstream: [[ok('one'), EVIL]] },
  ),
  // Only bytes that come along with an answer are known to be nobody's.
  outcome(
    'the same with both requests in one piece',
    '9112 9.2',
    get('/1') + get('/2'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'one' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
    { upstream: [[ok('one') + EVIL]], together: true },
  ),

  // Before the request is complete
  outcome(
    'an answer while the body is still being sent is passed on at once',
    '9110 7.5',
    [post(['Content-Length: 10'], 'hello'), answers(1), 'world'],
    [
      {
        reaches: [{ line: /./, body: 'helloworld' }],
        sees: [{ status: 200, body: 'early' }],
        then: 'either',
      },
      { unfinished: true, sees: [{ status: 200, body: 'early' }], then: 'either' },
    ],
    { upstream: [[AT_HEAD, ok('early')]] },
  ),
  outcome(
    'an upstream that refuses the body and closes is heard',
    '9112 9.6',
    [post(['Content-Length: 1000000'], 'x'.repeat(1000)), answers(1)],
    [{ unfinished: true, sees: [{ status: 413, body: 'no', error: null }], then: 'closed' }],
    {
      upstream: [
        [AT_HEAD, 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno', END],
      ],
    },
  ),
  outcome(
    'a client that hangs up takes its request with it',
    '9112 9.5',
    [get('/x'), reached(1), RESET],
    [{ reaches: [{ line: 'GET /x HTTP/1.1' }], sees: [], then: 'closed', upstreamThen: 'closed' }],
    { upstream: [[pause(100)]] },
  ),
];
