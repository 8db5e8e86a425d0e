import { badAnswer, type Case, END, outcome, passedOn, pause, post, RESET } from '../case.ts';

const BODY = 'Content-Length: 2\r\n\r\nok';
const status = (line: string) => `${line}\r\n${BODY}`;
const field = (line: string) => `HTTP/1.1 200 OK\r\nA: 1\r\n${line}\r\n${BODY}`;
const char = (code: number) => String.fromCharCode(code);
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;
const CONTROLS = Array.from({ length: 0x20 }, (_, code) => code).filter(
  code => ![0x09, 0x0a, 0x0d].includes(code),
);
/** Not sent again, so that one request means one attempt. */
const request = post(['Content-Length: 0'], '');
const either = (name: string, rfc: string, answer: string, sees: { status: number; body?: string }) =>
  outcome(
    name,
    rfc,
    request,
    [
      { reaches: [{ line: /./ }], sees: [{ ...sees, error: null }] },
      { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    { upstream: [[answer]] },
  );

/** RFC 9112 sections 2, 4 and 5 in the other direction: the head of an upstream's answer. */
export const RESPONSES: readonly Case[] = [
  // Status lines that are passed on
  ...[200, 201, 206, 299, 301, 302, 307, 400, 401, 403, 404, 418, 429, 451, 499, 500, 502, 503, 504, 599].map(
    code =>
      passedOn(`status ${code}`, '9112 4', status(`HTTP/1.1 ${code} Some Words`), {
        status: code,
        reason: 'Some Words',
        body: 'ok',
      }),
  ),
  passedOn('no reason', '9112 4', status('HTTP/1.1 200 '), { status: 200, reason: '', body: 'ok' }),
  passedOn('a reason of many characters', '9112 4', status('HTTP/1.1 200 a\tb "c" \xfc 200'), {
    status: 200,
    reason: 'a\tb "c" \xfc 200',
  }),
  either('neither reason nor the space before it', '9112 4', status('HTTP/1.1 200'), {
    status: 200,
    body: 'ok',
  }),
  passedOn(
    'an HTTP/1.0 answer becomes HTTP/1.1',
    '9112 2.3',
    status('HTTP/1.0 200 OK'),
    { status: 200, body: 'ok' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'an HTTP/1.0 answer with keep-alive',
    '9112 9.3',
    `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${BODY}`,
    { status: 200, body: 'ok' },
  ),
  passedOn('an HTTP/1.2 answer', '9110 2.5', status('HTTP/1.2 200 OK'), { status: 200, body: 'ok' }),

  // Status lines that are not
  ...[
    'HTTP/2.0 200 OK',
    'HTTP/2 200 OK',
    'HTTP/3.0 200 OK',
    'HTTP/0.9 200 OK',
    'HTTP/1 200 OK',
    'HTTP/1. 200 OK',
    'HTTP/1.1.1 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/01.1 200 OK',
    'HTTP/11.1 200 OK',
    'HTTP/1.x 200 OK',
    'HTTP/+1.1 200 OK',
    'http/1.1 200 OK',
    'Http/1.1 200 OK',
    'HTTPS/1.1 200 OK',
    'ICY 200 OK',
    'XHTTP/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    '\tHTTP/1.1 200 OK',
    'HTTP /1.1 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1\xa0200 OK',
    'HTTP/1.1\x0b200 OK',
    'HTTP/1.1200 OK',
    'HTTP/1.1 OK',
    'HTTP/1.1 ',
    'HTTP/1.1',
    '200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 2 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 200OK',
    'HTTP/1.1 20O OK',
    'HTTP/1.1 000 OK',
    'HTTP/1.1 001 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.1 -200 OK',
    'HTTP/1.1 +20 OK',
    'HTTP/1.1 +200 OK',
    'HTTP/1.1 2e2 OK',
    'HTTP/1.1 0xc8 OK',
    'HTTP/1.1 2 0 OK',
    'HTTP/1.1 200.0 OK',
    'HTTP/1.1 200\tOK',
    'HTTP/1.1 200, OK',
    'HTTP/1.1 \xb2\xb0\xb0 OK',
    'HTTP/1.1 200 O\x00K',
    'HTTP/1.1 200 O\x01K',
    'HTTP/1.1 200 O\x1bK',
    'HTTP/1.1 200 O\x7fK',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\nK',
    'HTTP/1.1 200 OK\r',
    'HTTP/1.1 200 OK\n',
    '\xef\xbb\xbfHTTP/1.1 200 OK',
    '\x00HTTP/1.1 200 OK',
    '\nHTTP/1.1 200 OK',
    '\rHTTP/1.1 200 OK',
    'X\r\nHTTP/1.1 200 OK',
    'GET / HTTP/1.1',
    '<html>',
    '{"a": 1}',
    'SSH-2.0-OpenSSH_9.6',
  ].map(line => badAnswer(`status line ${JSON.stringify(line)}`, '9112 4', status(line), { request })),
  ...[600, 666, 999].map(code =>
    outcome(
      `status ${code} is none`,
      '9110 15',
      request,
      [
        { reaches: [{ line: /./ }], sees: [{ status: code, body: 'ok', error: null }] },
        { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
      ],
      { upstream: [[status(`HTTP/1.1 ${code} Odd`)]] },
    ),
  ),
  either('an empty line before the status line', '9112 2.2', `\r\n${status('HTTP/1.1 200 OK')}`, {
    status: 200,
    body: 'ok',
  }),
  // Without a line end nobody knows what it would have become.
  badAnswer('an HTTP/0.9 answer', '9112 4', ['hello', END], {
    request,
    status: [502, 503],
    error: /^(bad-response|reset)$/,
  }),
  badAnswer('an HTTP/0.9 answer of HTML', '9112 4', ['<html>\r\n<body>hello</body>\r\n\r\n</html>', END], {
    request,
  }),
  badAnswer(
    'the settings of HTTP/2',
    '9113 3.4',
    ['\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80', END],
    { request },
  ),
  badAnswer('a TLS alert', '9112 4', ['\x15\x03\x01\x00\x02\x02\x46', END], { request }),
  badAnswer('an empty line alone', '9112 4', ['\r\n\r\n', END], { request }),
  badAnswer('a status line beyond all bounds', '9112 4', `HTTP/1.1 200 ${'O'.repeat(70_000)}K\r\n${BODY}`, {
    request,
  }),
  badAnswer('a status line that does not end', '9112 4', `HTTP/1.1 200 ${'O'.repeat(70_000)}`, { request }),

  // Field lines
  passedOn('white space around values', '9112 5.1', field('B: \t x \t '), {
    status: 200,
    fields: { b: 'x' },
  }),
  passedOn('no space after the colon', '9112 5', field('B:x'), { status: 200, fields: { b: 'x' } }),
  passedOn('an empty value', '9110 5.5', field('B:'), { status: 200, fields: { b: '' } }),
  passedOn('bytes beyond ASCII in a value', '9110 5.5', field('B: \x80\xfc\xff'), {
    status: 200,
    fields: { b: '\x80\xfc\xff' },
  }),
  passedOn('every character that a name may have', '9110 5.1', field("!#$%&'*+-.^_`|~09azAZ: x"), {
    status: 200,
    fields: { "!#$%&'*+-.^_`|~09azaz": 'x' },
  }),
  passedOn('a long value', '9110 5.4', field(`B: ${'v'.repeat(16_000)}`), {
    status: 200,
    fields: { b: 'v'.repeat(16_000) },
  }),
  ...(
    [
      ['a space before the colon', 'B : x', '9112 5.1'],
      ['a tab before the colon', 'B\t: x', '9112 5.1'],
      ['a space in a name', 'B C: x', '9110 5.1'],
      ['a space before a name', ' B: x', '9112 5.2'],
      ['a folded value', 'B: x\r\n y', '9112 5.2'],
      ['a value folded with a tab', 'B: x\r\n\ty', '9112 5.2'],
      ['a value that begins on the next line', 'B:\r\n x', '9112 5.2'],
      ['a line of white space', ' ', '9112 5.2'],
      ['a line without a colon', 'B', '9112 5'],
      ['an empty name', ': x', '9110 5.1'],
      ['a colon alone', ':', '9110 5.1'],
      ['a second status line', 'HTTP/1.1 200 OK', '9112 5'],
      ['a bare LF in a value', 'B: x\ny', '9112 2.2'],
      ['a bare LF before another field', 'B: x\nContent-Length: 0', '9112 2.2'],
      ['a bare CR in a value', 'B: x\ry', '9112 2.2'],
      ['a bare CR before another field', 'B: x\rSet-Cookie: a=b', '9112 2.2'],
      ['a bare CR last in a value', 'B: x\r', '9112 2.2'],
      ['a bare CR before a name', '\rB: x', '9112 2.2'],
      ['a bare LF before a name', '\nB: x', '9112 2.2'],
      ['DEL in a value', 'B: x\x7fy', '9110 5.5'],
      ['a byte beyond ASCII in a name', 'B\xfc: x', '9110 5.1'],
    ] as const
  ).map(([name, line, rfc]) => badAnswer(name, rfc, field(line), { request })),
  ...CONTROLS.map(code =>
    badAnswer(`${hex(code)} in a value`, '9110 5.5', field(`B: x${char(code)}y`), { request }),
  ),
  ...[0x00, 0x01, 0x0b, 0x1f].map(code =>
    badAnswer(`${hex(code)} in a name`, '9110 5.1', field(`B${char(code)}: x`), { request }),
  ),
  badAnswer('a space before the first field', '9112 2.2', `HTTP/1.1 200 OK\r\n A: 1\r\n${BODY}`, { request }),
  badAnswer('the status line ends in a bare LF', '9112 2.2', `HTTP/1.1 200 OK\n${BODY}`, { request }),
  badAnswer('the head ends in bare LFs', '9112 2.2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok', {
    request,
  }),
  badAnswer('the head ends in CRLF LF', '9112 2.2', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok', {
    request,
  }),
  badAnswer(
    'the head ends in CRLF CR CR LF',
    '9112 2.2',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\r\nok',
    { request },
  ),
  badAnswer('everything ends in bare LFs', '9112 2.2', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', {
    request,
  }),
  badAnswer('everything ends in bare CRs', '9112 2.2', ['HTTP/1.1 200 OK\rContent-Length: 2\r\rok', END], {
    request,
  }),
  badAnswer('a value beyond all bounds', '9110 5.4', field(`B: ${'v'.repeat(70_000)}`), { request }),
  badAnswer('more fields than allowed', '9110 5.4', `HTTP/1.1 200 OK\r\n${'F: x\r\n'.repeat(5_000)}${BODY}`, {
    request,
  }),
  badAnswer('a head that does not end', '9110 5.4', `HTTP/1.1 200 OK\r\n${'F: x\r\n'.repeat(20_000)}`, {
    request,
  }),

  // Answers that do not come
  ...(
    [
      ['the upstream closes without an answer', [END]],
      ['the upstream resets without an answer', [RESET]],
      ['the upstream closes within the status line', ['HTTP/1.1 20', END]],
      ['the upstream closes within the fields', ['HTTP/1.1 200 OK\r\nContent-Le', END]],
      ['the upstream closes before the empty line', ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n', END]],
      ['the upstream resets within the head', ['HTTP/1.1 200 OK\r\n', pause(10), RESET]],
      ['the upstream closes after an interim answer', ['HTTP/1.1 103 Early Hints\r\n\r\n', END]],
    ] as const
  ).map(([name, steps]) => {
    const isInterim = name.includes('interim');
    const failed = { status: [502, 503], error: /^(reset|bad-response|retry-exhausted)$/ };
    const sees = isInterim ? [{ status: 103 }, failed] : [failed];
    return outcome(name, '9112 8', request, [{ reaches: [{ line: /./ }], sees, upstreamThen: 'closed' }], {
      upstream: [steps],
    });
  }),
];
