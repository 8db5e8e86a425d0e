import { badAnswer, brokenBody, type Case, END, head, ok, passedOn, pause, post, RESET } from '../case.ts';

/** An answer that nobody asked for. */
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const answer = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`;

const toOld = { request: head('GET /x HTTP/1.0'), then: 'closed' } as const;

/** RFC 9112 section 6.3 in the other direction: answers with a length, and those that the connection ends. */
export const RESPONSE_LENGTH: readonly Case[] = [
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
];
