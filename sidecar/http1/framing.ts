import { isToken, listItems } from './characters.ts';
import type { FieldSection } from './field-section.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/** How the end of a body is found (RFC 9112 section 6): a length in bytes from 0, or one of the two below. */
export type Framing = number;

/** The body is in the chunked coding. */
export const CHUNKED = -2;
/** The body ends with the connection; for answers only. */
export const UNTIL_CLOSE = -1;

/** The framing of a request's body, by RFC 9112 section 6.3, with every ambiguity refused. */
export function requestFraming(section: FieldSection, minorVersion: number): Framing | ProtocolError {
  if (section.transferEncoding === null && section.contentLength === null) return 0;
  return declaredFraming(section, minorVersion);
}

/**
 * The framing of an answer's body, by RFC 9112 section 6.3.
 * @param method the request's
 */
export function responseFraming(
  section: FieldSection,
  minorVersion: number,
  status: number,
  method: string,
): Framing | ProtocolError {
  // What follows a successful answer to CONNECT is the tunnel's, whatever the fields say (rule 2).
  if (method === 'CONNECT' && status >= 200 && status < 300) return UNTIL_CLOSE;
  if (section.transferEncoding === null && section.contentLength === null) {
    return hasNoBody(status, method) ? 0 : UNTIL_CLOSE;
  }
  const framing = declaredFraming(section, minorVersion);
  return typeof framing === 'number' && hasNoBody(status, method) ? 0 : framing;
}

/** Whether an answer ends with its head whatever its fields say (RFC 9112 section 6.3, rules 1 and 2). */
export function hasNoBody(status: number, method: string): boolean {
  return status === 204 || status === 304 || status < 200 || method === 'HEAD';
}

/** The value of a well-formed `Content-Length`, or -1 (RFC 9110 section 8.6). */
export function parseContentLength(value: string): number {
  // 15 digits stay below 2^53: no length is rounded.
  if (value.length === 0 || value.length > 15) return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

function declaredFraming(section: FieldSection, minorVersion: number): Framing | ProtocolError {
  if (section.repeated === 'Content-Length') return malformed('more than one Content-Length');
  if (section.transferEncoding === null) {
    const length = parseContentLength(section.contentLength ?? '');
    return length < 0 ? malformed('a Content-Length that is not a number of bytes') : length;
  }
  if (section.contentLength !== null) return malformed('both Content-Length and Transfer-Encoding');
  if (minorVersion === 0) return malformed('a Transfer-Encoding, which HTTP/1.0 does not know');
  return transferCoding(section.transferEncoding);
}

function transferCoding(list: string): Framing | ProtocolError {
  if (list === 'chunked') return CHUNKED;
  const codings = listItems(list);
  for (let i = 0; i < codings.length; i++) {
    const coding = codings[i];
    const isLast = i === codings.length - 1;
    if (!isToken(coding)) return malformed('a malformed Transfer-Encoding');
    if (isLast && coding !== 'chunked') return malformed('a Transfer-Encoding that does not end in chunked');
    if (!isLast && coding === 'chunked') return malformed('a Transfer-Encoding with chunked before its end');
  }
  return codings.length === 1
    ? CHUNKED
    : new ProtocolError(501, 'a transfer coding other than chunked, which is not supported');
}
