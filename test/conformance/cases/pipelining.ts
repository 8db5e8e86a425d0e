import {
  AT_HEAD,
  answers,
  type Case,
  chunked,
  forwarded,
  get,
  head,
  ok,
  outcome,
  pause,
  post,
} from '../case.ts';

const numbered = (n: number) => Array.from({ length: n }, (_, i) => `/${i + 1}`);

/** RFC 9112 sections 9.3 to 9.6: several requests on one connection. */
export const PIPELINING: readonly Case[] = [
  forwarded('two requests in one piece', '9112 9.3.2', get('/1') + get('/2'), [
    'GET /1 HTTP/1.1',
    'GET /2 HTTP/1.1',
  ]),
  forwarded(
    'twenty requests',
    '9112 9.3.2',
    numbered(20)
      .map(target => get(target))
      .join(''),
    numbered(20).map(target => `GET ${target} HTTP/1.1`),
  ),
  forwarded(
    'more requests than are held at a time',
    '9112 9.3.2',
    numbered(400)
      .map(target => get(target, `A: ${'a'.repeat(300)}`))
      .join(''),
    numbered(400).map(target => `GET ${target} HTTP/1.1`),
  ),
  forwarded(
    'one after another',
    '9112 9.3',
    [get('/1'), answers(1), get('/2'), answers(2), get('/3')],
    ['GET /1 HTTP/1.1', 'GET /2 HTTP/1.1', 'GET /3 HTTP/1.1'],
    { upstreamThen: 'reused' },
  ),
  outcome(
    'answers keep the order of their requests though the first is slow',
    '9112 9.3.2',
    get('/slow') + get('/fast'),
    [
      {
        reaches: [{ line: 'GET /slow HTTP/1.1' }, { line: 'GET /fast HTTP/1.1' }],
        sees: [
          { status: 200, body: 'slow' },
          { status: 200, body: 'GET /fast' },
        ],
      },
    ],
    { upstream: [[pause(50), ok('slow')]] },
  ),
  forwarded(
    'bodies of either framing between others',
    '9112 9.3.2',
    get('/1') + post(['Content-Length: 5'], 'hello', '/2') + chunked('3\r\nyou\r\n0\r\n\r\n') + get('/3'),
    [
      'GET /1 HTTP/1.1',
      { line: 'POST /2 HTTP/1.1', body: 'hello' },
      { line: 'POST /post HTTP/1.1', body: 'you' },
      'GET /3 HTTP/1.1',
    ],
  ),
  forwarded('HEAD between others', '9110 9.3.2', get('/1') + head('HEAD /2 HTTP/1.1') + get('/3'), [
    'GET /1 HTTP/1.1',
    'HEAD /2 HTTP/1.1',
    'GET /3 HTTP/1.1',
  ]),
  forwarded(
    'a request in two halves behind another',
    '9112 9.3.2',
    [`${get('/1')}GET /2 HT`, answers(1), 'TP/1.1\r\nHost: up\r\n\r\n'],
    ['GET /1 HTTP/1.1', 'GET /2 HTTP/1.1'],
  ),
  outcome(
    'nothing is read behind Connection: close',
    '9112 9.6',
    get('/1', 'Connection: close') + get('/2'),
    [{ reaches: [{ line: 'GET /1 HTTP/1.1' }], sees: [{ status: 200, body: 'GET /1' }], then: 'closed' }],
  ),
  outcome('nothing is read behind an HTTP/1.0 request', '9112 9.3', head('GET /1 HTTP/1.0') + get('/2'), [
    { reaches: [{ line: 'GET /1 HTTP/1.1' }], sees: [{ status: 200, body: 'GET /1' }], then: 'closed' },
  ]),
  outcome('a malformed request behind a good one', '9112 9.3.2', get('/1') + get('/2', 'B : x') + get('/3'), [
    {
      reaches: [{ line: 'GET /1 HTTP/1.1' }],
      sees: [
        { status: 200, body: 'GET /1' },
        { status: 400, error: 'bad-request' },
      ],
      then: 'closed',
    },
  ]),
  outcome('garbage behind a good one', '9112 9.3.2', `${get('/1')}garbage\r\n\r\n`, [
    {
      reaches: [{ line: 'GET /1 HTTP/1.1' }],
      sees: [
        { status: 200, body: 'GET /1' },
        { status: 400, error: 'bad-request' },
      ],
      then: 'closed',
    },
  ]),
  outcome('a body longer than its length', '9112 6.3', post(['Content-Length: 5'], 'hello!!! \r\n\r\n'), [
    {
      reaches: [{ line: /./, body: 'hello' }],
      sees: [{ status: 200 }, { status: 400, error: 'bad-request' }],
      then: 'closed',
    },
  ]),
  ...['\x00', '\n', '\r', ' ', '\r\r\n', '\r\n\r', '\r\n\n'].map(bytes =>
    outcome(`${JSON.stringify(bytes)} between two requests`, '9112 2.2', get('/1') + bytes + get('/2'), [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'GET /1' },
          { status: 400, error: 'bad-request' },
        ],
        then: 'closed',
      },
    ]),
  ),
  outcome('a stray CR behind a chunked body', '9112 9.3.2', `${chunked('0\r\n\r\n')}\r${get('/2')}`, [
    {
      reaches: [{ line: 'POST /post HTTP/1.1' }],
      sees: [
        { status: 200, body: 'POST /post' },
        { status: 400, error: 'bad-request' },
      ],
      then: 'closed',
    },
  ]),
  outcome(
    'a malformed request behind a slow good one does not overtake it',
    '9112 9.3.2',
    get('/1') + get('/2', 'B : x'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'slow' },
          { status: 400, error: 'bad-request' },
        ],
        then: 'closed',
      },
    ],
    { upstream: [[pause(50), ok('slow')]] },
  ),
  outcome('a malformed chunk behind a good request', '9112 9.3.2', get('/1') + chunked('x\r\n'), [
    {
      reaches: [{ line: 'GET /1 HTTP/1.1' }],
      sees: [
        { status: 200, body: 'GET /1' },
        { status: 400, error: 'bad-request' },
      ],
      then: 'closed',
      unfinished: true,
    },
  ]),
  outcome(
    'an answer without a body before the next',
    '9112 6.3',
    get('/1') + get('/2'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 204, body: '' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
    { upstream: [['HTTP/1.1 204 No Content\r\n\r\n']] },
  ),
  outcome(
    '304 before the next',
    '9112 6.3',
    get('/1') + get('/2'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 304, body: '' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
    { upstream: [['HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n']] },
  ),
  outcome(
    'a failed request does not fail the next',
    '9112 9.3.2',
    get('/1') + get('/2'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 502, error: 'bad-response' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
    { upstream: [['nonsense\r\n\r\n']] },
  ),
  outcome(
    'requests do not reach the upstream before the body of the one before',
    '9112 9.3.2',
    [post(['Content-Length: 10'], 'hello', '/1'), pause(20), `world${get('/2')}`],
    [
      {
        reaches: [{ line: 'POST /1 HTTP/1.1', body: 'helloworld' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'POST /1' },
          { status: 200, body: 'GET /2' },
        ],
      },
    ],
  ),
  outcome(
    'an early answer before the body of its request',
    '9112 9.3',
    [head('POST /1 HTTP/1.1', 'Content-Length: 5'), answers(1), `hello${get('/2')}`],
    [
      {
        reaches: [{ line: 'POST /1 HTTP/1.1', body: 'hello' }, { line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'early' },
          { status: 200, body: 'GET /2' },
        ],
      },
      {
        unfinished: true,
        reaches: [{ line: 'GET /2 HTTP/1.1' }],
        sees: [
          { status: 200, body: 'early' },
          { status: 200, body: 'GET /2' },
        ],
      },
      { unfinished: true, sees: [{ status: 200, body: 'early' }], then: 'closed' },
    ],
    { upstream: [[AT_HEAD, ok('early')]] },
  ),
];
