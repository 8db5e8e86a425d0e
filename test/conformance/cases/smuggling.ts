import { type Case, chunked, forwarded, get, post, refused } from '../case.ts';
import { DISGUISES } from './disguises.ts';

const SMUGGLED = get('/smuggled');
const char = (code: number) => String.fromCharCode(code);
const hex = (code: number) => `0x${code.toString(16).padStart(2, '0')}`;

/** A body that one reader takes for an empty chunked body with a request behind it, another for a body of that length. */
const CL_TE = `0\r\n\r\n${SMUGGLED}`;
/** A body that one reader takes for one chunk, another for a short body with a request behind it. */
const TE_CL = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

const clTe = (...lines: string[]) => post([`Content-Length: ${CL_TE.length}`, ...lines], CL_TE);
const teCl = (...lines: string[]) => post(['Content-Length: 4', ...lines], TE_CL);

/** Every byte that some server has taken for white space, or dropped, at an edge of a name or a value. */
const EDGES = [...Array.from({ length: 0x21 }, (_, code) => code), 0x7f, 0x80, 0x85, 0xa0, 0xad, 0xff];

/** Publicly known request smuggling by framing (RFC 9112 section 11.2): whoever reads these differently reads another request. */
export const SMUGGLING: readonly Case[] = [
  // CL.TE, TE.CL, TE.TE
  ...DISGUISES.flatMap(([what, disguise]) => [
    refused(
      `CL.TE, Transfer-Encoding ${what}`,
      '9112 11.2',
      clTe(disguise('Transfer-Encoding', 'chunked')),
      [400, 501],
    ),
    refused(
      `TE.CL, Transfer-Encoding ${what}`,
      '9112 11.2',
      teCl(disguise('Transfer-Encoding', 'chunked')),
      [400, 501],
    ),
  ]),
  ...DISGUISES.map(([what, disguise]) =>
    refused(
      `a chunked body, Content-Length ${what}`,
      '9112 11.2',
      chunked(CL_TE, disguise('Content-Length', String(CL_TE.length))),
    ),
  ),
  ...EDGES.flatMap(code => [
    refused(
      `CL.TE, ${hex(code)} before the name`,
      '9112 11.2',
      clTe(`${char(code)}Transfer-Encoding: chunked`),
    ),
    refused(
      `CL.TE, ${hex(code)} after the name`,
      '9112 11.2',
      clTe(`Transfer-Encoding${char(code)}: chunked`),
    ),
    refused(
      `CL.TE, ${hex(code)} before the value`,
      '9112 11.2',
      clTe(`Transfer-Encoding:${char(code)}chunked`),
      [400, 501],
    ),
    refused(
      `CL.TE, ${hex(code)} after the value`,
      '9112 11.2',
      clTe(`Transfer-Encoding: chunked${char(code)}`),
      [400, 501],
    ),
  ]),
  ...[0x00, 0x0a, 0x0b, 0x0c, 0x0d, 0x7f, 0x85, 0xa0, 0xff].flatMap(code => [
    refused(
      `CL.0, ${hex(code)} after the name of the length`,
      '9112 11.2',
      post([`Content-Length${char(code)}: ${SMUGGLED.length}`], SMUGGLED),
    ),
    refused(
      `CL.0, ${hex(code)} before the length`,
      '9112 11.2',
      post([`Content-Length:${char(code)}${SMUGGLED.length}`], SMUGGLED),
    ),
    refused(
      `CL.0, ${hex(code)} after the length`,
      '9112 11.2',
      post([`Content-Length: ${SMUGGLED.length}${char(code)}`], SMUGGLED),
    ),
  ]),
  ...[
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: cow',
    'Transfer-Encoding: chunked, cow',
    'Transfer-Encoding: cow, chunked',
    'Transfer-Encoding: identity, chunked, identity',
    'Transfer-Encoding: cow chunked bar',
    'Transfer-Encoding: chunk',
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding: chunked,',
    'Transfer-Encoding:',
    'Transfer-Encoding: ch\x96nked',
    'Transfer-Encoding: =?iso-8859-1?B?Y2h1bmtlZA==?=',
    'Transfer-Encoding: =?UTF-8?B?Y2h1bmtlZA==?=',
    'Transfer-Encoding: cow\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: chunked\r\nTransfer-encoding: x',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding:\r\nTransfer-Encoding: chunked',
  ].map(line => refused(`CL.TE, ${JSON.stringify(line)}`, '9112 11.2', clTe(line), [400, 501])),
  ...[
    'Transfer_Encoding: chunked',
    'Transfer.Encoding: chunked',
    'Transfer-%45ncoding: chunked',
    'X-Transfer-Encoding: chunked',
    'TransferEncoding: chunked',
    'Transfer-Encoding-: chunked',
    'Content-Encoding: chunked',
    'TE: chunked',
  ].map(line =>
    forwarded(`CL.TE, another field: ${line}`, '9112 11.2', clTe(line), {
      line: /./,
      body: CL_TE,
      framing: 'length',
      fields: { 'transfer-encoding': null },
    }),
  ),
  ...[
    'Content_Length',
    'Content.Length',
    'Content-%4cength',
    'X-Content-Length',
    'ContentLength',
    'Content-Length-',
  ].map(name =>
    forwarded(
      `CL.0, another field: ${name}`,
      '9112 11.2',
      `${post([`${name}: ${SMUGGLED.length}`], '', '/p')}${get('/next')}`,
      [{ line: /./, framing: 'none', body: '' }, 'GET /next HTTP/1.1'],
      { sees: [200, 200] },
    ),
  ),
  forwarded('CL.TE without Transfer-Encoding is a body', '9112 11.2', clTe(), {
    line: /./,
    body: CL_TE,
    framing: 'length',
  }),
  forwarded('TE.CL without Content-Length is a body', '9112 11.2', chunked(TE_CL), {
    line: /./,
    body: SMUGGLED,
  }),
  refused(
    'CL.TE with Connection: close',
    '9112 6.1',
    clTe('Connection: close', 'Transfer-Encoding: chunked'),
  ),
  refused(
    'CL.TE in a GET',
    '9112 11.2',
    `${get('/', `Content-Length: ${CL_TE.length}`, 'Transfer-Encoding: chunked')}${CL_TE}`,
  ),
  refused(
    'CL.CL, the first shorter',
    '9112 11.2',
    post(['Content-Length: 5', `Content-Length: ${5 + SMUGGLED.length}`], `hello${SMUGGLED}`),
  ),
  refused(
    'CL.CL, the second shorter',
    '9112 11.2',
    post([`Content-Length: ${5 + SMUGGLED.length}`, 'Content-Length: 5'], `hello${SMUGGLED}`),
  ),
  refused(
    'CL.CL, the same, once disguised',
    '9112 11.2',
    post(['Content-Length: 5', 'Content-Length : 0'], 'hello'),
  ),
  ...['+0', '-0', '0 ', '0, ', '0e0', '0.0'].map(prefix =>
    refused(
      `a length with the prefix ${JSON.stringify(prefix)}`,
      '9112 11.2',
      post([`Content-Length: ${prefix}${SMUGGLED.length}`], SMUGGLED),
    ),
  ),
  ...['e0', '.0', ', 0', ',0', ' 0', 'Z', '_0', '\x0b0'].map(suffix =>
    refused(
      `a length with the suffix ${JSON.stringify(suffix)}`,
      '9112 11.2',
      post([`Content-Length: ${SMUGGLED.length}${suffix}`], SMUGGLED),
    ),
  ),
];
