import { type Case, forwarded, get, head, outcome, refused, refusedOrForwarded } from '../case.ts';

const TWO = { settings: { other: true } };

/** The authority names no upstream here: answered by the sidecar, and nothing reaches one. */
const noRoute = {
  sees: [{ status: [400, 404, 421, 501, 502, 503], error: /./ }],
  then: 'either',
} as const;

/** RFC 9112 section 3.2: the four forms of the target. */
export const REQUEST_TARGET: readonly Case[] = [
  // Origin form
  forwarded('path and query', '9112 3.2.1', get('/a/b?c=d&e=%20'), 'GET /a/b?c=d&e=%20 HTTP/1.1'),
  forwarded('an empty query', '9112 3.2.1', get('/a?'), 'GET /a? HTTP/1.1'),
  forwarded(
    'every character that a target may have',
    '9112 3.2.1',
    get("/-._~!$&'()*+,;=:@%41/?/?:@-._~!$&'()*+,;="),
    {
      line: "GET /-._~!$&'()*+,;=:@%41/?/?:@-._~!$&'()*+,;= HTTP/1.1",
    },
  ),
  forwarded('dot segments stay', '9110 7.7', get('/a/../b/./c'), 'GET /a/../b/./c HTTP/1.1'),
  forwarded(
    'escapes stay',
    '9110 7.7',
    get('/%2e%2E/%00%0d%0a?%0D%0AHost:%20other'),
    'GET /%2e%2E/%00%0d%0a?%0D%0AHost:%20other HTTP/1.1',
  ),
  forwarded(
    'double slashes stay, and name no host',
    '9112 3.2.1',
    get('//other/a//b/'),
    'GET //other/a//b/ HTTP/1.1',
  ),
  forwarded('an absolute URI within the path', '9112 3.2.1', get('/http://other/?u=http://other/'), {
    line: 'GET /http://other/?u=http://other/ HTTP/1.1',
    fields: { host: 'up' },
  }),
  forwarded('an asterisk within the path', '9112 3.2.1', head('OPTIONS /* HTTP/1.1'), 'OPTIONS /* HTTP/1.1'),
  refused('a fragment', '9112 3.2', get('/a#b')),
  refused('a fragment that hides a path', '9112 3.2', get('/a#/../admin')),
  refused('a path without its slash', '9112 3.2.1', get('a/b')),
  refused('a query without a path', '9112 3.2.1', get('?a=b')),
  refused('a relative path', '9112 3.2.1', get('../a')),
  refused('a backslash first', '9112 3.2.1', get('\\a')),
  refused('an at sign first', '9112 3.2.1', get('@other/a')),
  refused('NUL in the target', '9112 3.2', get('/a\x00b')),
  refused('DEL in the target', '9112 3.2', get('/a\x7fb')),
  ...[0x01, 0x08, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f].map(byte =>
    refused(
      `control character 0x${byte.toString(16)} in the target`,
      '9112 3.2',
      get(`/a${String.fromCharCode(byte)}b`),
    ),
  ),
  refused('UTF-8 in the target', '9112 3.2', get('/caf\xc3\xa9')),
  refused('overlong UTF-8 in the target', '9112 3.2', get('/\xc0\xaf..\xc0\xafetc')),
  // No URI has these, but browsers send them, and no two recipients differ over where such a target ends.
  ...[...'"<>[\\]^`{|}'].map(byte =>
    refusedOrForwarded(
      `${byte} in the target`,
      '9112 3.2',
      get(`/a${byte}b?${byte}`),
      `GET /a${byte}b?${byte} HTTP/1.1`,
    ),
  ),
  refusedOrForwarded('a broken escape', '9112 3.2', get('/%zz%'), 'GET /%zz% HTTP/1.1'),

  // Absolute form
  forwarded(
    'absolute form',
    '9112 3.2.2',
    get('http://up/a?b'),
    { line: 'GET /a?b HTTP/1.1', fields: { host: 'up' } },
    {
      sees: [{ status: 200, body: 'GET /a?b' }],
    },
  ),
  forwarded('absolute form with another scheme case', '9112 3.2.2', get('HTTP://UP/a'), {
    line: 'GET /a HTTP/1.1',
    fields: { host: /^up$/i },
  }),
  forwarded('absolute form with the default port', '9112 3.2.2', get('http://up:80/a'), {
    line: 'GET /a HTTP/1.1',
    fields: { host: /^up(:80)?$/ },
  }),
  forwarded('absolute form without a path', '9112 3.2.1', get('http://up'), {
    line: 'GET / HTTP/1.1',
    fields: { host: 'up' },
  }),
  forwarded(
    'absolute form with a query and no path',
    '9112 3.2.1',
    get('http://up?a=b'),
    'GET /?a=b HTTP/1.1',
  ),
  forwarded(
    'OPTIONS with an absolute form without a path',
    '9112 3.2.4',
    head('OPTIONS http://up HTTP/1.1'),
    'OPTIONS * HTTP/1.1',
  ),
  forwarded(
    'OPTIONS with an absolute form with the root',
    '9112 3.2.4',
    head('OPTIONS http://up/ HTTP/1.1'),
    'OPTIONS / HTTP/1.1',
  ),
  forwarded(
    'OPTIONS with an absolute form with only a query',
    '9112 3.2.4',
    head('OPTIONS http://up?a HTTP/1.1'),
    'OPTIONS /?a HTTP/1.1',
  ),
  forwarded('absolute form wins over Host', '9112 3.2.2', 'GET http://up/a HTTP/1.1\r\nHost: other\r\n\r\n', {
    line: 'GET /a HTTP/1.1',
    fields: { host: 'up' },
  }),
  forwarded(
    'absolute form wins over the Host of another upstream',
    '9112 3.2.2',
    get('http://other/a'),
    {
      line: 'GET /a HTTP/1.1',
      fields: { host: 'other' },
      at: 'other',
    },
    TWO,
  ),
  forwarded(
    'absolute form wins over Host, the other way round',
    '9112 3.2.2',
    'GET http://up/a HTTP/1.1\r\nHost: other\r\n\r\n',
    {
      line: 'GET /a HTTP/1.1',
      fields: { host: 'up' },
      at: 'up',
    },
    TWO,
  ),
  forwarded(
    'absolute form in HTTP/1.0 needs no Host',
    '9112 3.2.2',
    'GET http://up/a HTTP/1.0\r\n\r\n',
    {
      line: 'GET /a HTTP/1.1',
      fields: { host: 'up' },
    },
    { then: 'closed' },
  ),
  refused(
    'absolute form does not make up for a missing Host',
    '9112 3.2',
    'GET http://up/a HTTP/1.1\r\n\r\n',
  ),
  refused(
    'absolute form does not make up for two Hosts',
    '9112 3.2',
    'GET http://up/a HTTP/1.1\r\nHost: up\r\nHost: up\r\n\r\n',
  ),
  refusedOrForwarded(
    'absolute form with a malformed Host',
    '9112 3.2',
    'GET http://up/a HTTP/1.1\r\nHost: a b\r\n\r\n',
    {
      line: 'GET /a HTTP/1.1',
      fields: { host: 'up' },
    },
  ),
  refusedOrForwarded(
    'absolute form with an empty Host',
    '9112 3.2',
    'GET http://up/a HTTP/1.1\r\nHost:\r\n\r\n',
    {
      line: 'GET /a HTTP/1.1',
      fields: { host: 'up' },
    },
  ),
  outcome(
    'absolute form of OPTIONS without a path, going no further',
    '9110 7.6.2',
    head('OPTIONS http://up HTTP/1.1', 'Max-Forwards: 0'),
    [{ sees: [{ status: [200, 204] }] }],
  ),
  refused('absolute form with user information', '9110 4.2.4', get('http://user:pw@up/a')),
  refused('absolute form with an empty user', '9110 4.2.4', get('http://@up/a')),
  refused('absolute form with a host that hides another', '9110 4.2.4', get('http://up@other/a')),
  refused('absolute form without a host', '9110 4.2.1', get('http:///a')),
  refused('absolute form with only a port', '9110 4.2.1', get('http://:80/a')),
  refused('absolute form with nothing', '9110 4.2.1', get('http://')),
  refused('absolute form with a port that is none', '9110 4.2.1', get('http://up:x/a')),
  refused('absolute form with a negative port', '9110 4.2.1', get('http://up:-80/a')),
  refused('absolute form with a port beyond 65535', '9110 4.2.1', get('http://up:65616/a')),
  refused('absolute form with two ports', '9110 4.2.1', get('http://up:80:80/a')),
  refused('absolute form with one slash', '9112 3.2.2', get('http:/up/a')),
  refused('absolute form without slashes', '9112 3.2.2', get('http:up/a')),
  refused('absolute form with backslashes', '9112 3.2.2', get('http:\\\\up\\a')),
  refused('absolute form with a backslash after the host', '9112 3.2.2', get('http://up\\@other/a')),
  refused('absolute form with a fragment', '9112 3.2.2', get('http://up/a#b')),
  refused('absolute form with a fragment after the host', '9112 3.2.2', get('http://up#@other/')),
  refused('absolute form with a space in the host', '9112 3.2.2', get('http://u p/a')),
  refused('absolute form with an unfinished IPv6 address', '9112 3.2.2', get('http://[::1/a')),
  refused('absolute form with a broken IPv6 address', '9112 3.2.2', get('http://[::g]/a')),
  refused('absolute form with text after an IPv6 address', '9112 3.2.2', get('http://[::1]x/a')),
  refused('absolute form with a control character in the host', '9112 3.2.2', get('http://u\x01p/a')),
  outcome('https in plain text is not for the upstream', '9110 4.2.2', get('https://up/a'), [noRoute]),
  outcome('another scheme is not for the upstream', '9112 3.2.2', get('ftp://up/a'), [noRoute]),
  outcome('a scheme without an authority', '9112 3.2.2', get('urn:up:a'), [noRoute]),
  outcome('a file URI', '9112 3.2.2', get('file:///etc/passwd'), [noRoute]),
  refused('something before the scheme', '9112 3.2.2', get('xhttp//up/a')),

  // Authority form
  refused('authority form with GET', '9112 3.2.3', get('up:80')),
  refused('authority form with POST', '9112 3.2.3', head('POST up:80 HTTP/1.1', 'Content-Length: 0')),
  refused('a host alone with GET', '9112 3.2.3', get('up')),

  // Asterisk form
  forwarded('OPTIONS *', '9112 3.2.4', head('OPTIONS * HTTP/1.1'), {
    line: 'OPTIONS * HTTP/1.1',
    fields: { host: 'up' },
  }),
  refused('GET *', '9112 3.2.4', get('*')),
  refused('POST *', '9112 3.2.4', head('POST * HTTP/1.1', 'Content-Length: 0')),
  refused('an unknown method with *', '9112 3.2.4', head('FOO * HTTP/1.1')),
  refused('OPTIONS **', '9112 3.2.4', head('OPTIONS ** HTTP/1.1')),
  refused('OPTIONS *?', '9112 3.2.4', head('OPTIONS *? HTTP/1.1')),
  refused('OPTIONS */', '9112 3.2.4', head('OPTIONS */ HTTP/1.1')),
];
