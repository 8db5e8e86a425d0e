import { DEADLINE_FIELD, GRPC_TIMEOUT_FIELD, type RequestHead } from '../exchange/exchange.ts';
import type { Fields } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { CHUNKED, type Framing } from './framing.ts';

/**
 * Messages as latin1 text. Everything that goes out is written from what was understood, never passed through. One
 * string per head: the socket writes a flat one-byte string faster than a list of buffers.
 */

/** The last chunk of a chunked body without trailers. */
export const LAST_CHUNK = '0\r\n\r\n';

/**
 * A request's head for an endpoint.
 * @param via the pseudonym in the Via field to add (RFC 9110 section 7.6.3), or '' for none
 * @param timeLeft milliseconds that there are left to answer it, to be told; `Infinity` where nothing is
 * @param isGrpc whether to tell that in `grpc-timeout` too: a day of milliseconds has the eight digits that it may have
 */
export function requestHeadText(
  head: RequestHead,
  framing: Framing,
  via: string,
  timeLeft = Number.POSITIVE_INFINITY,
  isGrpc = false,
): string {
  let text = `${head.method} ${head.target} HTTP/1.1\r\n${fieldText(head.fields)}`;
  if (framing === CHUNKED) text += 'Transfer-Encoding: chunked\r\n';
  if (head.upgrade !== null) text += `Upgrade: ${head.upgrade}\r\nConnection: upgrade\r\n`;
  if (timeLeft !== Number.POSITIVE_INFINITY) {
    text += `${DEADLINE_FIELD}: ${timeLeft}\r\n`;
    if (isGrpc) text += `${GRPC_TIMEOUT_FIELD}: ${timeLeft}m\r\n`;
  }
  if (via !== '') text += `Via: ${head.version} ${via}\r\n`;
  return `${text}\r\n`;
}

/**
 * An answer's head for the application.
 * @param connection the value of the Connection field, or '' for none
 */
export function responseHeadText(
  head: ResponseHead,
  framing: Framing,
  connection: string,
  via: string,
): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n${fieldText(head.fields)}`;
  if (framing === CHUNKED) text += 'Transfer-Encoding: chunked\r\n';
  if (head.upgrade !== null) text += `Upgrade: ${head.upgrade}\r\n`;
  if (connection !== '') text += `Connection: ${connection}\r\n`;
  if (via !== '') text += `Via: ${head.version} ${via}\r\n`;
  return `${text}\r\n`;
}

/** The line before a chunk's bytes; `\r\n` follows them (RFC 9112 section 7.1). */
export function chunkStart(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** The end of a chunked body. */
export function chunkedEnd(trailers: Fields | null): string {
  return trailers === null ? LAST_CHUNK : `0\r\n${fieldText(trailers)}\r\n`;
}

function fieldText(fields: Fields): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
