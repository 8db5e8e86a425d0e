import { type Case, get, head, ok, outcome, passedOn } from '../case.ts';

/** An answer that nobody asked for. */
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const answer = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`;
const chunks = (body: string, ...lines: string[]) => answer('Transfer-Encoding: chunked', ...lines) + body;
const toHead = { request: head('HEAD /x HTTP/1.1') };

/** RFC 9112 section 6.3: answers that have no body, whatever they say or send. */
export const RESPONSE_WITHOUT_BODY: readonly Case[] = [
  passedOn(
    '204',
    '9112 6.3',
    'HTTP/1.1 204 No Content\r\n\r\n',
    { status: 204, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '304',
    '9112 6.3',
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
    { status: 304, body: '', fields: { etag: '"a"' } },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '304 with the length of what was not sent',
    '9110 8.6',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n',
    { status: 304, fields: { 'content-length': '100' } },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    '205 with a length of 0',
    '9110 15.3.6',
    'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
    { status: 205, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with the length of what was not sent',
    '9110 9.3.2',
    answer('Content-Length: 1000'),
    { status: 200, to: 'HEAD', fields: { 'content-length': '1000' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with chunks that were not sent',
    '9112 6.3',
    answer('Transfer-Encoding: chunked'),
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD with neither',
    '9112 6.3',
    answer('A: b'),
    { status: 200, to: 'HEAD', fields: { a: 'b' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  passedOn(
    'HEAD answered with 404 and a length',
    '9110 9.3.2',
    'HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n',
    { status: 404, to: 'HEAD', fields: { 'content-length': '9' } },
    { ...toHead, upstreamThen: 'reused' },
  ),
  outcome(
    'HEAD with a malformed length',
    '9112 6.3',
    head('HEAD /x HTTP/1.1'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 502, error: 'bad-response', to: 'HEAD' }],
        upstreamThen: 'closed',
      },
    ],
    { upstream: [[answer('Content-Length: x')]] },
  ),
  ...(
    [
      ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n', 204],
      ['204 with a length of 0', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', 204],
      ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', 204],
      ['304 with chunks', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 304],
    ] as const
  ).map(([name, bytes, status]) =>
    outcome(
      `${name} has no body all the same`,
      '9112 6.3',
      get('/x'),
      [
        { reaches: [{ line: /./ }], sees: [{ status, body: '', error: null }] },
        { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
      ],
      { upstream: [[bytes]] },
    ),
  ),
  passedOn(
    'a HEAD answered with a body',
    '9112 6.3',
    `${answer('Content-Length: 4')}evil`,
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    'a HEAD answered with chunks',
    '9112 6.3',
    chunks('4\r\nevil\r\n0\r\n\r\n'),
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    'a HEAD answered with a body that is an answer',
    '9112 11.1',
    `${answer(`Content-Length: ${EVIL.length}`)}${EVIL}`,
    { status: 200, to: 'HEAD' },
    { ...toHead, upstreamThen: 'closed' },
  ),
  passedOn(
    '204 with a body',
    '9112 6.3',
    'HTTP/1.1 204 No Content\r\n\r\nevil',
    { status: 204, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '204 with another answer',
    '9112 11.1',
    `HTTP/1.1 204 No Content\r\n\r\n${EVIL}`,
    { status: 204, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '304 with a body',
    '9112 6.3',
    'HTTP/1.1 304 Not Modified\r\n\r\nevil',
    { status: 304, body: '' },
    { upstreamThen: 'closed' },
  ),
  passedOn(
    '304 with another answer',
    '9112 11.1',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n${EVIL}`,
    { status: 304, body: '' },
    { upstreamThen: 'closed' },
  ),
  outcome(
    'a HEAD between two GETs, and its length is not read',
    '9110 9.3.2',
    get('/1') + head('HEAD /2 HTTP/1.1') + get('/3'),
    [
      {
        reaches: [{ line: 'GET /1 HTTP/1.1' }, { line: 'HEAD /2 HTTP/1.1' }, { line: 'GET /3 HTTP/1.1' }],
        sees: [{ status: 200 }, { status: 200, to: 'HEAD' }, { status: 200, body: 'GET /3' }],
      },
    ],
    { upstream: [[ok('one')], [answer('Content-Length: 500')]] },
  ),
];
