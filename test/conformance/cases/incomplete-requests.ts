import {
  answers,
  type Case,
  END,
  forwarded,
  get,
  outcome,
  pause,
  post,
  RESET,
  reached,
  refused,
  refusedLate,
} from '../case.ts';

/** However it ends, the upstream never sees a whole request. */
const neverWhole = [
  { sees: [{ status: [400, 408, 413], error: 'bad-request' }], then: 'closed', unfinished: true },
  { sees: [], then: 'closed', unfinished: true },
] as const;

/** A sidecar on a busy machine still has time to answer a client that has closed its half. */
const PATIENT = { halfClose: 3_000 };

/** RFC 9112 sections 8, 9.5 and 9.6: requests that do not come, come too slowly or are too much, and what follows a refusal. */
export const INCOMPLETE_REQUESTS: readonly Case[] = [
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
    'a client that hangs up within its body takes the request with it',
    '9112 9.5',
    [post(['Content-Length: 10'], 'hello'), reached(1), RESET],
    [{ sees: [], then: 'closed', unfinished: true, upstreamThen: 'closed' }],
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
    { settings: PATIENT },
  ),
  outcome(
    'half-closing and waiting for an answer that does not come at once',
    '9112 9.6',
    [get('/half'), END],
    [{ reaches: [{ line: 'GET /half HTTP/1.1' }], sees: [{ status: 200, body: 'late' }], then: 'closed' }],
    { upstream: [[pause(60), 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate']], settings: PATIENT },
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
    { upstream: [[pause(30), 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow']], settings: PATIENT },
  ),
  outcome(
    'half-closing and waiting for an answer that does not come',
    '9112 9.6',
    [get('/half'), END],
    [{ reaches: [{ line: 'GET /half HTTP/1.1' }], sees: [], then: 'closed', upstreamThen: 'closed' }],
    { upstream: [[pause(3_000)]] },
  ),
  refused(
    'a length beyond the limit',
    '9110 15.5.14',
    post(['Content-Length: 2000'], 'x'.repeat(2000)),
    413,
    { settings: { requestBody: 1000 } },
  ),
  refused(
    'a length beyond the limit, and its sender waits',
    '9110 15.5.14',
    post(['Content-Length: 2000', 'Expect: 100-continue'], ''),
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
