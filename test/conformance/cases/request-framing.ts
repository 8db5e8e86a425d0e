import {
  answers,
  type Case,
  END,
  forwarded,
  get,
  head,
  outcome,
  pause,
  post,
  reached,
  refused,
  refusedLate,
  refusedOrForwarded,
} from '../case.ts';

/** A smuggler's request, as it would stand in a body. */
const SMUGGLED = get('/smuggled');
const LENGTH = `Content-Length: ${SMUGGLED.length}`;
const huge = (digits: string) => [post([`Content-Length: ${digits}`], 'hello'), pause(30), END];

/** However it ends, the upstream never sees a whole request. */
const neverWhole = [
  { sees: [{ status: [400, 408, 413], error: 'bad-request' }], then: 'closed', unfinished: true },
  { sees: [], then: 'closed', unfinished: true },
] as const;

/** RFC 9112 section 6 and RFC 9110 section 8.6: where the body of a request ends. */
export const REQUEST_FRAMING: readonly Case[] = [
  // Content-Length
  forwarded('no length means no body', '9112 6.3', head('POST /p HTTP/1.1'), {
    line: 'POST /p HTTP/1.1',
    body: '',
  }),
  forwarded(
    'Content-Length: 0',
    '9112 6.3',
    post(['Content-Length: 0'], ''),
    { line: /./, body: '', framing: 'length' },
    { sees: [{ status: 200, body: 'POST /post' }] },
  ),
  forwarded('a body with its length', '9112 6.3', post(['Content-Length: 5'], 'hello'), {
    line: /./,
    body: 'hello',
    fields: { 'content-length': '5' },
  }),
  forwarded('the name of Content-Length in another case', '9110 5.1', post(['CONTENT-length: 5'], 'hello'), {
    line: /./,
    body: 'hello',
  }),
  forwarded('white space around the length', '9112 5.1', post(['Content-Length: \t5 \t'], 'hello'), {
    line: /./,
    body: 'hello',
    fields: { 'content-length': '5' },
  }),
  forwarded('no space before the length', '9112 5.1', post(['Content-Length:5'], 'hello'), {
    line: /./,
    body: 'hello',
  }),
  forwarded('a body of every byte', '9112 6', post(['Content-Length: 256'], everyByte()), {
    line: /./,
    body: everyByte(),
  }),
  forwarded('a body that is a request', '9112 6.3', post([LENGTH], SMUGGLED), { line: /./, body: SMUGGLED }),
  forwarded('a body of line ends', '9112 2.2', post(['Content-Length: 6'], '\r\n\r\n\r\n'), {
    line: /./,
    body: '\r\n\r\n\r\n',
  }),
  forwarded('a large body', '9112 6.3', post(['Content-Length: 300000'], 'x'.repeat(300_000)), {
    line: /./,
    body: 'x'.repeat(300_000),
  }),
  forwarded(
    'two requests with bodies',
    '9112 9.3.2',
    post(['Content-Length: 5'], 'hello', '/1') + post(['Content-Length: 3'], 'you', '/2'),
    [
      { line: 'POST /1 HTTP/1.1', body: 'hello' },
      { line: 'POST /2 HTTP/1.1', body: 'you' },
    ],
  ),
  ...['GET', 'DELETE', 'OPTIONS', 'PATCH', 'FOO'].map(method =>
    forwarded(
      `${method} with a body`,
      '9112 6',
      `${head(`${method} /b HTTP/1.1`, LENGTH)}${SMUGGLED}${get('/next')}`,
      [{ line: `${method} /b HTTP/1.1`, body: SMUGGLED }, 'GET /next HTTP/1.1'],
    ),
  ),
  refusedOrForwarded('HEAD with a body', '9110 9.3.2', `${head('HEAD /b HTTP/1.1', LENGTH)}${SMUGGLED}`, {
    line: 'HEAD /b HTTP/1.1',
    body: SMUGGLED,
  }),
  refusedOrForwarded('TRACE with a body', '9110 9.3.8', `${head('TRACE /b HTTP/1.1', LENGTH)}${SMUGGLED}`, {
    line: 'TRACE /b HTTP/1.1',
    body: SMUGGLED,
  }),
  refusedOrForwarded('leading zeros', '9110 8.6', post(['Content-Length: 0005'], 'hello'), {
    line: /./,
    body: 'hello',
    framing: 'length',
  }),
  ...[
    '',
    ' \t ',
    'abc',
    '-1',
    '-0',
    '+5',
    '+0',
    '5.0',
    '5.',
    '.5',
    '5e0',
    '0x5',
    '0b101',
    '0o5',
    '5h',
    '5L',
    '5_0',
    '5 5',
    '5\t5',
    '5,5',
    '5, 5',
    '5,6',
    '5, 6',
    '0, 5',
    '5,',
    ',5',
    ',',
    '5;5',
    '5;a=b',
    '5:',
    '"5"',
    "'5'",
    '(5)',
    '5 (five)',
    'NaN',
    'Infinity',
    'five',
    '\x005',
    '5\x00',
    '\x0b5',
    '5\x0b',
    '5\x0c',
    '\xa05',
    '5\xa0',
    '5\x85',
    '\xb25',
    '\xef\xbc\x95',
    '\xd9\xa5',
    '5\r',
    '\r5',
    '5\n',
    '\n5',
    '5\r\n 5',
    '\r\n 5',
    '5\x7f',
    '5$',
    '%35',
  ].map(value =>
    refused(
      `Content-Length: ${JSON.stringify(value)}`,
      '9112 6.3',
      post([`Content-Length: ${value}`], 'hello'),
    ),
  ),
  refused(
    'a length of many digits',
    '9110 8.6',
    post([`Content-Length: ${'9'.repeat(400)}`], 'hello'),
    [400, 413],
  ),
  ...[
    '4294967301',
    '9007199254740997',
    '9223372036854775808',
    '18446744073709551621',
    '340282366920938463463374607431768211461',
  ].map(digits => outcome(`a length of ${digits} is not a small one`, '9110 8.6', huge(digits), neverWhole)),
  refused(
    'Content-Length twice, the same',
    '9110 8.6',
    post(['Content-Length: 5', 'Content-Length: 5'], 'hello'),
  ),
  refused(
    'Content-Length twice, different',
    '9112 6.3',
    post(['Content-Length: 5', 'Content-Length: 6'], 'hello'),
  ),
  refused(
    'Content-Length twice, in different case',
    '9112 6.3',
    post(['Content-Length: 5', 'content-length: 0'], 'hello'),
  ),
  refused('Content-Length twice, the second 0', '9112 6.3', post([LENGTH, 'Content-Length: 0'], SMUGGLED)),
  refused('Content-Length twice, the first 0', '9112 6.3', post(['Content-Length: 0', LENGTH], SMUGGLED)),
  refused('Content-Length twice, the first empty', '9112 6.3', post(['Content-Length:', LENGTH], SMUGGLED)),
  refused('Content-Length twice, the second empty', '9112 6.3', post([LENGTH, 'Content-Length:'], SMUGGLED)),
  refused(
    'Content-Length twice, far from each other',
    '9112 6.3',
    post(['Content-Length: 5', 'A: b', 'C: d', 'Content-Length: 4'], 'hello'),
  ),
  refused('Content-Length of a GET twice', '9112 6.3', get('/', 'Content-Length: 0', 'Content-Length: 0')),
  refused('Content-Length with a space before its colon', '9112 5.1', post(['Content-Length : 5'], 'hello')),
  refused('Content-Length without its colon', '9112 5', post(['Content-Length 5'], 'hello')),
  refused(
    'a malformed length in HTTP/1.0',
    '9112 6.3',
    `${head('POST /p HTTP/1.0', 'Content-Length: x')}hello`,
  ),
  outcome('a length in HTTP/1.0', '9112 6.3', `${head('POST /p HTTP/1.0', 'Content-Length: 5')}hello`, [
    {
      reaches: [{ line: 'POST /p HTTP/1.1', body: 'hello' }],
      sees: [{ status: 200, body: 'POST /p' }],
      then: 'closed',
    },
  ]),

  // Transfer-Encoding
  ...['chunked', 'Chunked', 'CHUNKED', '\t chunked \t'].map(value =>
    forwarded(
      `Transfer-Encoding: ${JSON.stringify(value)}`,
      '9112 7',
      post([`Transfer-Encoding: ${value}`], '5\r\nhello\r\n0\r\n\r\n'),
      {
        line: /./,
        body: 'hello',
        framing: 'chunked',
        fields: { 'content-length': null },
      },
    ),
  ),
  forwarded(
    'the name of Transfer-Encoding in another case',
    '9110 5.1',
    post(['tRANSFER-eNCODING: chunked'], '5\r\nhello\r\n0\r\n\r\n'),
    { line: /./, body: 'hello' },
  ),
  ...['GET', 'DELETE', 'OPTIONS'].map(method =>
    forwarded(
      `${method} with a chunked body`,
      '9112 6',
      `${head(`${method} /b HTTP/1.1`, 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n${get('/next')}`,
      [{ line: `${method} /b HTTP/1.1`, body: 'hello' }, 'GET /next HTTP/1.1'],
    ),
  ),
  forwarded(
    'Transfer-Encoding in HTTP/1.2',
    '9110 2.5',
    `${head('POST /p HTTP/1.2', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    { line: 'POST /p HTTP/1.1', body: 'hello' },
  ),
  refused(
    'Transfer-Encoding in HTTP/1.0',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  refused(
    'Transfer-Encoding and Content-Length in HTTP/1.0',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
  ),
  refused(
    'Transfer-Encoding in HTTP/1.0 with keep-alive',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`,
  ),
  refused(
    'Content-Length, then Transfer-Encoding',
    '9112 6.3',
    post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding, then Content-Length',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding and Content-Length: 0',
    '9112 6.3',
    post(['Content-Length: 0', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding and an empty Content-Length',
    '9112 6.3',
    post(['Content-Length:', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused('chunked is not last', '9112 6.3', post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n')),
  refused(
    'chunked is not last, on two lines',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'], '0\r\n\r\n'),
  ),
  refused('identity after chunked', '9112 6.3', post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n')),
  refused(
    'identity on a line after chunked',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'),
  ),
  refused('chunked twice', '9112 6.1', post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n')),
  refused(
    'chunked twice, on two lines',
    '9112 6.1',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  ...['gzip, chunked', 'x-gzip,chunked', 'deflate, chunked', 'identity, chunked', 'cow, chunked'].map(value =>
    refused(
      `Transfer-Encoding: ${value}`,
      '9112 6.1',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),
  refused(
    'an unknown coding on a line before chunked',
    '9112 6.1',
    post(['Transfer-Encoding: cow', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    [400, 501],
  ),
  ...['gzip', 'identity', 'cow', 'chunk', 'chunked-x', 'xchunked', 'x-chunked', 'chunkedchunked'].map(value =>
    refused(
      `Transfer-Encoding: ${value}`,
      '9112 6.3',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),
  ...[
    '',
    ' ',
    ',',
    ',chunked',
    'chunked,',
    'chunked,,',
    'chunked;q=1',
    'chunked;a=b',
    'chunked; a="b"',
    'chunked;',
    '"chunked"',
    "'chunked'",
    'chunked chunked',
    'chunked identity',
    'chun ked',
    'chunked\x00',
    '\x00chunked',
    '\x0bchunked',
    'chunked\x0b',
    'chunked\x0c',
    '\xa0chunked',
    'chunked\x85',
    'ch\x96nked',
    'chunked\r',
    '\rchunked',
    '\nchunked',
    '\r\n chunked',
    'chunked\r\n ',
    'chunked:',
    '=?iso-8859-1?B?Y2h1bmtlZA==?=',
    'chunked/1',
    'chun\\ked',
    'chunk%65d',
  ].map(value =>
    refused(
      `Transfer-Encoding: ${JSON.stringify(value)}`,
      '9112 6.1',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),

  // Bodies that do not come
  outcome(
    'a body breaks off, the connection closes',
    '9112 8',
    [post(['Content-Length: 10'], 'hello'), reached(1), END],
    neverWhole,
  ),
  outcome(
    'a chunked body breaks off between chunks',
    '9112 8',
    [post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n'), reached(1), END],
    neverWhole,
  ),
  outcome(
    'a chunked body breaks off within a chunk',
    '9112 8',
    [post(['Transfer-Encoding: chunked'], '5\r\nhel'), reached(1), END],
    neverWhole,
  ),
  outcome(
    'a chunked body breaks off before its last empty line',
    '9112 8',
    [post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n'), reached(1), END],
    neverWhole,
  ),
  outcome(
    'a head breaks off',
    '9112 8',
    ['GET / HTTP/1.1\r\nHost: up\r\n', pause(20), END],
    [
      { sees: [], then: 'closed' },
      { sees: [{ status: [400, 408], error: 'bad-request' }], then: 'closed' },
    ],
  ),
  outcome('a connection without a request', '9112 9.5', [pause(20), END], [{ sees: [], then: 'closed' }]),
  outcome(
    'a head that takes too long',
    '9110 15.5.9',
    ['GET / HTTP/1.1\r\nHost: up\r\n', pause(500)],
    [{ sees: [{ status: 408, error: 'bad-request' }], then: 'closed' }],
    {
      settings: { headTimeout: 300 },
    },
  ),
  outcome(
    'half-closing after a whole request',
    '9112 9.6',
    [get('/half'), END],
    [
      {
        reaches: [{ line: 'GET /half HTTP/1.1' }],
        sees: [{ status: 200, body: 'GET /half' }],
        then: 'closed',
      },
    ],
  ),
  outcome(
    'half-closing and waiting for an answer that does not come at once',
    '9112 9.6',
    [get('/half'), END],
    [{ reaches: [{ line: 'GET /half HTTP/1.1' }], sees: [{ status: 200, body: 'late' }], then: 'closed' }],
    { upstream: [[pause(60), 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate']] },
  ),

  outcome(
    'half-closing after two requests',
    '9112 9.6',
    [get('/1') + get('/2'), END],
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'slow' },
          { status: 200, body: 'GET /2' },
        ],
        then: 'closed',
      },
    ],
    { upstream: [[pause(30), 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow']] },
  ),
  refused(
    'a length beyond the limit',
    '9110 15.5.14',
    post(['Content-Length: 2000'], 'x'.repeat(2000)),
    413,
    { settings: { requestBody: 1000 } },
  ),
  refusedLate(
    'chunks beyond the limit',
    '9110 15.5.14',
    post(['Transfer-Encoding: chunked'], `7d0\r\n${'x'.repeat(2000)}\r\n0\r\n\r\n`),
    413,
    {
      settings: { requestBody: 1000 },
    },
  ),
  forwarded(
    'a body at the limit',
    '9110 15.5.14',
    post(['Content-Length: 1000'], 'x'.repeat(1000)),
    { line: /./, body: 'x'.repeat(1000) },
    {
      settings: { requestBody: 1000 },
    },
  ),

  // What comes after a refusal
  refused(
    'a request behind a refused one is not looked at',
    '9112 2.2',
    `${get('/', 'B : x')}${get('/second')}`,
  ),
  refused(
    'a refused body is not looked at',
    '9112 6.3',
    `${post(['Content-Length: 5, 5'], 'hello')}${get('/second')}`,
  ),
  refused('a refusal arrives although the client goes on sending', '9112 9.6', [
    post(['Content-Length: x'], 'x'.repeat(400_000)),
    answers(1),
    'more',
  ]),
  refusedLate('a late refusal arrives although the client goes on sending', '9112 9.6', [
    post(['Transfer-Encoding: chunked'], `5\r\nhello\r\nx\r\n${'x'.repeat(400_000)}`),
    answers(1),
    'more',
  ]),
];

function everyByte(): string {
  return Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
}
