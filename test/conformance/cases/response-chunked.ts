import {
  badAnswer,
  brokenBody,
  type Case,
  END,
  get,
  head,
  outcome,
  passedOn,
  pause,
  RESET,
} from '../case.ts';
import { DISGUISES } from './disguises.ts';

/** An answer that nobody asked for. */
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const answer = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`;
const chunks = (body: string, ...lines: string[]) => answer('Transfer-Encoding: chunked', ...lines) + body;

const toOld = { request: head('GET /x HTTP/1.0'), then: 'closed' } as const;

/** RFC 9112 sections 6.1 and 7.1 in the other direction: chunked answers. */
export const RESPONSE_CHUNKED: readonly Case[] = [
  passedOn(
    'chunks',
    '9112 7.1',
    chunks('2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n'),
    { status: 200, body: 'hello', framing: 'chunked' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'no chunk but the last',
    '9112 7.1',
    chunks('0\r\n\r\n'),
    { status: 200, body: '' },
    { upstreamThen: 'reused' },
  ),
  passedOn(
    'Transfer-Encoding in another case',
    '9112 7',
    `${answer('TRANSFER-ENCODING: Chunked')}5\r\nhello\r\n0\r\n\r\n`,
    { status: 200, body: 'hello' },
  ),
  passedOn(
    'chunks that are an answer',
    '9112 7.1',
    chunks(`${EVIL.length.toString(16)}\r\n${EVIL}\r\n0\r\n\r\n`),
    { status: 200, body: EVIL },
    { upstreamThen: 'reused' },
  ),
  passedOn('trailers', '9112 7.1.2', chunks('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n', 'Trailer: X-Sum'), {
    status: 200,
    body: 'hello',
    fields: { 'x-sum': null },
  }),
  outcome(
    'trailers for a client that takes them',
    '9110 6.5.1',
    get('/x', 'Connection: TE', 'TE: trailers'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, body: 'hello', trailers: { 'x-sum': 'abc' }, fields: { 'x-sum': null } }],
      },
    ],
    { upstream: [[chunks('5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n', 'Trailer: X-Sum')]] },
  ),
  outcome(
    'trailers that would frame',
    '9110 6.5.1',
    get('/x'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [
          {
            status: 200,
            body: 'hello',
            trailers: { 'content-length': null, 'transfer-encoding': null, connection: null },
          },
        ],
      },
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, truncated: true }],
        then: 'closed',
        upstreamThen: 'closed',
      },
      { reaches: [{ line: /./ }], sees: [{ status: 502, error: 'bad-response' }], upstreamThen: 'closed' },
    ],
    {
      upstream: [
        [
          chunks(
            '5\r\nhello\r\n0\r\nContent-Length: 4\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n',
          ),
        ],
      ],
    },
  ),
  passedOn(
    'chunks for an HTTP/1.0 client',
    '9112 6.1',
    chunks('2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: a\r\n\r\n'),
    {
      status: 200,
      body: 'hello',
      fields: { 'transfer-encoding': null },
      framing: 'close',
    },
    toOld,
  ),
  ...[
    'gzip',
    'gzip, chunked',
    'identity',
    'identity, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'chunked, identity',
    'xchunked',
    'chunk',
    '',
    ',chunked',
    'chunked;q=1',
    '"chunked"',
    '\x0bchunked',
    'chunked\x00',
    'chunked\r',
    '\nchunked',
    '\r\n chunked',
  ].map(value =>
    badAnswer(`Transfer-Encoding: ${JSON.stringify(value)}`, '9112 6.3', [
      `${answer(`Transfer-Encoding: ${value}`)}5\r\nhello\r\n0\r\n\r\n`,
      pause(10),
      END,
    ]),
  ),
  ...DISGUISES.map(([what, disguise]) =>
    badAnswer(
      `Content-Length, and Transfer-Encoding ${what}`,
      '9112 11.2',
      `${answer('Content-Length: 5', disguise('Transfer-Encoding', 'chunked'))}0\r\n\r\n`,
    ),
  ),
  badAnswer(
    'Transfer-Encoding twice',
    '9112 6.1',
    `${answer('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  badAnswer('Transfer-Encoding : chunked', '9112 5.1', `${answer('Transfer-Encoding : chunked')}0\r\n\r\n`),
  badAnswer(
    'Transfer-Encoding and Content-Length',
    '9112 6.3',
    `${answer('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
  ),
  badAnswer(
    'Content-Length and Transfer-Encoding',
    '9112 6.3',
    `${answer('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  badAnswer('Transfer-Encoding in HTTP/1.0', '9112 6.1', [
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    END,
  ]),
  ...[
    'x\r\nhello\r\n0\r\n\r\n',
    '\r\nhello\r\n0\r\n\r\n',
    '-5\r\nhello\r\n0\r\n\r\n',
    '+5\r\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
    ' 5\r\nhello\r\n0\r\n\r\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '5_0\r\nhello\r\n0\r\n\r\n',
    '10000000000000005\r\nhello\r\n0\r\n\r\n',
    '5\nhello\r\n0\r\n\r\n',
    '5\rhello\r\n0\r\n\r\n',
    '5;a\nb\r\nhello\r\n0\r\n\r\n',
    '5;a\x00\r\nhello\r\n0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhelloXX0\r\n\r\n',
    '5\r\nhello!\r\n0\r\n\r\n',
    '5\r\nhell\r\n0\r\n\r\n0\r\n\r\n',
    '5\r\nhello\r\n\r\n0\r\n\r\n',
    '5\r\nhello\r\n0\n\r\n',
    '5\r\nhello\r\n0\r\n\n',
    '5\r\nhello\r\n0\r\n\rX',
    '5\r\nhello\r\n0\r\nX-Sum : a\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-Sum: a\x00\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-Sum: a\r\n folded\r\n\r\n',
    '5\r\nhello\r\n0\r\nnonsense\r\n\r\n',
    `5\r\nhello\r\n0\r\n${EVIL}`,
    `5;${'a'.repeat(70_000)}\r\nhello\r\n0\r\n\r\n`,
  ].map(body =>
    brokenBody(`malformed chunks ${JSON.stringify(body.slice(0, 60))}`, '9112 7.1', chunks(body)),
  ),
  brokenBody('chunks break off between two', '9112 8', [chunks('5\r\nhello\r\n'), pause(10), END]),
  brokenBody('chunks break off within one', '9112 8', [chunks('5\r\nhel'), pause(10), END]),
  brokenBody('chunks break off within a size', '9112 8', [chunks('5\r\nhello\r\n1'), pause(10), END]),
  brokenBody('chunks break off before the last empty line', '9112 8', [
    chunks('5\r\nhello\r\n0\r\n'),
    pause(10),
    END,
  ]),
  brokenBody('chunks break off within the trailers', '9112 8', [
    chunks('5\r\nhello\r\n0\r\nX-Sum: a'),
    pause(10),
    END,
  ]),
  brokenBody('chunks break off by a reset', '9112 8', [chunks('5\r\nhello\r\n'), pause(10), RESET]),
  outcome(
    'chunks for an HTTP/1.0 client break off',
    '9112 8',
    head('GET /x HTTP/1.0'),
    [
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 502, error: /./ }],
        then: 'closed',
        upstreamThen: 'closed',
      },
      // Only a reset could tell; the bytes are what they are.
      {
        reaches: [{ line: /./ }],
        sees: [{ status: 200, body: 'hello', framing: 'close' }],
        then: 'closed',
        upstreamThen: 'closed',
      },
    ],
    { upstream: [[chunks('5\r\nhello\r\n'), pause(10), END]] },
  ),
];
