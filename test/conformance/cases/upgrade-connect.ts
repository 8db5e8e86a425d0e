import {
  answers,
  type Case,
  END,
  ENDED,
  forwarded,
  get,
  head,
  hear,
  ok,
  outcome,
  pause,
  RESET,
  refused,
  TUNNEL,
} from '../case.ts';

const WEBSOCKET = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const upgrade = get('/ws', ...WEBSOCKET);
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';
const UPGRADED = {
  line: 'GET /ws HTTP/1.1',
  fields: { upgrade: 'websocket', connection: /upgrade/i, 'sec-websocket-version': '13' },
} as const;
const SWITCHED = {
  status: 101,
  fields: { upgrade: 'websocket', connection: /upgrade/i, 'sec-websocket-accept': 'x' },
} as const;

/** RFC 9110 sections 7.8 and 9.3.6: connections that turn into tunnels, and those that do not. */
export const UPGRADE_CONNECT: readonly Case[] = [
  outcome(
    'a WebSocket',
    '9110 7.8',
    [upgrade, answers(1), 'ping', hear('pong')],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel' }],
    {
      upstream: [[TUNNEL, SWITCHING, hear('ping'), 'pong']],
    },
  ),
  outcome(
    'what looks like requests is not read in a tunnel',
    '9110 7.8',
    [upgrade, answers(1), get('/smuggled'), hear('seen')],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel' }],
    {
      upstream: [[TUNNEL, SWITCHING, hear('GET /smuggled HTTP/1.1\r\nHost: up\r\n\r\n'), 'seen']],
    },
  ),
  outcome(
    'bytes that come with the 101',
    '9110 7.8',
    [upgrade, hear('hello')],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel' }],
    {
      upstream: [[TUNNEL, `${SWITCHING}hello`]],
    },
  ),
  outcome(
    'bytes that come with the request wait for the 101',
    '9110 7.8',
    [`${upgrade}early`, hear('seen')],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel' }],
    {
      upstream: [[pause(20), TUNNEL, SWITCHING, hear('early'), 'seen']],
    },
  ),
  outcome(
    'an upgrade behind another request',
    '9110 7.8',
    [get('/1') + upgrade, answers(2), 'ping', hear('pong')],
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, UPGRADED],
        sees: [{ status: 200, body: 'GET /1' }, SWITCHED],
        then: 'tunnel',
      },
    ],
    { upstream: [[ok('GET /1')], [TUNNEL, SWITCHING, hear('ping'), 'pong']] },
  ),
  outcome(
    'options beside Upgrade in a 101',
    '9110 7.6.1',
    [upgrade, answers(1)],
    [
      {
        reaches: [UPGRADED],
        sees: [{ ...SWITCHED, fields: { upgrade: 'websocket', 'x-hop': null, 'keep-alive': null } }],
        then: 'tunnel',
      },
    ],
    {
      upstream: [
        [
          TUNNEL,
          SWITCHING.replace(
            'Connection: Upgrade',
            'Connection: X-Hop, Upgrade, Keep-Alive\r\nX-Hop: a\r\nKeep-Alive: b',
          ),
        ],
      ],
    },
  ),
  outcome(
    'the client closes its half of a tunnel',
    '9110 7.8',
    [upgrade, answers(1), 'ping', END, hear('bye')],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel' }],
    {
      upstream: [[TUNNEL, SWITCHING, hear('ping'), ENDED, 'bye', END]],
    },
  ),
  outcome(
    'the upstream closes its half of a tunnel',
    '9110 7.8',
    [upgrade, answers(1), ENDED, 'still here', pause(20), END],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'tunnel', upstreamThen: 'closed' }],
    { upstream: [[TUNNEL, SWITCHING, END, hear('still here')]] },
  ),
  outcome(
    'the upstream resets a tunnel',
    '9110 7.8',
    [upgrade, answers(1), ENDED],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'closed', upstreamThen: 'closed' }],
    {
      upstream: [[TUNNEL, SWITCHING, pause(20), RESET]],
    },
  ),
  outcome(
    'the client resets a tunnel',
    '9110 7.8',
    [upgrade, answers(1), RESET],
    [{ reaches: [UPGRADED], sees: [SWITCHED], then: 'closed', upstreamThen: 'closed' }],
    {
      upstream: [[TUNNEL, SWITCHING]],
    },
  ),
  outcome(
    'the names of the protocols and options in another case',
    '9110 7.8',
    [get('/ws', 'connection: keep-alive, UPGRADE', 'upgrade: WebSocket'), answers(1)],
    [
      {
        reaches: [{ line: /./, fields: { upgrade: /^websocket$/i, connection: /upgrade/i } }],
        sees: [{ status: 101 }],
        then: 'tunnel',
      },
    ],
    { upstream: [[TUNNEL, SWITCHING]] },
  ),
  ...(
    [
      ['200', ok('plain')],
      ['400', 'HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nplain'],
      [
        '426',
        'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 5\r\n\r\nplain',
      ],
    ] as const
  ).map(([status, answer]) =>
    outcome(
      `an upgrade answered with ${status} switches nothing`,
      '9110 7.8',
      [upgrade, answers(1), get('/next')],
      [
        {
          reaches: [UPGRADED, { line: 'GET /next HTTP/1.1' }],
          sees: [
            { status: Number(status), body: 'plain' },
            { status: 200, body: 'GET /next' },
          ],
        },
      ],
      { upstream: [[answer]] },
    ),
  ),
  outcome(
    'requests behind an upgrade that is not granted',
    '9110 7.8',
    upgrade + get('/next'),
    [
      {
        reaches: [UPGRADED, { line: 'GET /next HTTP/1.1' }],
        sees: [
          { status: 200, body: 'plain' },
          { status: 200, body: 'GET /next' },
        ],
      },
      // They may have been the tunnel's bytes: closing is the careful way.
      { reaches: [UPGRADED], sees: [{ status: 200, body: 'plain' }], then: 'closed' },
    ],
    { upstream: [[ok('plain')]] },
  ),
  forwarded('Upgrade without its connection option', '9110 7.8', get('/ws', 'Upgrade: websocket'), {
    line: /./,
    fields: { upgrade: null },
  }),
  forwarded('the connection option without Upgrade', '9110 7.6.1', get('/ws', 'Connection: Upgrade'), {
    line: /./,
    fields: { upgrade: null },
  }),
  forwarded(
    'an upgrade in HTTP/1.0 is ignored',
    '9110 7.8',
    head('GET /ws HTTP/1.0', ...WEBSOCKET),
    { line: /./, fields: { upgrade: null } },
    { then: 'closed' },
  ),
  forwarded(
    'an upgrade on a request with a body is not passed on',
    '9110 7.8',
    `${head('POST /ws HTTP/1.1', ...WEBSOCKET, 'Content-Length: 5')}hello`,
    { line: /./, body: 'hello', fields: { upgrade: null } },
  ),
  forwarded(
    'an upgrade on a request with chunks is not passed on',
    '9110 7.8',
    `${head('POST /ws HTTP/1.1', ...WEBSOCKET, 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    {
      line: /./,
      body: 'hello',
      fields: { upgrade: null },
    },
  ),
  forwarded(
    'h2c is not passed on',
    '9113 3.1',
    get(
      '/',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    ),
    {
      line: /./,
      fields: { upgrade: null, 'http2-settings': null },
    },
  ),
  forwarded(
    'h2c beside another protocol is not passed on',
    '9113 3.1',
    get('/', 'Connection: Upgrade', 'Upgrade: websocket, h2c'),
    { line: /./, fields: { upgrade: /^(?!.*h2c)/ } },
  ),
  forwarded(
    'h2c without its settings is not passed on',
    '9113 3.1',
    get('/', 'Connection: Upgrade', 'Upgrade: h2c'),
    { line: /./, fields: { upgrade: null } },
  ),
  outcome(
    '101 that nobody asked for',
    '9110 7.8',
    get('/x'),
    [{ reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' }],
    {
      upstream: [[SWITCHING]],
    },
  ),
  outcome(
    '101 to another protocol than asked for',
    '9110 7.8',
    upgrade,
    [{ reaches: [UPGRADED], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' }],
    {
      upstream: [[SWITCHING.replace('Upgrade: websocket', 'Upgrade: other')]],
    },
  ),
  outcome(
    '101 that does not say to what',
    '9110 15.2.2',
    upgrade,
    [{ reaches: [UPGRADED], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' }],
    {
      upstream: [['HTTP/1.1 101 Switching Protocols\r\n\r\n']],
    },
  ),
  outcome(
    '101 with a length',
    '9112 6.3',
    [upgrade, hear('tunnel')],
    [
      { reaches: [UPGRADED], sees: [{ status: 101, fields: { 'content-length': null } }], then: 'tunnel' },
      { reaches: [UPGRADED], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    { upstream: [[TUNNEL, `${SWITCHING.replace('\r\n\r\n', '\r\nContent-Length: 3\r\n\r\n')}tunnel`]] },
  ),

  // CONNECT
  outcome(
    'CONNECT to an upstream is a tunnel',
    '9110 9.3.6',
    ['CONNECT up:443 HTTP/1.1\r\nHost: up:443\r\n\r\n', answers(1), get('/inside', 'A:b')],
    [
      {
        reaches: [{ line: 'GET /inside HTTP/1.1', fields: { via: null, a: 'b' } }],
        sees: [
          { status: 200, to: 'CONNECT', error: null },
          { status: 200, body: 'GET /inside' },
        ],
        then: 'either',
      },
    ],
  ),
  outcome(
    "bytes that come with the CONNECT are the tunnel's",
    '9110 9.3.6',
    [`CONNECT up:443 HTTP/1.1\r\nHost: up:443\r\n\r\n${get('/inside', 'A:b')}`],
    [
      {
        reaches: [{ line: 'GET /inside HTTP/1.1', fields: { via: null, a: 'b' } }],
        sees: [
          { status: 200, to: 'CONNECT', error: null },
          { status: 200, body: 'GET /inside' },
        ],
        then: 'either',
      },
    ],
  ),
  ...['Content-Length: 5', 'Transfer-Encoding: chunked', 'Content-Length: 0'].map(line =>
    outcome(
      `CONNECT with ${line} has no body`,
      '9110 9.3.6',
      [`CONNECT up:443 HTTP/1.1\r\nHost: up:443\r\n${line}\r\n\r\n`, answers(1), get('/inside')],
      [
        {
          reaches: [{ line: 'GET /inside HTTP/1.1' }],
          sees: [
            { status: 200, to: 'CONNECT', error: null },
            { status: 200, body: 'GET /inside' },
          ],
          then: 'either',
        },
        { sees: [{ status: 400, to: 'CONNECT' }], then: 'closed' },
      ],
    ),
  ),
  ...[
    'up',
    'up:',
    ':443',
    ':',
    'up:0',
    'up:x',
    'up:-443',
    'up:+443',
    'up:65536',
    'up:4294967739',
    'up:443x',
    'up:0x1bb',
    'up:443:443',
    'up:443/',
    'up:443?a',
    'up:443#a',
    'user@up:443',
    '/',
    '/up:443',
    '*',
    'http://up:443/',
    'http://up:443',
    'up:443,other:443',
    'u\x00p:443',
    '[::1:443',
    '::1:443',
    '[up]:443',
  ].map(target =>
    refused(
      `CONNECT ${JSON.stringify(target)}`,
      '9110 9.3.6',
      `CONNECT ${target} HTTP/1.1\r\nHost: up\r\n\r\n`,
    ),
  ),
  outcome(
    'CONNECT behind another request',
    '9110 9.3.6',
    `${get('/1')}CONNECT up:443 HTTP/1.1\r\nHost: up:443\r\n\r\n${get('/inside')}`,
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'GET /inside HTTP/1.1', fields: { via: null } }],
        sees: [
          { status: 200, body: 'GET /1' },
          { status: 200, to: 'CONNECT', error: null },
          { status: 200, body: 'GET /inside' },
        ],
        then: 'either',
      },
    ],
  ),
  refused('CONNECT without Host', '9112 3.2', 'CONNECT up:443 HTTP/1.1\r\n\r\n'),
  refused('CONNECT in HTTP/2.0', '9110 15.6.6', 'CONNECT up:443 HTTP/2.0\r\nHost: up:443\r\n\r\n', 505),
  outcome(
    'CONNECT to a port that is not allowed',
    '9110 9.3.6',
    'CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\n\r\n',
    [{ sees: [{ status: [400, 403, 404, 405, 501], error: /./, to: 'CONNECT' }], then: 'closed' }],
  ),
  outcome(
    'what follows a CONNECT that is not allowed is no request',
    '9110 9.3.6',
    [`CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\n\r\n${get('/smuggled')}`, pause(10)],
    [{ sees: [{ status: [400, 403, 404, 405, 501], error: /./, to: 'CONNECT' }], then: 'closed' }],
  ),
  outcome(
    'CONNECT with a length',
    '9110 9.3.6',
    ['CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\nContent-Length: 5\r\n\r\nhello', pause(10)],
    [{ sees: [{ status: [400, 403, 404, 405, 501], error: /./, to: 'CONNECT' }], then: 'closed' }],
  ),
];
