import {
  AT_HEAD,
  answers,
  type Case,
  chunked,
  forwarded,
  get,
  head,
  outcome,
  post,
  reached,
  refused,
  refusedLate,
  refusedOrForwarded,
} from '../case.ts';

const SMUGGLED = get('/smuggled');
/** A body that one reader takes for one chunk, another for a short body with a request behind it. */
const TE_CL = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

/** Publicly known desynchronisation by other means: bodies that are not read, ends of chunks, early ends of heads. */
export const DESYNC: readonly Case[] = [
  // CL.0, TE.0, 0.CL: an upstream that answers without reading the body
  ...(['POST', 'GET', 'OPTIONS', 'PUT'] as const).map(method =>
    outcome(
      `CL.0, ${method}: the upstream answers before the body, which then turns out to be a request`,
      '9112 9.3',
      [head(`${method} /p HTTP/1.1`, `Content-Length: ${SMUGGLED.length}`), answers(1), SMUGGLED],
      // Passed on as a body, or not at all; in any case not as a request.
      [
        {
          reaches: [{ line: `${method} /p HTTP/1.1`, body: SMUGGLED }],
          sees: [{ status: 200, body: 'early' }],
          then: 'either',
        },
        { unfinished: true, sees: [{ status: 200, body: 'early' }], then: 'either' },
      ],
      { upstream: [[AT_HEAD, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly']] },
    ),
  ),
  outcome(
    'TE.0: the upstream answers before the chunks, which hold a request',
    '9112 9.3',
    [head('OPTIONS /p HTTP/1.1', 'Transfer-Encoding: chunked'), answers(1), TE_CL],
    [
      { reaches: [{ line: /./, body: SMUGGLED }], sees: [{ status: 200, body: 'early' }], then: 'either' },
      { unfinished: true, sees: [{ status: 200, body: 'early' }], then: 'either' },
    ],
    { upstream: [[AT_HEAD, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly']] },
  ),
  outcome(
    '0.CL: half of the next request is the rest of the body',
    '9112 6.3',
    [
      head('POST /p HTTP/1.1', `Content-Length: ${'GET /half HTTP/1.1\r\nX: '.length}`),
      reached(1),
      `GET /half HTTP/1.1\r\nX: ${get('/next')}`,
    ],
    [
      {
        reaches: [
          { line: 'POST /p HTTP/1.1', body: 'GET /half HTTP/1.1\r\nX: ' },
          { line: 'GET /next HTTP/1.1' },
        ],
        sees: [
          { status: 200, body: 'POST /p' },
          { status: 200, body: 'GET /next' },
        ],
      },
    ],
  ),
  refused(
    '0.CL, the length hidden by a line feed',
    '9112 11.2',
    `GET /p HTTP/1.1\r\nHost: up\r\nX: y\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  ),
  refused(
    '0.CL, the length hidden by white space',
    '9112 11.2',
    `GET /p HTTP/1.1\r\nHost: up\r\n Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  ),
  refused(
    'an early end of the head by two line feeds',
    '9112 11.2',
    `GET /p HTTP/1.1\r\nHost: up\r\nX: y\n\nGET /smuggled HTTP/1.1\r\nHost: up\r\n\r\n`,
  ),
  refused(
    'an early end of the head by LF CRLF',
    '9112 11.2',
    `GET /p HTTP/1.1\r\nHost: up\r\nX: y\n\r\nGET /smuggled HTTP/1.1\r\nHost: up\r\n\r\n`,
  ),
  refused(
    'a request in a value that begins with line feeds',
    '9112 11.2',
    'GET /p HTTP/1.1\r\nHost: up\r\nX:\n\nGET /smuggled HTTP/1.1\r\n\r\n',
  ),
  refused(
    'the request line holds a line feed and a request',
    '9112 11.2',
    'GET /\nGET /smuggled HTTP/1.1\r\nHost: up\r\n\r\n',
  ),

  // Ends of chunks and of extensions
  ...['\n', '\r', '\rX', '\r\r'].flatMap(end => [
    refusedLate(
      `TERM.EXT: an extension ends in ${JSON.stringify(end)}, the data is a size`,
      '9112 7.1.1',
      chunked(`5;${end}1c\r\nhello${SMUGGLED.slice(0, 20)}\r\n0\r\n\r\n${SMUGGLED}`),
    ),
    refusedLate(
      `EXT.TERM: ${JSON.stringify(end)} in an extension hides the end of the line`,
      '9112 7.1.1',
      chunked(`2;${end}xx\r\n4c\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    ),
    refusedLate(
      `TERM.EXT with a name before ${JSON.stringify(end)}`,
      '9112 7.1.1',
      chunked(`2;a=b${end}xx\r\n31\r\n0\r\n\r\n${SMUGGLED}0\r\n\r\n`),
    ),
    refusedLate(`a size ends in ${JSON.stringify(end)}`, '9112 7.1', chunked(`5${end}hello\r\n0\r\n\r\n`)),
  ]),
  ...['\n', '\r', '', 'XX', '\rX', '\r\r'].flatMap(end => [
    refusedLate(
      `SPILL.TERM: data spills over into ${JSON.stringify(end)}`,
      '9112 7.1',
      chunked(`5\r\nhello${end}17\r\n0\r\n\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    ),
    refusedLate(
      `TERM.SPILL: ${JSON.stringify(end)} ends data that goes on`,
      '9112 7.1',
      chunked(`5\r\nAA\r\n2${end}45\r\n0\r\n\r\n${SMUGGLED}`),
    ),
  ]),
  ...['\n', '\r'].flatMap(end => [
    refusedLate(
      `ONE.TWO: one byte ${JSON.stringify(end)} ends data where two are due`,
      '9112 7.1',
      chunked(`5\r\nhello${end}1\r\nx\r\n0\r\n\r\n${SMUGGLED}`),
    ),
    refusedLate(
      `ZERO.TWO: nothing ends the data before ${JSON.stringify(end)}`,
      '9112 7.1',
      chunked(`5\r\nhello0${end}\r\n\r\n${SMUGGLED}`),
    ),
  ]),
  forwarded(
    'a trailer that reads like a request line is a trailer',
    '9112 7.1.2',
    `${chunked('0\r\nX:POST /smuggled HTTP/1.1\r\nA: b\r\n\r\n')}${get('/next')}`,
    [{ line: /./, body: '' }, 'GET /next HTTP/1.1'],
    { sees: [200, 200] },
  ),
  refusedLate(
    'a size with junk is not its beginning',
    '9112 7.1',
    chunked(`0_2e\r\n\r\n${get('/smuggled', 'Content-Length: 5')}\r\n0\r\n\r\n`),
  ),
  refusedLate('a malformed chunk is not skipped', '9112 7.1', chunked(`INVALID!!!\r\n${SMUGGLED}`)),
  refusedLate(
    'a size of which the low half is nothing',
    '9112 7.1',
    chunked(`10000000000000000\r\n\r\n${SMUGGLED}`),
    [400, 413],
  ),
  refusedOrForwarded(
    'Content-Length in a trailer',
    '9110 6.5.1',
    `${chunked(`0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`)}${get('/next')}`,
    [{ line: /./, body: '', trailers: { 'content-length': null } }, 'GET /next HTTP/1.1'],
    400,
    { sees: [200, 200] },
  ),
  refusedOrForwarded(
    'Transfer-Encoding in a trailer',
    '9110 6.5.1',
    `${chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n')}${get('/next')}`,
    [{ line: /./, body: '', trailers: { 'transfer-encoding': null } }, 'GET /next HTTP/1.1'],
    400,
    { sees: [200, 200] },
  ),

  // Where a body must not be, or need not
  forwarded(
    'GET with a length: what follows is its body',
    '9112 11.2',
    `${get('/p', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
    { line: 'GET /p HTTP/1.1', body: SMUGGLED },
  ),
  forwarded(
    'GET with half a request as its body',
    '9112 11.2',
    `${get('/p', 'Content-Length: 34')}GET /smuggled HTTP/1.1\r\nHost: up\r\n${get('/next')}`,
    [{ line: 'GET /p HTTP/1.1', body: 'GET /smuggled HTTP/1.1\r\nHost: up\r\n' }, 'GET /next HTTP/1.1'],
  ),
  forwarded(
    'a length of 0, and a request behind it',
    '9112 11.2',
    `${post(['Content-Length: 0'], '')}${get('/next')}`,
    ['POST /post HTTP/1.1', 'GET /next HTTP/1.1'],
  ),

  // Whose request is it
  refused('two Hosts, one in another case', '9112 11.2', 'GET / HTTP/1.1\r\nHost: up\r\nHOST: other\r\n\r\n'),
  refused('a Host hidden by a space', '9112 11.2', 'GET / HTTP/1.1\r\nHost: up\r\nHost : other\r\n\r\n'),
  forwarded(
    'the authority of the absolute form decides, here and there',
    '9112 3.2.2',
    'GET http://other/ HTTP/1.1\r\nHost: up\r\n\r\n',
    {
      line: 'GET / HTTP/1.1',
      fields: { host: 'other' },
      at: 'other',
    },
    { settings: { other: true } },
  ),
  refused('absolute form behind a slash', '9112 3.2', 'GET \\http://other/ HTTP/1.1\r\nHost: up\r\n\r\n'),
  refused('user information for a host', '9110 4.2.4', 'GET http://up@other/ HTTP/1.1\r\nHost: up\r\n\r\n'),
];
