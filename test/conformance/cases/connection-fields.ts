import { type Case, forwarded, get, head, ok, outcome, passedOn, post, refusedOrForwarded } from '../case.ts';

/** RFC 9110 section 7.6.1: what concerns one connection goes no further, and what does not is kept. */
export const CONNECTION_FIELDS: readonly Case[] = [
  // Requests: Connection
  forwarded(
    'a nominated field goes no further',
    '9110 7.6.1',
    get('/c', 'Connection: X-Hop', 'X-Hop: a', 'X-End: b'),
    { line: /./, fields: { 'x-hop': null, 'x-end': 'b' } },
  ),
  forwarded('a field nominated in another case', '9110 7.6.1', get('/c', 'Connection: x-HOP', 'X-Hop: a'), {
    line: /./,
    fields: { 'x-hop': null },
  }),
  forwarded(
    'all fields of a nominated name',
    '9110 7.6.1',
    get('/c', 'X-Hop: a', 'Connection: X-Hop', 'x-hop: b'),
    { line: /./, fields: { 'x-hop': null } },
  ),
  forwarded(
    'several nominated fields',
    '9110 7.6.1',
    get('/c', 'Connection: X-A, X-B ,X-C', 'X-A: 1', 'X-B: 2', 'X-C: 3', 'X-D: 4'),
    {
      line: /./,
      fields: { 'x-a': null, 'x-b': null, 'x-c': null, 'x-d': '4' },
    },
  ),
  forwarded(
    'several Connection fields',
    '9110 7.6.1',
    get('/c', 'Connection: X-A', 'Connection: X-B', 'X-A: 1', 'X-B: 2'),
    { line: /./, fields: { 'x-a': null, 'x-b': null } },
  ),
  forwarded(
    'empty members of Connection',
    '9110 5.6.1',
    get('/c', 'Connection: , X-A,, ,X-B,', 'X-A: 1', 'X-B: 2'),
    { line: /./, fields: { 'x-a': null, 'x-b': null } },
  ),
  forwarded('an empty Connection', '9110 5.6.1', get('/c', 'Connection:'), 'GET /c HTTP/1.1'),
  forwarded(
    'a nominated field that is not there',
    '9110 7.6.1',
    get('/c', 'Connection: X-None'),
    'GET /c HTTP/1.1',
  ),
  forwarded(
    'keep-alive with a nominated field',
    '9110 7.6.1',
    get('/c', 'Connection: keep-alive, X-Hop', 'X-Hop: a'),
    { line: /./, fields: { 'x-hop': null } },
  ),
  refusedOrForwarded('nominated: Host stays', '9110 7.6.1', get('/c', 'Connection: Host'), {
    line: /./,
    fields: { host: 'up' },
  }),
  refusedOrForwarded(
    'nominated: Content-Length stays',
    '9110 7.6.1',
    post(['Connection: Content-Length', 'Content-Length: 5'], 'hello'),
    { line: /./, body: 'hello', framing: 'length' },
  ),
  refusedOrForwarded(
    'nominated: Transfer-Encoding still frames',
    '9110 7.6.1',
    post(['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n'),
    { line: /./, body: 'hello' },
  ),
  refusedOrForwarded('nominated: Connection itself', '9110 7.6.1', get('/c', 'Connection: Connection'), {
    line: /./,
    fields: { host: 'up' },
  }),
  refusedOrForwarded('nominated: Via is still added', '9110 7.6.3', get('/c', 'Connection: Via'), {
    line: /./,
    fields: { via: '1.1 outrider' },
  }),
  refusedOrForwarded(
    'nominated: everything that frames',
    '9110 7.6.1',
    post(['Connection: close, content-length, transfer-encoding, host, via', 'Content-Length: 5'], 'hello'),
    {
      line: /./,
      body: 'hello',
      fields: { host: 'up' },
    },
    400,
    { then: 'closed' },
  ),
  refusedOrForwarded('a malformed Connection', '9110 7.6.1', get('/c', 'Connection: a b; c', 'X-End: d'), {
    line: /./,
    fields: { 'x-end': 'd' },
  }),
  ...['close', 'Close', 'CLOSE', 'keep-alive, close', 'close, keep-alive', 'X-A,close'].map(value =>
    outcome(`Connection: ${value}: answered and closed`, '9112 9.6', get('/c', `Connection: ${value}`), [
      {
        reaches: [{ line: 'GET /c HTTP/1.1' }],
        sees: [{ status: 200, body: 'GET /c', fields: { connection: /^close$/i } }],
        then: 'closed',
      },
    ]),
  ),
  outcome(
    'close on the second of two Connection fields',
    '9112 9.6',
    get('/c', 'Connection: X-A', 'Connection: close'),
    [
      {
        reaches: [{ line: 'GET /c HTTP/1.1' }],
        sees: [{ status: 200, fields: { connection: /close/i } }],
        then: 'closed',
      },
    ],
  ),
  forwarded(
    'the client closes, the upstream need not',
    '9110 7.6.1',
    get('/c', 'Connection: close'),
    'GET /c HTTP/1.1',
    { then: 'closed', upstreamThen: 'reused' },
  ),
  forwarded(
    'Connection: closed is another option',
    '9112 9.3',
    get('/c', 'Connection: closed'),
    'GET /c HTTP/1.1',
  ),

  // Requests: fields that concern one connection, nominated or not
  ...[
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Connection: close',
    'TE: gzip',
    'TE: gzip;q=0.5, deflate',
    'Upgrade: websocket',
    'Upgrade: TLS/1.2',
  ].map(line =>
    forwarded(`${line} goes no further`, '9110 7.6.1', get('/c', line), {
      line: /./,
      fields: { [line.split(':')[0].toLowerCase()]: null },
    }),
  ),
  forwarded(
    "TE: trailers, nominated, is dropped or sent as the sidecar's own",
    '9110 10.1.4',
    get('/c', 'Connection: TE', 'TE: trailers'),
    'GET /c HTTP/1.1',
  ),
  forwarded(
    'of TE at most trailers goes further',
    '9110 10.1.4',
    get('/c', 'Connection: TE', 'TE: gzip, trailers;q=1, chunked'),
    'GET /c HTTP/1.1',
  ),
  forwarded(
    'Proxy-Authorization and Cookie are no field of a connection',
    '9110 11.7.2',
    get('/c', 'Cookie: a=b', 'Cookie: c=d'),
    { line: /./, fields: { cookie: ['a=b', 'c=d'] } },
  ),

  // Answers
  passedOn(
    'a field that the upstream nominates goes no further',
    '9110 7.6.1',
    ok('x', 'Connection: X-Hop', 'X-Hop: a', 'X-End: b'),
    {
      status: 200,
      fields: { 'x-hop': null, 'x-end': 'b' },
    },
  ),
  passedOn(
    "fields of the upstream's connection go no further",
    '9110 7.6.1',
    ok('x', 'Keep-Alive: timeout=5, max=9', 'Proxy-Connection: keep-alive', 'Connection: keep-alive'),
    {
      status: 200,
      fields: { 'keep-alive': null, 'proxy-connection': null },
    },
  ),
  passedOn(
    "Upgrade in an answer that switches nothing is the upstream's alone",
    '9110 7.6.1',
    ok('x', 'Connection: Upgrade', 'Upgrade: h2c'),
    { status: 200, body: 'x' },
  ),
  passedOn(
    'nominated in an answer: Content-Length still frames',
    '9110 7.6.1',
    ok('x', 'Connection: Content-Length'),
    { status: 200, body: 'x' },
  ),
  passedOn(
    'the upstream closes, the client need not',
    '9112 9.6',
    ok('x', 'Connection: close'),
    { status: 200, body: 'x', fields: { connection: null } },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'the upstream closes without another word, the client need not',
    '9112 9.6',
    ok('x', 'Connection: keep-alive, CLOSE'),
    { status: 200, body: 'x' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    'answers keep the order and case of their fields',
    '9110 5.3',
    ok('x', 'sEt-Cookie: a=1', 'X-A: 1', 'Set-Cookie: b=2', 'WWW-Authenticate: Basic'),
    {
      status: 200,
      fields: { 'set-cookie': ['a=1', 'b=2'], 'x-a': '1', 'www-authenticate': 'Basic' },
    },
  ),
  passedOn(
    'a Date is added where there is none',
    '9110 6.6.1',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
    {
      status: 200,
      fields: {
        date: /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] [A-Z][a-z]{2} 20[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT$/,
      },
    },
  ),
  passedOn('a Date stays as it is', '9110 6.6.1', ok('x', 'Date: Sun, 06 Nov 1994 08:49:37 GMT'), {
    status: 200,
    fields: { date: 'Sun, 06 Nov 1994 08:49:37 GMT' },
  }),
  passedOn(
    'Server and cache fields stay as they are',
    '9110 7.7',
    ok('x', 'Server: a/1', 'Age: 5', 'Cache-Control: no-transform', 'ETag: "x"', 'Content-Encoding: gzip'),
    {
      status: 200,
      body: 'x',
      fields: {
        server: 'a/1',
        age: '5',
        'cache-control': 'no-transform',
        etag: '"x"',
        'content-encoding': 'gzip',
      },
    },
  ),
  outcome('a refusal has a Date', '9110 6.6.1', get('/c', 'B : x'), [
    { sees: [{ status: 400, error: 'bad-request', fields: { date: /GMT$/ } }], then: 'closed' },
  ]),

  // HTTP/1.0 clients
  outcome(
    'HTTP/1.0 with keep-alive is no persistent connection of a proxy',
    '9112 9.3',
    head('GET http://up/k HTTP/1.0', 'Connection: keep-alive'),
    [{ reaches: [{ line: 'GET /k HTTP/1.1' }], sees: [{ status: 200, body: 'GET /k' }], then: 'closed' }],
  ),
  outcome(
    'HTTP/1.0 with keep-alive: kept only if the answer says so',
    '9112 9.3',
    head('GET /k HTTP/1.0', 'Connection: keep-alive'),
    [
      {
        reaches: [{ line: 'GET /k HTTP/1.1' }],
        sees: [{ status: 200, body: 'GET /k', fields: { connection: /keep-alive/i } }],
        then: 'open',
      },
      {
        reaches: [{ line: 'GET /k HTTP/1.1' }],
        sees: [{ status: 200, body: 'GET /k', fields: {} }],
        then: 'closed',
      },
    ],
  ),
  outcome(
    'HTTP/1.0 with Proxy-Connection: keep-alive',
    '9112 9.3',
    head('GET /k HTTP/1.0', 'Proxy-Connection: keep-alive'),
    [{ reaches: [{ line: 'GET /k HTTP/1.1' }], sees: [{ status: 200, body: 'GET /k' }], then: 'closed' }],
  ),
];
