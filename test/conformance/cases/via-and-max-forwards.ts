import { type Case, forwarded, get, head, ok, outcome, passedOn, refusedOrForwarded } from '../case.ts';

/** RFC 9110 sections 7.6.2 and 7.6.3: what an intermediary counts and adds. */
export const VIA_AND_MAX_FORWARDS: readonly Case[] = [
  // Via
  forwarded('Via is added', '9110 7.6.3', get('/c'), { line: /./, fields: { via: '1.1 outrider' } }),
  forwarded('Via is added behind the others', '9110 7.6.3', get('/c', 'Via: 1.0 fred, 1.1 p.example.net'), {
    line: /./,
    fields: { via: ['1.0 fred', '1.1 p.example.net', '1.1 outrider'] },
  }),
  forwarded('Via on two lines keeps its order', '9110 7.6.3', get('/c', 'Via: 1.0 a', 'A: b', 'Via: 1.1 b'), {
    line: /./,
    fields: { via: ['1.0 a', '1.1 b', '1.1 outrider'] },
  }),
  forwarded(
    'Via says what version was received',
    '9110 7.6.3',
    head('GET /c HTTP/1.0'),
    { line: /./, fields: { via: '1.0 outrider' } },
    { then: 'closed' },
  ),
  passedOn('Via is added to answers', '9110 7.6.3', ok('x'), {
    status: 200,
    fields: { via: '1.1 outrider' },
  }),
  passedOn('Via is added behind the others in answers', '9110 7.6.3', ok('x', 'Via: 1.1 a'), {
    status: 200,
    fields: { via: ['1.1 a', '1.1 outrider'] },
  }),
  passedOn('Via of an HTTP/1.0 answer', '9110 7.6.3', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', {
    status: 200,
    body: 'x',
    fields: { via: '1.0 outrider' },
  }),

  // Max-Forwards
  forwarded(
    'OPTIONS counts Max-Forwards down',
    '9110 7.6.2',
    head('OPTIONS /m HTTP/1.1', 'Max-Forwards: 5'),
    { line: /./, fields: { 'max-forwards': '4' } },
  ),
  forwarded(
    'OPTIONS * counts Max-Forwards down',
    '9110 7.6.2',
    head('OPTIONS * HTTP/1.1', 'Max-Forwards: 1'),
    { line: 'OPTIONS * HTTP/1.1', fields: { 'max-forwards': '0' } },
  ),
  forwarded('TRACE counts Max-Forwards down', '9110 7.6.2', head('TRACE /m HTTP/1.1', 'Max-Forwards: 10'), {
    line: /./,
    fields: { 'max-forwards': '9' },
  }),
  forwarded('no Max-Forwards is invented', '9110 9.3.7', head('OPTIONS /m HTTP/1.1'), {
    line: /./,
    fields: { 'max-forwards': null },
  }),
  forwarded(
    'a Max-Forwards beyond all integers',
    '9110 7.6.2',
    head('OPTIONS /m HTTP/1.1', 'Max-Forwards: 99999999999999999999'),
    {
      line: /./,
      fields: { 'max-forwards': /^(?!99999999999999999999$)[0-9]{1,20}$/ },
    },
  ),
  forwarded('GET may leave Max-Forwards alone', '9110 7.6.2', get('/m', 'Max-Forwards: 0'), {
    line: /./,
    fields: { 'max-forwards': '0' },
  }),
  ...['OPTIONS /m', 'OPTIONS *'].map(start =>
    outcome(
      `${start} with Max-Forwards: 0 is answered here`,
      '9110 7.6.2',
      head(`${start} HTTP/1.1`, 'Max-Forwards: 0'),
      [{ sees: [{ status: [200, 204], fields: { date: /GMT$/ } }], then: 'open' }],
    ),
  ),
  // As the final recipient: reflected without what is secret, or not allowed.
  outcome(
    'TRACE with Max-Forwards: 0 is answered here',
    '9110 9.3.8',
    head(
      'TRACE /m HTTP/1.1',
      'Max-Forwards: 0',
      'X-Mine: a',
      'Cookie: s3cret',
      'Authorization: s3cret',
      'Proxy-Authorization: s3cret',
    ),
    [
      {
        sees: [
          {
            status: 200,
            fields: { 'content-type': 'message/http' },
            body: /^TRACE \/m HTTP\/1\.1\r\n(?=[\s\S]*X-Mine: a)(?![\s\S]*s3cret)/,
          },
        ],
        then: 'open',
      },
      { sees: [{ status: 405, fields: { allow: /./ } }], then: 'either' },
    ],
  ),
  outcome(
    'OPTIONS with Max-Forwards: 0 and a body: the body is no request',
    '9110 7.6.2',
    `${head('OPTIONS /m HTTP/1.1', 'Max-Forwards: 0', `Content-Length: ${get('/smuggled').length}`)}${get('/smuggled')}`,
    [{ sees: [{ status: [200, 204] }], then: 'either' }],
  ),
  outcome(
    'OPTIONS with Max-Forwards: 0 and chunks: they are no request',
    '9110 7.6.2',
    `${head('OPTIONS /m HTTP/1.1', 'Max-Forwards: 0', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    [{ sees: [{ status: [200, 204] }], then: 'either' }],
  ),
  ...['abc', '-1', '', '1.5', '5, 5', '+5', '0x5', '5 5'].map(value =>
    refusedOrForwarded(
      `Max-Forwards: ${JSON.stringify(value)}`,
      '9110 7.6.2',
      head('OPTIONS /m HTTP/1.1', `Max-Forwards: ${value}`),
      { line: 'OPTIONS /m HTTP/1.1' },
    ),
  ),
  refusedOrForwarded(
    'Max-Forwards twice',
    '9110 7.6.2',
    head('OPTIONS /m HTTP/1.1', 'Max-Forwards: 5', 'Max-Forwards: 0'),
    { line: 'OPTIONS /m HTTP/1.1' },
  ),
];
