/**
 * Reads HTTP/1.1 messages by the letter of RFC 9112: the yardstick for what the sidecar sends. It shares no code with
 * the sidecar and knows no leniency, so a byte that an upstream or a client could misread shows up as an error here.
 */

/** A message, or as much of it as has arrived. */
export interface Message {
  readonly startLine: string;
  readonly fields: readonly Field[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: string;
  readonly trailers: readonly Field[];
  /** Whether its end has arrived. */
  readonly complete: boolean;
  /** How many bytes of the input are its own. */
  readonly length: number;
}

export type Field = readonly [name: string, value: string];

/** What the reader of an answer has to know beside its bytes (RFC 9112 section 6.3). */
export interface AnswerContext {
  /** The request was a HEAD: there is no body, whatever the fields say. */
  readonly toHead: boolean;
  /** The request was a CONNECT: a 2xx has no body. */
  readonly toConnect: boolean;
  /** The peer has closed the connection. */
  readonly ended: boolean;
}

/** Bytes that no sender of HTTP/1.1 may put on the wire. */
export class WireError extends Error {}

/**
 * Reads the request at the start of `bytes` (latin1).
 * @returns null while its head is incomplete
 * @throws WireError when it is not a well-formed request as an intermediary may send it
 */
export function readRequest(bytes: string): Message | null {
  const head = readHead(bytes);
  if (head === null) return null;
  if (!REQUEST_LINE.test(head.startLine)) throw new WireError(`bad request line ${show(head.startLine)}`);
  if (valuesOf(head.fields, 'host').length !== 1) throw new WireError('not exactly one Host');
  checkHopByHop(head.fields);
  const framing = declaredFraming(head.fields);
  if (framing === 'chunked') return readChunked(bytes, head);
  const length = framing === 'none' ? 0 : Number(valuesOf(head.fields, 'content-length')[0]);
  return readLength(bytes, head, framing, length);
}

/**
 * Reads the answer at the start of `bytes` (latin1).
 * @returns null while its head is incomplete
 * @throws WireError when it is not a well-formed answer
 */
export function readAnswer(bytes: string, context: AnswerContext): Message | null {
  const head = readHead(bytes);
  if (head === null) return null;
  if (!STATUS_LINE.test(head.startLine)) throw new WireError(`bad status line ${show(head.startLine)}`);
  checkHopByHop(head.fields);
  const status = statusOf(head);
  const framing = declaredFraming(head.fields);
  if ((status < 200 || status === 204) && framing !== 'none') {
    throw new WireError(`${status} with ${framing === 'length' ? 'Content-Length' : 'Transfer-Encoding'}`);
  }
  const isTunnel = context.toConnect && status >= 200 && status < 300;
  if (isTunnel && framing !== 'none') throw new WireError('2xx to CONNECT with a declared body');
  if (context.toHead || status < 200 || status === 204 || status === 304 || isTunnel) {
    return { ...head, framing, body: '', trailers: [], complete: true };
  }
  if (framing === 'chunked') return readChunked(bytes, head);
  if (framing === 'length') {
    return readLength(bytes, head, framing, Number(valuesOf(head.fields, 'content-length')[0]));
  }
  const body = bytes.slice(head.length);
  return { ...head, framing: 'close', body, trailers: [], complete: context.ended, length: bytes.length };
}

/** The status of an answer. */
export function statusOf(answer: { readonly startLine: string }): number {
  return Number(answer.startLine.slice(9, 12));
}

/** All values of the fields called `name` (lower case), in order. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(field => field[0].toLowerCase() === name).map(field => field[1]);
}

/** The members of a list-based field, in lower case. */
export function membersOf(fields: readonly Field[], name: string): string[] {
  return valuesOf(fields, name)
    .flatMap(value => value.toLowerCase().split(','))
    .map(member => member.trim())
    .filter(member => member !== '');
}

/** Bytes as a person can read them on one line. */
export function show(bytes: string): string {
  const text = JSON.stringify(bytes.length > 1200 ? `${bytes.slice(0, 800)}…${bytes.slice(-300)}` : bytes);
  return text.replace(/[\x7f-\xff]/g, byte => `\\x${byte.charCodeAt(0).toString(16)}`);
}

interface Head {
  readonly startLine: string;
  readonly fields: Field[];
  readonly length: number;
}

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^${TOKEN} (?:/[\\x21-\\x7e]*|\\*|[^ /@?#]+:[0-9]+) HTTP/1\\.1$`);
const STATUS_LINE = /^HTTP\/1\.1 [1-9][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE = new RegExp(`^(${TOKEN}): ?([\\t\\x20-\\x7e\\x80-\\xff]*)$`);
const CHUNK_SIZE = /^[0-9A-Fa-f]{1,13}$/;

function readHead(bytes: string): Head | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const [startLine = '', ...lines] = bytes.slice(0, end).split('\r\n');
  return { startLine, fields: lines.map(readField), length: end + 4 };
}

function readField(line: string): Field {
  const match = FIELD_LINE.exec(line);
  if (match === null) throw new WireError(`bad field line ${show(line)}`);
  const value = match[2];
  if (value !== value.replace(/^[ \t]+|[ \t]+$/g, ''))
    throw new WireError(`untrimmed value in ${show(line)}`);
  return [match[1], value];
}

function declaredFraming(fields: readonly Field[]): 'none' | 'length' | 'chunked' {
  const lengths = valuesOf(fields, 'content-length');
  const codings = valuesOf(fields, 'transfer-encoding');
  if (lengths.length + codings.length > 1) throw new WireError('framed more than once');
  if (codings.length === 1) {
    if (codings[0].toLowerCase() !== 'chunked') throw new WireError(`transfer coding ${show(codings[0])}`);
    return 'chunked';
  }
  if (lengths.length === 0) return 'none';
  if (!/^[0-9]+$/.test(lengths[0])) throw new WireError(`length ${show(lengths[0])}`);
  return 'length';
}

/** RFC 9110 section 7.6.1: whatever concerns one connection is nominated, and nothing else of the kind goes out. */
function checkHopByHop(fields: readonly Field[]): void {
  const nominated = membersOf(fields, 'connection');
  for (const name of ['te', 'upgrade']) {
    if (valuesOf(fields, name).length > 0 && !nominated.includes(name)) {
      throw new WireError(`${name} without its connection option`);
    }
  }
  for (const name of ['keep-alive', 'proxy-connection']) {
    if (valuesOf(fields, name).length > 0) throw new WireError(`${name} passed on`);
  }
  for (const option of nominated) {
    if (!['close', 'keep-alive', 'te', 'upgrade'].includes(option)) {
      throw new WireError(`connection option ${show(option)} passed on`);
    }
  }
}

function readLength(bytes: string, head: Head, framing: 'none' | 'length', length: number): Message {
  const body = bytes.slice(head.length, head.length + length);
  const complete = body.length === length;
  return { ...head, framing, body, trailers: [], complete, length: head.length + body.length };
}

function readChunked(bytes: string, head: Head): Message {
  let at = head.length;
  let body = '';
  const message = (trailers: Field[], complete: boolean, length: number): Message => {
    return { ...head, framing: 'chunked', body, trailers, complete, length };
  };
  for (;;) {
    const eol = bytes.indexOf('\r\n', at);
    if (eol < 0) return message([], false, bytes.length);
    const size = bytes.slice(at, eol);
    if (!CHUNK_SIZE.test(size)) throw new WireError(`bad chunk size line ${show(size)}`);
    at = eol + 2;
    const length = Number.parseInt(size, 16);
    if (length === 0) break;
    body += bytes.slice(at, at + length);
    if (bytes.length < at + length + 2) return message([], false, bytes.length);
    if (bytes.slice(at + length, at + length + 2) !== '\r\n') throw new WireError('chunk without CRLF');
    at += length + 2;
  }
  const trailers: Field[] = [];
  for (;;) {
    const eol = bytes.indexOf('\r\n', at);
    if (eol < 0) return message(trailers, false, bytes.length);
    if (eol === at) return message(trailers, true, at + 2);
    trailers.push(readField(bytes.slice(at, eol)));
    at = eol + 2;
  }
}
