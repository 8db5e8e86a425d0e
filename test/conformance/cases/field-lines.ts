import { type Case, forwarded, get, head, post, refused, refusedOrForwarded } from '../case.ts';

const withLine = (line: string) => get('/f', 'A: 1', line, 'Z: 2');
const char = (code: number) => String.fromCharCode(code);
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;

/** A request whose head has this many bytes. */
const headOf = (bytes: number) =>
  get('/f', `A: ${'a'.repeat(16_000)}`, `B: ${'b'.repeat(bytes - 16_000 - get('/f', 'A: ', 'B: ').length)}`);

/** Every control character but HTAB, CR and LF, which have cases of their own. */
const CONTROLS = Array.from({ length: 0x20 }, (_, code) => code).filter(
  code => ![0x09, 0x0a, 0x0d].includes(code),
);

/** RFC 9112 sections 2.2 and 5, RFC 9110 sections 5.1 and 5.5: field lines, whatever their meaning. */
export const FIELD_LINES: readonly Case[] = [
  // What is allowed arrives as it was meant
  forwarded('no space after the colon', '9112 5', withLine('B:x'), {
    line: /./,
    fields: { b: 'x', a: '1', z: '2' },
  }),
  forwarded('white space around the value', '9112 5.1', withLine('B: \t x \t '), {
    line: /./,
    fields: { b: 'x' },
  }),
  forwarded('white space within the value', '9110 5.5', withLine('B: x \t  y'), {
    line: /./,
    fields: { b: 'x \t  y' },
  }),
  forwarded('an empty value', '9110 5.5', withLine('B:'), { line: /./, fields: { b: '' } }),
  forwarded('a value of white space', '9110 5.5', withLine('B: \t '), { line: /./, fields: { b: '' } }),
  forwarded(
    'colons, commas, quotes and braces in a value',
    '9110 5.5',
    withLine('B: a:b,"c\\"d";{e}=[f]<g>(h)'),
    {
      line: /./,
      fields: { b: 'a:b,"c\\"d";{e}=[f]<g>(h)' },
    },
  ),
  forwarded('a value that reads like a field line', '9110 5.5', withLine('B: Transfer-Encoding: chunked'), {
    line: /./,
    fields: { b: 'Transfer-Encoding: chunked', 'transfer-encoding': null },
  }),
  forwarded('bytes beyond ASCII in a value', '9110 5.5', withLine('B: \x80\xa0\xc3\xbc\xff'), {
    line: /./,
    fields: { b: '\x80\xa0\xc3\xbc\xff' },
  }),
  forwarded('bytes beyond ASCII are not white space', '9110 5.5', withLine('B: \xa0x\x85'), {
    line: /./,
    fields: { b: '\xa0x\x85' },
  }),
  forwarded('every character that a name may have', '9110 5.1', withLine("!#$%&'*+-.^_`|~09azAZ: x"), {
    line: /./,
    fields: { "!#$%&'*+-.^_`|~09azaz": 'x' },
  }),
  forwarded('names of one character and of many', '9110 5.1', get('/f', 'X: 1', `${'n'.repeat(1000)}: 2`), {
    line: /./,
    fields: { x: '1', ['n'.repeat(1000)]: '2' },
  }),
  forwarded('fields of one name stay in order', '9110 5.3', get('/f', 'B: 1', 'C: x', 'b: 2', 'B: 3'), {
    line: /./,
    fields: { b: ['1', '2', '3'] },
  }),
  forwarded(
    'unknown fields are passed on',
    '9110 5.1',
    get('/f', 'Cookie: a=b', 'Authorization: x', 'Brand-New: y'),
    {
      line: /./,
      fields: { cookie: 'a=b', authorization: 'x', 'brand-new': 'y' },
    },
  ),
  forwarded('a long value', '9110 5.4', withLine(`B: ${'v'.repeat(16_000)}`), {
    line: /./,
    fields: { b: 'v'.repeat(16_000) },
  }),
  forwarded(
    'a hundred fields',
    '9110 5.4',
    get('/f', ...Array.from({ length: 100 }, (_, i) => `F${i}: ${i}`)),
    { line: /./, fields: { f0: '0', f99: '99' } },
  ),

  // Bounds
  forwarded('a head of 32 KiB', '9110 5.4', headOf(32 * 1024), { line: /./, fields: { host: 'up' } }),
  refused('a head of 32 KiB and one byte', '9110 5.4', headOf(32 * 1024 + 1), 431),
  forwarded('128 fields', '9110 5.4', get('/f', ...Array.from({ length: 127 }, () => 'F: x')), {
    line: /./,
    fields: { host: 'up' },
  }),
  refused('129 fields', '9110 5.4', get('/f', ...Array.from({ length: 128 }, () => 'F: x')), 431),
  refused(
    'more fields than allowed',
    '9110 5.4',
    get('/f', ...Array.from({ length: 300 }, () => 'F: x')),
    431,
  ),
  refused('a value beyond all bounds', '9110 5.4', withLine(`B: ${'v'.repeat(40_000)}`), 431),
  refused('a name beyond all bounds', '9110 5.4', withLine(`${'n'.repeat(40_000)}: x`), [400, 431]),
  refused(
    'many fields that are too much together',
    '9110 5.4',
    get('/f', ...Array.from({ length: 100 }, (_, i) => `F${i}: ${'v'.repeat(400)}`)),
    431,
  ),
  refused(
    'a head that does not end',
    '9110 5.4',
    `GET /f HTTP/1.1\r\nHost: up\r\nB: ${'v'.repeat(70_000)}`,
    431,
  ),
  refused(
    'field lines that do not end',
    '9110 5.4',
    `GET /f HTTP/1.1\r\nHost: up\r\n${'F: x\r\n'.repeat(10_000)}`,
    431,
  ),

  // White space where it must not be
  refused('a space before the colon', '9112 5.1', withLine('B : x')),
  refused('a tab before the colon', '9112 5.1', withLine('B\t: x')),
  refused('a space in the name', '9110 5.1', withLine('B C: x')),
  refused('a space before the first field', '9112 2.2', 'GET /f HTTP/1.1\r\n Host: up\r\n\r\n'),
  refused('a tab before the first field', '9112 2.2', 'GET /f HTTP/1.1\r\n\tA: 1\r\nHost: up\r\n\r\n'),
  refused(
    'a line of white space before the first field',
    '9112 2.2',
    'GET /f HTTP/1.1\r\n \r\nHost: up\r\n\r\n',
  ),
  refused('a line of white space among the fields', '9112 5.2', withLine(' ')),
  refused(
    'a line of a tab instead of the empty line',
    '9112 5.2',
    'GET /f HTTP/1.1\r\nHost: up\r\n\t\r\n\r\n',
  ),
  refused('a folded value', '9112 5.2', withLine('B: x\r\n y')),
  refused('a value folded with a tab', '9112 5.2', withLine('B: x\r\n\ty')),
  refused('a value that begins on the next line', '9112 5.2', withLine('B:\r\n x')),
  refused('a value folded twice', '9112 5.2', withLine('B: x\r\n \r\n y')),
  refused('a folded last field', '9112 5.2', 'GET /f HTTP/1.1\r\nHost: up\r\nB: x\r\n y\r\n\r\n'),
  refused('a folded line that reads like a field', '9112 5.2', withLine('B: x\r\n Content-Length: 5')),

  // Lines that are none
  refused('a line without a colon', '9112 5', withLine('B')),
  refused('a line with space instead of a colon', '9112 5', withLine('B x')),
  refused('an equals sign instead of the colon', '9112 5', withLine('B=x')),
  refused('an empty name', '9110 5.1', withLine(': x')),
  refused('a colon alone', '9110 5.1', withLine(':')),
  refused('an empty name first', '9110 5.1', 'GET /f HTTP/1.1\r\n: x\r\nHost: up\r\n\r\n'),
  refused('a pseudo-header of HTTP/2', '9110 5.1', withLine(':authority: other')),
  refused('a name that goes on in the next line', '9112 5', withLine('Long-\r\nName: x')),
  refused('a second request line among the fields', '9112 5', withLine('GET /smuggled HTTP/1.1')),

  // Line ends
  refused('a field ends in a bare LF', '9112 2.2', get('/f').replace('up\r\n', 'up\n')),
  refused('a field ends in a bare CR', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\rB: x\r\n\r\n'),
  refused('a field ends in CR CR LF', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\r\r\n\r\n'),
  refused('a field ends in LF CR', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\n\r\r\n\r\n'),
  refused('a bare LF in a value', '9110 5.5', withLine('B: x\ny')),
  refused('a bare LF first in a value', '9110 5.5', withLine('B:\nx')),
  refused('a bare CR in a value', '9112 2.2', withLine('B: x\ry')),
  refused('a bare CR first in a value', '9112 2.2', withLine('B: \rx')),
  refused('a bare CR in a name', '9112 2.2', withLine('B\rC: x')),
  refused('a bare CR before a name', '9112 2.2', withLine('\rB: x')),
  refused('a bare CR before the colon', '9112 2.2', withLine('B\r: x')),
  refused('a bare LF before a name', '9112 2.2', withLine('\nB: x')),
  refused('a bare LF before the colon', '9112 2.2', withLine('B\n: x')),
  refused('the head ends in CRLF LF', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\r\n\n'),
  refused('the head ends in LF CRLF', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\n\r\n'),
  refused('the head ends in LF LF', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\n\n'),
  refused('the head ends in CRLF CR CR LF', '9112 2.2', 'GET /f HTTP/1.1\r\nHost: up\r\n\r\r\n'),
  refused(
    'the head ends in CRLF CR and another byte',
    '9112 2.2',
    'GET /f HTTP/1.1\r\nHost: up\r\n\rX\r\n\r\n',
  ),
  refused(
    'CR and a byte hide a request',
    '9112 2.2',
    `GET /f HTTP/1.1\r\nHost: up\r\n\rZ${get('/smuggled')}`,
  ),

  // Characters
  ...CONTROLS.map(code => refused(`${hex(code)} in a value`, '9110 5.5', withLine(`B: x${char(code)}y`))),
  refused('DEL in a value', '9110 5.5', withLine('B: x\x7fy')),
  refused('NUL first in a value', '9110 5.5', withLine('B:\x00x')),
  refused('NUL last in a value', '9110 5.5', withLine('B: x\x00')),
  refused('NUL is the value', '9110 5.5', withLine('B: \x00')),
  ...CONTROLS.map(code => refused(`${hex(code)} in a name`, '9110 5.1', withLine(`B${char(code)}C: x`))),
  ...[...'"(),/;<=>?@[\\]{}'].map(byte => refused(`${byte} in a name`, '9110 5.1', withLine(`B${byte}C: x`))),
  ...[0x7f, 0x80, 0x85, 0xa0, 0xad, 0xc3, 0xff].map(code =>
    refused(`${hex(code)} in a name`, '9110 5.1', withLine(`B${char(code)}C: x`)),
  ),
  refused('0x85 last in a name', '9110 5.1', withLine('B\x85: x')),
  refused(
    'a byte order mark before the first field',
    '9110 5.1',
    'GET /f HTTP/1.1\r\n\xef\xbb\xbfHost: up\r\n\r\n',
  ),

  // Names that some servers fold into others
  forwarded('Content_Length is another field', '9110 5.1', get('/f', 'Content_Length: 5'), {
    line: /./,
    framing: 'none',
    fields: { 'content-length': null },
  }),
  forwarded('Transfer_Encoding is another field', '9110 5.1', get('/f', 'Transfer_Encoding: chunked'), {
    line: /./,
    framing: 'none',
    fields: { 'transfer-encoding': null },
  }),
  forwarded(
    'Content-Encoding: chunked is no framing',
    '9112 6.1',
    post(['Content-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n'),
    {
      line: /./,
      framing: 'length',
      body: '0\r\n\r\n',
      fields: { 'content-encoding': 'chunked' },
    },
  ),
  refusedOrForwarded('a field called Close', '9112 9.6', get('/f', 'Close: x'), 'GET /f HTTP/1.1'),
  forwarded(
    'fields that mean nothing in requests',
    '9110 5.1',
    head('GET /f HTTP/1.1', 'Set-Cookie: a=b', 'Location: /x', 'Server: y'),
    {
      line: /./,
      fields: { 'set-cookie': 'a=b', location: '/x', server: 'y' },
    },
  ),
];
