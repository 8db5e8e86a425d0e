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
const char = (code: number) => String.fromCharCode(code);
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;

/** A body that one reader takes for an empty chunked body with a request behind it, another for a body of that length. */
const CL_TE = `0\r\n\r\n${SMUGGLED}`;
/** A body that one reader takes for one chunk, another for a short body with a request behind it. */
const TE_CL = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

const clTe = (...lines: string[]) => post([`Content-Length: ${CL_TE.length}`, ...lines], CL_TE);
const teCl = (...lines: string[]) => post(['Content-Length: 4', ...lines], TE_CL);

/** Every byte that some server has taken for white space, or dropped, at an edge of a name or a value. */
const EDGES = [...Array.from({ length: 0x21 }, (_, code) => code), 0x7f, 0x80, 0x85, 0xa0, 0xad, 0xff];

/** Ways to write a field that one of two servers does not recognise. */
const DISGUISES: readonly (readonly [what: string, disguise: (name: string, value: string) => string])[] = [
  ['plain', (name, value) => `${name}: ${value}`],
  ['in capitals', (name, value) => `${name.toUpperCase()}: ${value.toUpperCase()}`],
  ['in mixed case', (name, value) => `${name.replace(/a/g, 'A')}: ${value.replace(/e/g, 'E')}`],
  ['without a space', (name, value) => `${name}:${value}`],
  ['with two spaces', (name, value) => `${name}:  ${value}`],
  ['with a tab', (name, value) => `${name}:\t${value}`],
  ['with a tab at its end', (name, value) => `${name}: ${value}\t`],
  ['with a space before the colon', (name, value) => `${name} : ${value}`],
  ['with a tab before the colon', (name, value) => `${name}\t: ${value}`],
  ['with a word before the colon', (name, value) => `${name} x: ${value}`],
  ['with a space at its beginning', (name, value) => ` ${name}: ${value}`],
  ['with a tab at its beginning', (name, value) => `\t${name}: ${value}`],
  ['folded after another field', (name, value) => `X: y\r\n ${name}: ${value}`],
  ['folded after its colon', (name, value) => `${name}:\r\n ${value}`],
  ['folded with a tab after its colon', (name, value) => `${name}:\r\n\t${value}`],
  ['folded twice', (name, value) => `${name}:\r\n \r\n ${value}`],
  ['folded before its colon', (name, value) => `${name}\r\n : ${value}`],
  ['on two lines', (name, value) => `${name.slice(0, 5)}\r\n${name.slice(5)}: ${value}`],
  ['with a line feed after its colon', (name, value) => `${name}:\n${value}`],
  ['with a line feed and a space after its colon', (name, value) => `${name}:\n ${value}`],
  ['with a line feed before its colon', (name, value) => `${name}\n: ${value}`],
  ['behind a line feed', (name, value) => `X: y\n${name}: ${value}`],
  ['behind a carriage return', (name, value) => `X: y\r${name}: ${value}`],
  ['behind two line feeds', (name, value) => `X: y\n\n${name}: ${value}`],
  ['behind a line of a space', (name, value) => `X: y\r\n \r\n${name}: ${value}`],
  ['behind a stray carriage return', (name, value) => `X: y\r\n\r${name}: ${value}`],
  ['behind NUL', (name, value) => `X: y\x00\r\n${name}: ${value}`],
  ['behind a line without a colon', (name, value) => `X\r\n${name}: ${value}`],
  ['behind an empty name', (name, value) => `: y\r\n${name}: ${value}`],
  ['behind a colon', (name, value) => `:\r\n${name}: ${value}`],
  ['behind a malformed name', (name, value) => `X Y: z\r\n${name}: ${value}`],
  ['with a carriage return in its name', (name, value) => `${name.slice(0, 3)}\r${name.slice(3)}: ${value}`],
  ['with a carriage return at its end', (name, value) => `${name}: ${value}\r`],
  ['with a line feed and VT at its end', (name, value) => `${name}: ${value}\n\x0b`],
  ['with a folded empty line at its end', (name, value) => `${name}: ${value}\r\n\t`],
  ['with a space instead of the hyphen', (name, value) => `${name.replace('-', ' ')}: ${value}`],
  ['with a backslash instead of the hyphen', (name, value) => `${name.replace('-', '\\')}: ${value}`],
  ['with a soft hyphen', (name, value) => `${name.replace('-', '\xad')}: ${value}`],
  ['with an accent in its name', (name, value) => `${name.replace('e', '\x82')}: ${value}`],
  ['with a colon in its value', (name, value) => `${name}: : ${value}`],
  ['without a colon', (name, value) => `${name} ${value}`],
  ['with an equals sign', (name, value) => `${name}=${value}`],
  ['in double quotes', (name, value) => `${name}: "${value}"`],
  ['in single quotes', (name, value) => `${name}: '${value}'`],
  ['as a pseudo-header', (name, value) => `:${name}: ${value}`],
  ['nominated by Connection', (name, value) => `Connection: ${name}\r\n${name}: ${value}`],
];

