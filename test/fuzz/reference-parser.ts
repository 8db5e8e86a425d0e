/**
 * A second reading of RFC 9112, to compare the codec with: it shares nothing with it, takes whole texts only, is written
 * rule by rule with regular expressions from the grammar, and cares for nothing but being obviously right. Where the
 * codec is stricter than the RFC on purpose, a comment says so.
 */
import type { RequestMeaning, ResponseMeaning, Transcript } from './transcript.ts';
import { DATE } from './transcript.ts';

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const OWS = '[ \\t]*';
const TEXT = '[\\t\\x20-\\x7e\\x80-\\xff]*';
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';

const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21\\x22\\x24-\\x7e]+) HTTP/1\\.([0-9])$`);
/** The space before an empty reason may be missing: many servers leave it out. Only the statuses that there are. */
const STATUS_LINE = new RegExp(`^HTTP/1\\.([0-9]) ([1-5][0-9][0-9])(?: (${TEXT}))?$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):${OWS}(${TEXT}?)${OWS}$`);
/** No comma, which the grammar allows: two Host fields, merged. */
const HOST = /^(?:(\[[0-9a-f:.]+\])|(?:[a-z0-9\-._~!$&'()*+;=]|%[0-9a-f]{2})+)(?::([0-9]{0,5}))?$/i;
/** At most 13 digits: no more fit a number exactly. */
const CHUNK_LINE = new RegExp(
  `([0-9A-Fa-f]{1,13})(?:(?:${OWS};${OWS}${TOKEN}(?:${OWS}=${OWS}(?:${TOKEN}|${QUOTED}))?)*)\\r\\n`,
  'y',
);

type Line = readonly [name: string, value: string];

interface Head {
  readonly start: string;
  readonly fields: readonly Line[];
  readonly end: number;
}

interface Body {
  readonly framing: number | 'chunked' | 'until close';
  readonly body: string;
  readonly trailers: string[] | null;
  readonly end: number;
}

/** RFC 9110 section 7.6.1, and what belongs to the connection though nothing names it. */
const OF_THE_CONNECTION =
  /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade|http2-settings|proxy-authorization)$/i;
/** Options that name these are the sender's mistake. */
const FOR_ALL =
  /^(authorization|cache-control|content-encoding|content-length|content-range|content-type|cookie|date|expect|host|max-forwards|set-cookie|trailer|transfer-encoding|via)$/i;
/** RFC 9110 section 6.5.1. */
const NOT_IN_TRAILERS =
  /^(age|authorization|cache-control|content-(encoding|length|range|type)|cookie|date|expect|expires|host|if-(match|modified-since|none-match|range|unmodified-since)|location|max-forwards|pragma|proxy-authenticate|range|retry-after|set-cookie|trailer|vary|via|www-authenticate)$/i;

/** What the requests on a connection are, by the RFC. */
export function referenceRequests(text: string): Transcript<RequestMeaning> {
  const messages: RequestMeaning[] = [];
  let at = 0;
  while (at < text.length) {
    // RFC 9112 section 2.2: one empty line before a request line is passed over.
    const head = readHead(text, text.startsWith('\r\n', at) ? at + 2 : at);
    const message = head && readRequest(text, head);
    if (message === null) return { messages, end: 'broken' };
    messages.push(message.meaning);
    at = message.end;
    if (message.meaning.method === 'CONNECT') return { messages, end: 'tunnel' };
    if (!message.meaning.keepAlive) return { messages, end: 'closed' };
  }
  return { messages, end: 'clean' };
}

/** What the answers to requests with these methods are, by the RFC. */
export function referenceResponses(text: string, methods: readonly string[]): Transcript<ResponseMeaning> {
  const messages: ResponseMeaning[] = [];
  let at = 0;
  let answered = 0;
  while (at < text.length) {
    const head = answered < methods.length ? readHead(text, at) : null;
    const message = head && readResponse(text, head, methods[answered]);
    if (message === null) return { messages, end: 'broken' };
    const { meaning } = message;
    messages.push(meaning);
    at = message.end;
    if (meaning.status === 101 || isTunnel(meaning.status, methods[answered]))
      return { messages, end: 'tunnel' };
    if (meaning.status < 200) continue;
    if (!meaning.keepAlive) return { messages, end: 'closed' };
    answered++;
  }
  return { messages, end: 'clean' };
}

function readRequest(text: string, head: Head): { meaning: RequestMeaning; end: number } | null {
  const match = REQUEST_LINE.exec(head.start);
  if (match === null) return null;
  const [, method, requestTarget] = match;
  const minorVersion = match[3] === '0' ? 0 : 1;

  const hosts = valuesOf(head.fields, 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minorVersion === 1)) return null;
  if (hosts.length === 1 && !isHost(hosts[0])) return null;
  const destination = readTarget(method, requestTarget, hosts[0] ?? '');
  if (destination === null) return null;
  const [target, authority, form] = destination;

  const body = readBody(text, head, minorVersion, 0);
  if (body === null) return null;
  if ((method === 'CONNECT' || method === 'TRACE') && body.framing !== 0) return null;

  const expected = minorVersion === 0 ? [] : listOf(head.fields, 'expect');
  if (expected.some(item => item !== '100-continue')) return null;
  const isExpectation = expected.length > 0 && body.framing !== 0;

  const forwards = method === 'TRACE' || method === 'OPTIONS' ? valuesOf(head.fields, 'max-forwards') : [];
  if (forwards.length > 1 || forwards.some(value => !/^[0-9]+$/.test(value))) return null;
  const maxForwards = forwards.length === 0 ? null : Math.min(Number(forwards[0]), 1_000_000);

  const fields = endToEnd(head.fields)
    .filter(([name]) => isExpectation || !/^expect$/i.test(name))
    .map(([name, value]): Line => {
      if (/^host$/i.test(name)) return [name, authority];
      if (/^max-forwards$/i.test(name) && maxForwards) return [name, String(maxForwards - 1)];
      return [name, value];
    });
  if (hosts.length === 0) fields.push(['Host', authority]);

  const options = listOf(head.fields, 'connection');
  const protocols = listOf(head.fields, 'upgrade').filter(item => item !== '' && item !== 'h2c');
  const mayUpgrade =
    minorVersion === 1 && options.includes('upgrade') && body.framing === 0 && protocols.length > 0;
  const keepAlive =
    !options.includes('close') &&
    (minorVersion === 1 || (options.includes('keep-alive') && form !== 'absolute'));
  return {
    meaning: {
      ...{ method, target, authority, fields: fields.flat(), minorVersion, framing: body.framing },
      ...{ body: body.body, trailers: body.trailers, keepAlive },
      ...{ upgrade: mayUpgrade ? protocols.join(', ') : null, maxForwards },
    },
    end: body.end,
  };
}

/** RFC 9112 section 3.2: what is sent on, who is asked, in which form. */
function readTarget(method: string, target: string, host: string): [string, string, string] | null {
  if (method === 'CONNECT')
    return isHost(target) && /:[0-9]+$/.test(target) ? [target, target, 'authority'] : null;
  if (target.startsWith('/')) return [target, host, 'origin'];
  if (target === '*') return method === 'OPTIONS' ? [target, host, 'asterisk'] : null;
  const match = /^http:\/\/([^/?]*)(\/?)(.*)$/i.exec(target);
  if (match === null || !isHost(match[1])) return null;
  const [, authority, slash, rest] = match;
  if (method === 'OPTIONS' && slash === '' && rest === '') return ['*', authority, 'absolute'];
  return [`/${rest}`, authority, 'absolute'];
}

function readResponse(
  text: string,
  head: Head,
  method: string,
): { meaning: ResponseMeaning; end: number } | null {
  const match = STATUS_LINE.exec(head.start);
  if (match === null) return null;
  const status = Number(match[2]);
  const minorVersion = match[1] === '0' ? 0 : 1;
  const tunnel = isTunnel(status, method);
  const isEmpty = status < 200 || status === 204 || status === 304 || method === 'HEAD';

  let body = tunnel
    ? ({ framing: 'until close', body: '', trailers: null, end: head.end } as const)
    : readBody(text, head, minorVersion, 'until close', isEmpty);
  if (body === null) return null;
  if (isEmpty && !tunnel) body = { framing: 0, body: '', trailers: null, end: head.end };

  const fields = endToEnd(head.fields).filter(
    ([name]) => !(/^content-length$/i.test(name) && (status < 200 || status === 204 || tunnel)),
  );
  if (status >= 200 && valuesOf(head.fields, 'date').length === 0) fields.push(['Date', DATE]);
  const options = listOf(head.fields, 'connection');
  const upgrade = valuesOf(head.fields, 'upgrade');
  // RFC 9110 section 7.8.
  if (status === 101 && (upgrade.join(', ') === '' || !options.includes('upgrade'))) return null;
  return {
    meaning: {
      ...{ status, reason: match[3] ?? '', fields: fields.flat(), framing: body.framing },
      ...{ body: body.body, trailers: body.trailers },
      keepAlive:
        body.framing !== 'until close' &&
        !options.includes('close') &&
        (minorVersion === 1 || options.includes('keep-alive')),
      upgrade: upgrade.length > 0 && (status === 101 || status === 426) ? upgrade.join(', ') : null,
    },
    end: body.end,
  };
}

function isTunnel(status: number, method: string): boolean {
  return method === 'CONNECT' && status >= 200 && status < 300;
}

/** RFC 9112 section 2.1: lines that end in CRLF, up to an empty one. */
function readHead(text: string, from: number): Head | null {
  const to = text.indexOf('\r\n\r\n', from);
  if (to < 0) return null;
  const [start, ...lines] = text.slice(from, to).split('\r\n');
  const fields = readFields(lines);
  return fields && { start, fields, end: to + 4 };
}

function readFields(lines: readonly string[]): Line[] | null {
  const fields: Line[] = [];
  for (const line of lines) {
    const match = FIELD_LINE.exec(line);
    if (match === null) return null;
    fields.push([match[1], match[2]]);
  }
  return fields;
}

/**
 * RFC 9112 section 6.3, every ambiguity refused.
 * @param otherwise the framing where no field tells one
 * @param onlyFields the fields have to be right, but the body is not there
 */
function readBody(
  text: string,
  head: Head,
  minorVersion: number,
  otherwise: 0 | 'until close',
  onlyFields = false,
): Body | null {
  const codings = valuesOf(head.fields, 'transfer-encoding');
  const lengths = valuesOf(head.fields, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0 || minorVersion === 0 || !/^chunked$/i.test(codings.join(','))) return null;
    return onlyFields
      ? { framing: 'chunked', body: '', trailers: null, end: head.end }
      : readChunks(text, head);
  }
  if (lengths.length > 0) {
    // At most 15 digits: no more fit a number exactly.
    if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(lengths[0])) return null;
    const length = Number(lengths[0]);
    const body = text.slice(head.end, head.end + length);
    if (body.length < length && !onlyFields) return null;
    return { framing: length, body, trailers: null, end: head.end + length };
  }
  const body = otherwise === 0 ? '' : text.slice(head.end);
  return { framing: otherwise, body, trailers: null, end: head.end + body.length };
}

/** RFC 9112 section 7.1. */
function readChunks(text: string, head: Head): Body | null {
  let body = '';
  let at = head.end;
  for (;;) {
    CHUNK_LINE.lastIndex = at;
    const match = CHUNK_LINE.exec(text);
    if (match === null) return null;
    at += match[0].length;
    const size = Number.parseInt(match[1], 16);
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size;
    if (text.slice(at, at + 2) !== '\r\n') return null;
    at += 2;
  }
  const end = text.startsWith('\r\n', at) ? at : text.indexOf('\r\n\r\n', at) + 2;
  if (end < at) return null;
  const lines = text.slice(at, end).split('\r\n').slice(0, -1);
  const fields = readFields(lines);
  if (fields === null) return null;
  const kept = endToEnd(fields, head.fields).filter(([name]) => !NOT_IN_TRAILERS.test(name));
  return { framing: 'chunked', body, trailers: kept.length === 0 ? null : kept.flat(), end: end + 2 };
}

/** RFC 9110 section 7.6.1: without what `Connection` in the header names; `close` is no field's name. */
function endToEnd(fields: readonly Line[], header = fields): Line[] {
  const named = listOf(header, 'connection').filter(name => name !== 'close' && !FOR_ALL.test(name));
  return fields.filter(([name]) => !OF_THE_CONNECTION.test(name) && !named.includes(name.toLowerCase()));
}

function isHost(text: string): boolean {
  const match = HOST.exec(text);
  if (match === null) return false;
  const [, address, port] = match;
  if (port !== undefined && port !== '' && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return address === undefined || URL.canParse(`http://${address}/`);
}

function valuesOf(fields: readonly Line[], lower: string): string[] {
  return fields.filter(([name]) => name.toLowerCase() === lower).map(([, value]) => value);
}

/** RFC 9110 section 5.6.1, in lower case. Only SP and HTAB are white space. */
function listOf(fields: readonly Line[], lower: string): string[] {
  return valuesOf(fields, lower)
    .flatMap(value => value.split(','))
    .map(item =>
      item
        .toLowerCase()
        .replace(/^[ \t]+/, '')
        .replace(/[ \t]+$/, ''),
    );
}
