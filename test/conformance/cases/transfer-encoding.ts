import { type Case, forwarded, get, head, post, refused } from '../case.ts';

/** A smuggler's request, as it would stand in a body. */
const SMUGGLED = get('/smuggled');

/** RFC 9112 section 6.1: what a Transfer-Encoding may say. */
export const TRANSFER_ENCODING: readonly Case[] = [
  ...['chunked', 'Chunked', 'CHUNKED', '\t chunked \t'].map(value =>
    forwarded(
      `Transfer-Encoding: ${JSON.stringify(value)}`,
      '9112 7',
      post([`Transfer-Encoding: ${value}`], '5\r\nhello\r\n0\r\n\r\n'),
      {
        line: /./,
        body: 'hello',
        framing: 'chunked',
        fields: { 'content-length': null },
      },
    ),
  ),
  forwarded(
    'the name of Transfer-Encoding in another case',
    '9110 5.1',
    post(['tRANSFER-eNCODING: chunked'], '5\r\nhello\r\n0\r\n\r\n'),
    { line: /./, body: 'hello' },
  ),
  ...['GET', 'DELETE', 'OPTIONS'].map(method =>
    forwarded(
      `${method} with a chunked body`,
      '9112 6',
      `${head(`${method} /b HTTP/1.1`, 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n${get('/next')}`,
      [{ line: `${method} /b HTTP/1.1`, body: 'hello' }, 'GET /next HTTP/1.1'],
    ),
  ),
  forwarded(
    'Transfer-Encoding in HTTP/1.2',
    '9110 2.5',
    `${head('POST /p HTTP/1.2', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    { line: 'POST /p HTTP/1.1', body: 'hello' },
  ),
  refused(
    'Transfer-Encoding in HTTP/1.0',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ),
  refused(
    'Transfer-Encoding and Content-Length in HTTP/1.0',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
  ),
  refused(
    'Transfer-Encoding in HTTP/1.0 with keep-alive',
    '9112 6.1',
    `${head('POST /p HTTP/1.0', 'Connection: keep-alive', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`,
  ),
  refused(
    'Content-Length, then Transfer-Encoding',
    '9112 6.3',
    post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding, then Content-Length',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding and Content-Length: 0',
    '9112 6.3',
    post(['Content-Length: 0', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused(
    'Transfer-Encoding and an empty Content-Length',
    '9112 6.3',
    post(['Content-Length:', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  refused('chunked is not last', '9112 6.3', post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n')),
  refused(
    'chunked is not last, on two lines',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'], '0\r\n\r\n'),
  ),
  refused('identity after chunked', '9112 6.3', post(['Transfer-Encoding: chunked, identity'], '0\r\n\r\n')),
  refused(
    'identity on a line after chunked',
    '9112 6.3',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], '0\r\n\r\n'),
  ),
  refused('chunked twice', '9112 6.1', post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n')),
  refused(
    'chunked twice, on two lines',
    '9112 6.1',
    post(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  ...['gzip, chunked', 'x-gzip,chunked', 'deflate, chunked', 'identity, chunked', 'cow, chunked'].map(value =>
    refused(
      `Transfer-Encoding: ${value}`,
      '9112 6.1',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),
  refused(
    'an unknown coding on a line before chunked',
    '9112 6.1',
    post(['Transfer-Encoding: cow', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    [400, 501],
  ),
  ...['gzip', 'identity', 'cow', 'chunk', 'chunked-x', 'xchunked', 'x-chunked', 'chunkedchunked'].map(value =>
    refused(
      `Transfer-Encoding: ${value}`,
      '9112 6.3',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),
  ...[
    '',
    ' ',
    ',',
    ',chunked',
    'chunked,',
    'chunked,,',
    'chunked;q=1',
    'chunked;a=b',
    'chunked; a="b"',
    'chunked;',
    '"chunked"',
    "'chunked'",
    'chunked chunked',
    'chunked identity',
    'chun ked',
    'chunked\x00',
    '\x00chunked',
    '\x0bchunked',
    'chunked\x0b',
    'chunked\x0c',
    '\xa0chunked',
    'chunked\x85',
    'ch\x96nked',
    'chunked\r',
    '\rchunked',
    '\nchunked',
    '\r\n chunked',
    'chunked\r\n ',
    'chunked:',
    '=?iso-8859-1?B?Y2h1bmtlZA==?=',
    'chunked/1',
    'chun\\ked',
    'chunk%65d',
  ].map(value =>
    refused(
      `Transfer-Encoding: ${JSON.stringify(value)}`,
      '9112 6.1',
      post([`Transfer-Encoding: ${value}`], '0\r\n\r\n'),
      [400, 501],
    ),
  ),
];
