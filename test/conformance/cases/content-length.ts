import {
  type Case,
  END,
  forwarded,
  get,
  head,
  outcome,
  pause,
  post,
  refused,
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

/** RFC 9112 section 6.3 and RFC 9110 section 8.6: bodies with a length. */
export const CONTENT_LENGTH: readonly Case[] = [
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
];

function everyByte(): string {
  return Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
}
