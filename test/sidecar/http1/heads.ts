import assert from 'node:assert/strict';
import { parseFieldSection } from '../../../sidecar/http1/field-section.ts';
import { ProtocolError } from '../../../sidecar/http1/protocol-error.ts';
import { type ParsedRequest, parseRequestHead } from '../../../sidecar/http1/request-head.ts';
import { type ParsedResponse, parseResponseHead } from '../../../sidecar/http1/response-head.ts';

/** Surrounds every head in these tests: a parser that looks beyond its bounds finds fields that would change the result. */
const AROUND = 'Host: around\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';

export const DATE = 'Tue, 15 Nov 1994 08:12:31 GMT';

/** A head of these lines, with the empty line. */
export function head(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** A GET of / from `up` with further field lines. */
export function get(...fields: readonly string[]): string {
  return head('GET / HTTP/1.1', 'Host: up', ...fields);
}

/** A POST to / at `up` with further field lines. */
export function post(...fields: readonly string[]): string {
  return head('POST / HTTP/1.1', 'Host: up', ...fields);
}

/** An answer with a date and further field lines. */
export function answer(statusLine: string, ...fields: readonly string[]): string {
  return head(statusLine, `Date: ${DATE}`, ...fields);
}

/** Parses a request's head (latin1, its empty line included) in the middle of other bytes. */
export function parseRequest(text: string, fieldLimit = 128): ParsedRequest | ProtocolError {
  const bytes = Buffer.from(AROUND + text + AROUND, 'latin1');
  return parseRequestHead(bytes, AROUND.length, AROUND.length + text.length, fieldLimit);
}

/** Parses an answer's head (latin1, its empty line included) in the middle of other bytes. */
export function parseResponse(
  text: string,
  method = 'GET',
  fieldLimit = 128,
): ParsedResponse | ProtocolError {
  const bytes = Buffer.from(AROUND + text + AROUND, 'latin1');
  return parseResponseHead(bytes, AROUND.length, AROUND.length + text.length, fieldLimit, method, DATE);
}

/** Parses field lines (latin1, without the empty line) in the middle of other bytes. */
export function parseFields(text: string, fieldLimit = 128): ReturnType<typeof parseFieldSection> {
  const all = `${AROUND + text}\r\n${AROUND}`;
  const from = AROUND.length;
  return parseFieldSection(Buffer.from(all, 'latin1'), all, 0, from, from + text.length + 2, fieldLimit);
}

/** What was parsed; fails the test where it was refused. */
export function accepted<T>(result: T | ProtocolError): T {
  if (result instanceof ProtocolError) assert.fail(`refused with ${result.status}: ${result.detail}`);
  return result;
}

/** Why it was refused; fails the test where it was not. */
export function refused(result: unknown, status = 400): ProtocolError {
  if (!(result instanceof ProtocolError)) assert.fail(`accepted as ${JSON.stringify(result)}`);
  assert.equal(result.status, status, result.detail);
  return result;
}

/** A name for a test of these bytes. */
export function shown(text: string): string {
  const json = JSON.stringify(text).replace(
    /[\x7f-\xff]/g,
    c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return json.length > 100 ? `${json.slice(0, 60)}… (${text.length} bytes)` : json;
}
