import {
  AT_HEAD,
  answers,
  type Case,
  END,
  get,
  ok,
  outcome,
  passedOn,
  pause,
  post,
  RESET,
  reached,
} from '../case.ts';

/** An answer that nobody asked for. */
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const answer = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`;
const chunks = (body: string, ...lines: string[]) => answer('Transfer-Encoding: chunked', ...lines) + body;

/** RFC 9112 sections 9.2 and 11.1: each answer belongs to one request, and what else an upstream sends reaches nobody. */
export const RESPONSE_QUEUE: readonly Case[] = [
  // Response-queue poisoning
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
