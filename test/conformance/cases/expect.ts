import {
  AT_HEAD,
  answers,
  BODY,
  type Case,
  forwarded,
  get,
  head,
  outcome,
  passedOn,
  post,
  reached,
  refusedOrForwarded,
} from '../case.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone';
const REFUSED = 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno';
const SMUGGLED = get('/smuggled');
const expecting = (value = '100-continue', length = 5) =>
  head('POST /e HTTP/1.1', `Expect: ${value}`, `Content-Length: ${length}`);
const HELLO = { line: 'POST /e HTTP/1.1', body: 'hello' } as const;

/** RFC 9110 sections 10.1.1 and 15.2: Expect, and interim answers. */
export const EXPECT: readonly Case[] = [
  outcome(
    'the upstream asks for the body',
    '9110 10.1.1',
    [expecting(), answers(1), 'hello'],
    [
      {
        reaches: [{ ...HELLO, fields: { expect: /^100-continue$/i } }],
        sees: [{ status: 100 }, { status: 200, body: 'done' }],
      },
    ],
    { upstream: [[AT_HEAD, CONTINUE, BODY, OK]] },
  ),
  outcome(
    'the upstream asks for a chunked body',
    '9110 10.1.1',
    [
      head('POST /e HTTP/1.1', 'Expect: 100-continue', 'Transfer-Encoding: chunked'),
      answers(1),
      '5\r\nhello\r\n0\r\n\r\n',
    ],
    [{ reaches: [HELLO], sees: [{ status: 100 }, { status: 200, body: 'done' }] }],
    { upstream: [[AT_HEAD, CONTINUE, BODY, OK]] },
  ),
  outcome(
    'the expectation in another case',
    '9110 10.1.1',
    [expecting('100-Continue'), answers(1), 'hello'],
    [{ reaches: [HELLO], sees: [{ status: 100 }, { status: 200, body: 'done' }] }],
    { upstream: [[AT_HEAD, CONTINUE, BODY, OK]] },
  ),
  outcome(
    'the client does not wait',
    '9110 10.1.1',
    [`${expecting()}hello`],
    [
      { reaches: [HELLO], sees: [{ status: 100 }, { status: 200, body: 'done' }] },
      { reaches: [HELLO], sees: [{ status: 200, body: 'done' }] },
    ],
    { upstream: [[AT_HEAD, CONTINUE, BODY, OK]] },
  ),
  outcome(
    'the head reaches the upstream although the body does not come',
    '9110 10.1.1',
    [expecting(), reached(1), 'hello'],
    [{ reaches: [HELLO], sees: [{ status: 200, body: 'POST /e' }] }],
  ),
  outcome(
    'the upstream refuses, the body never comes',
    '9110 10.1.1',
    [expecting(), answers(1)],
    [
      {
        unfinished: true,
        sees: [{ status: 401, body: 'no', error: null, fields: { connection: /close/i } }],
        then: 'closed',
      },
    ],
    { upstream: [[AT_HEAD, REFUSED]] },
  ),
  outcome(
    'the upstream refuses, and the body that comes all the same is no request',
    '9110 10.1.1',
    [expecting('100-continue', SMUGGLED.length), answers(1), SMUGGLED],
    [
      { unfinished: true, sees: [{ status: 401, body: 'no' }], then: 'closed' },
      {
        reaches: [{ line: 'POST /e HTTP/1.1', body: SMUGGLED }],
        sees: [{ status: 401, body: 'no' }],
        then: 'either',
      },
    ],
    { upstream: [[AT_HEAD, REFUSED]] },
  ),
  outcome(
    'the upstream refuses with the whole body here already',
    '9110 10.1.1',
    [`${expecting('100-continue', SMUGGLED.length)}${SMUGGLED}`],
    [
      { unfinished: true, sees: [{ status: 401, body: 'no' }], then: 'either' },
      {
        reaches: [{ line: 'POST /e HTTP/1.1', body: SMUGGLED }],
        sees: [{ status: 401, body: 'no' }],
        then: 'either',
      },
    ],
    { upstream: [[AT_HEAD, REFUSED]] },
  ),
  outcome(
    'the client takes the refusal for the end, and sends its next request',
    '9110 10.1.1',
    [expecting('100-continue', 500), answers(1), get('/next')],
    [{ unfinished: true, sees: [{ status: 401, body: 'no' }], then: 'closed' }],
    { upstream: [[AT_HEAD, REFUSED]] },
  ),
  forwarded(
    'an expectation without a body',
    '9110 10.1.1',
    get('/e', 'Expect: 100-continue'),
    'GET /e HTTP/1.1',
  ),
  outcome(
    'an expectation without a body, and the upstream says 100',
    '9110 10.1.1',
    get('/e', 'Expect: 100-continue'),
    [
      { reaches: [{ line: 'GET /e HTTP/1.1' }], sees: [{ status: 100 }, { status: 200, body: 'done' }] },
      { reaches: [{ line: 'GET /e HTTP/1.1' }], sees: [{ status: 200, body: 'done' }] },
    ],
    { upstream: [[AT_HEAD, CONTINUE, OK]] },
  ),
  outcome('an expectation with a length of 0', '9110 10.1.1', expecting('100-continue', 0), [
    { reaches: [{ line: 'POST /e HTTP/1.1', body: '' }], sees: [{ status: 200 }] },
  ]),
  outcome(
    'an expectation in HTTP/1.0 is ignored, and the client sees no 100',
    '9110 10.1.1',
    `${head('POST /e HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 5')}hello`,
    [
      {
        reaches: [{ ...HELLO, fields: { expect: null } }],
        sees: [{ status: 200, body: 'done' }],
        then: 'closed',
      },
    ],
    { upstream: [[AT_HEAD, CONTINUE, BODY, OK]] },
  ),
  ...[
    '200-ok',
    'x 100-continue',
    '100-continue, x',
    'y=z',
    '100-continue;q=1',
    '100-continu',
    '"100-continue"',
    '',
  ].map(value =>
    outcome(
      `Expect: ${JSON.stringify(value)}: passed on or refused, and its body is a body`,
      '9110 10.1.1',
      `${expecting(value, SMUGGLED.length)}${SMUGGLED}`,
      [
        { reaches: [{ line: 'POST /e HTTP/1.1', body: SMUGGLED }], sees: [{ status: 200, body: 'POST /e' }] },
        { unfinished: true, sees: [{ status: [400, 417], error: 'bad-request' }], then: 'closed' },
      ],
    ),
  ),
  refusedOrForwarded(
    'Expect twice',
    '9110 10.1.1',
    `${head('POST /e HTTP/1.1', 'Expect: 100-continue', 'Expect: 100-continue', 'Content-Length: 5')}hello`,
    HELLO,
    [400, 417],
  ),

  // Interim answers
  passedOn('100 that nobody asked for', '9110 15.2', CONTINUE + OK, [
    { status: 100 },
    { status: 200, body: 'done' },
  ]),
  passedOn(
    '103 with its fields',
    '9110 15.2',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n${OK}`,
    [
      { status: 103, fields: { link: ['</a>', '</b>'] } },
      { status: 200, body: 'done' },
    ],
  ),
  passedOn('102', '9110 15.2', `HTTP/1.1 102 Processing\r\n\r\n${OK}`, [{ status: 102 }, { status: 200 }]),
  passedOn('an unknown 1xx', '9110 15.2', `HTTP/1.1 199 Odd\r\n\r\n${OK}`, [
    { status: 199 },
    { status: 200 },
  ]),
  passedOn('several of them', '9110 15.2', `${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${CONTINUE}${OK}`, [
    { status: 100 },
    { status: 103 },
    { status: 100 },
    { status: 200 },
  ]),
  passedOn(
    'hop-by-hop fields of an interim answer',
    '9110 7.6.1',
    `HTTP/1.1 103 Early Hints\r\nConnection: X-Hop\r\nX-Hop: a\r\nKeep-Alive: x\r\n\r\n${OK}`,
    [{ status: 103, fields: { 'x-hop': null, 'keep-alive': null } }, { status: 200 }],
  ),
  outcome(
    'an HTTP/1.0 client sees no interim answer',
    '9110 15.2',
    head('GET /e HTTP/1.0'),
    [{ reaches: [{ line: /./ }], sees: [{ status: 200, body: 'done' }], then: 'closed' }],
    { upstream: [[`${CONTINUE}HTTP/1.1 103 Early Hints\r\n\r\n${OK}`]] },
  ),
  outcome(
    'an interim answer has no body, whatever it says',
    '9112 6.3',
    get('/e'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [
          { status: 103, fields: { 'content-length': null } },
          { status: 200, body: 'done' },
        ],
      },
      { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    { upstream: [[`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${OK}`]] },
  ),
  outcome(
    'an interim answer is not chunked, whatever it says',
    '9112 6.1',
    get('/e'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [
          { status: 103, fields: { 'transfer-encoding': null } },
          { status: 200, body: 'done' },
        ],
      },
      { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    { upstream: [[`HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n${OK}`]] },
  ),
  outcome(
    'after an answer to a request that was still being sent, the rest of the body is read or the connection closed',
    '9112 9.3',
    [post(['Content-Length: 10'], 'hello'), answers(1), 'world', get('/next')],
    [
      {
        reaches: [{ line: 'POST /post HTTP/1.1', body: 'helloworld' }, { line: 'GET /next HTTP/1.1' }],
        sees: [
          { status: 200, body: 'done' },
          { status: 200, body: 'GET /next' },
        ],
      },
      {
        unfinished: true,
        reaches: [{ line: 'GET /next HTTP/1.1' }],
        sees: [
          { status: 200, body: 'done' },
          { status: 200, body: 'GET /next' },
        ],
      },
      { unfinished: true, sees: [{ status: 200, body: 'done' }], then: 'closed' },
    ],
    { upstream: [[AT_HEAD, OK]] },
  ),
];