/** Publicly known request smuggling (RFC 9112 section 11.2): whoever reads these differently reads another request. */
export const SMUGGLING: readonly Case[] = [
  // CL.TE, TE.CL, TE.TE
  ...DISGUISES.flatMap(([what, disguise]) => [
    refused(
      `CL.TE, Transfer-Encoding ${what}`,
      '9112 11.2',
      clTe(disguise('Transfer-Encoding', 'chunked')),
      [400, 501],
    ),
    refused(
      `TE.CL, Transfer-Encoding ${what}`,
      '9112 11.2',
      teCl(disguise('Transfer-Encoding', 'chunked')),
      [400, 501],
    ),
  ]),
  ...DISGUISES.map(([what, disguise]) =>
    refused(
      `a chunked body, Content-Length ${what}`,
      '9112 11.2',
      chunked(CL_TE, disguise('Content-Length', String(CL_TE.length))),
    ),
  ),
  ...EDGES.flatMap(code => [
    refused(
      `CL.TE, ${hex(code)} before the name`,
      '9112 11.2',
      clTe(`${char(code)}Transfer-Encoding: chunked`),
    ),
    refused(
      `CL.TE, ${hex(code)} after the name`,
      '9112 11.2',
      clTe(`Transfer-Encoding${char(code)}: chunked`),
    ),
    refused(
      `CL.TE, ${hex(code)} before the value`,
      '9112 11.2',
      clTe(`Transfer-Encoding:${char(code)}chunked`),
      [400, 501],
    ),
    refused(
      `CL.TE, ${hex(code)} after the value`,
      '9112 11.2',
      clTe(`Transfer-Encoding: chunked${char(code)}`),
      [400, 501],
    ),
  ]),
  ...[0x00, 0x0a, 0x0b, 0x0c, 0x0d, 0x7f, 0x85, 0xa0, 0xff].flatMap(code => [
    refused(
      `CL.0, ${hex(code)} after the name of the length`,
      '9112 11.2',
      post([`Content-Length${char(code)}: ${SMUGGLED.length}`], SMUGGLED),
    ),
    refused(
      `CL.0, ${hex(code)} before the length`,
      '9112 11.2',
      post([`Content-Length:${char(code)}${SMUGGLED.length}`], SMUGGLED),
    ),
    refused(
      `CL.0, ${hex(code)} after the length`,
      '9112 11.2',
      post([`Content-Length: ${SMUGGLED.length}${char(code)}`], SMUGGLED),
    ),
  ]),
  ...[
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: cow',
    'Transfer-Encoding: chunked, cow',
    'Transfer-Encoding: cow, chunked',
    'Transfer-Encoding: identity, chunked, identity',
    'Transfer-Encoding: cow chunked bar',
    'Transfer-Encoding: chunk',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding:',
    'Transfer-Encoding: ch\x96nked',
    'Transfer-Encoding: =?iso-8859-1?B?Y2h1bmtlZA==?=',
    'Transfer-Encoding: =?UTF-8?B?Y2h1bmtlZA==?=',
    'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: chunked\r\nTransfer-encoding: x',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding:\r\nTransfer-Encoding: chunked',
  ].map(line => refused(`CL.TE, ${JSON.stringify(line)}`, '9112 11.2', clTe(line), [400, 501])),
  ...[
    'Transfer_Encoding: chunked',
    'Transfer.Encoding: chunked',
    'Transfer-%45ncoding: chunked',
    'X-Transfer-Encoding: chunked',
    'TransferEncoding: chunked',
    'Transfer-Encoding-: chunked',
    'Content-Encoding: chunked',
    'TE: chunked',
  ].map(line =>
    forwarded(`CL.TE, another field: ${line}`, '9112 11.2', clTe(line), {
      line: /./,
      body: CL_TE,
      framing: 'length',
      fields: { 'transfer-encoding': null },
    }),
  ),
  ...[
    'Content_Length',
    'Content.Length',
    'Content-%4cength',
    'X-Content-Length',
    'ContentLength',
    'Content-Length-',
  ].map(name =>
    forwarded(
      `CL.0, another field: ${name}`,
      '9112 11.2',
      `${post([`${name}: ${SMUGGLED.length}`], '', '/p')}${get('/next')}`,
      [{ line: /./, framing: 'none', body: '' }, 'GET /next HTTP/1.1'],
      { sees: [200, 200] },
    ),
  ),
  forwarded('CL.TE without Transfer-Encoding is a body', '9112 11.2', clTe(), {
    line: /./,
    body: CL_TE,
    framing: 'length',
  }),
  forwarded('TE.CL without Content-Length is a body', '9112 11.2', chunked(TE_CL), {
    line: /./,
    body: SMUGGLED,
  }),
  refused(
    'CL.TE with Connection: close',
    '9112 6.1',
    clTe('Connection: close', 'Transfer-Encoding: chunked'),
  ),
  refused(
    'CL.TE in a GET',
    '9112 11.2',
    `${get('/', `Content-Length: ${CL_TE.length}`, 'Transfer-Encoding: chunked')}${CL_TE}`,
  ),
  refused(
    'CL.CL, the first shorter',
    '9112 11.2',
    post(['Content-Length: 5', `Content-Length: ${5 + SMUGGLED.length}`], `hello${SMUGGLED}`),
  ),
  refused(
    'CL.CL, the second shorter',
    '9112 11.2',
    post([`Content-Length: ${5 + SMUGGLED.length}`, 'Content-Length: 5'], `hello${SMUGGLED}`),
  ),
  refused(
    'CL.CL, the same, once disguised',
    '9112 11.2',
    post(['Content-Length: 5', 'Content-Length : 0'], 'hello'),
  ),
  ...['+0', '-0', '0 ', '0, ', '0e0', '0.0'].map(prefix =>
    refused(
      `a length with the prefix ${JSON.stringify(prefix)}`,
      '9112 11.2',
      post([`Content-Length: ${prefix}${SMUGGLED.length}`], SMUGGLED),
    ),
  ),
  ...['e0', '.0', ', 0', ',0', ' 0', 'Z', '_0', '\x0b0'].map(suffix =>
    refused(
      `a length with the suffix ${JSON.stringify(suffix)}`,
      '9112 11.2',
      post([`Content-Length: ${SMUGGLED.length}${suffix}`], SMUGGLED),
    ),
  ),

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
