import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import { removeFields } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { CR, FIELD_VALUE, LF, SP } from './characters.ts';
import { applyConnectionOptions } from './connection-options.ts';
import { parseFieldSection } from './field-section.ts';
import { type Framing, responseFraming, UNTIL_CLOSE } from './framing.ts';
import { parseVersion } from './http-version.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/** An answer's head as it came over an HTTP/1.1 connection: what goes on, and what concerns the connection. */
export interface ParsedResponse {
  readonly head: ResponseHead;
  readonly framing: Framing;
  /** The connection can carry another request after this answer (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** What `Connection` names, in lower case: trailers of these names go no further. Null where it names no field. */
  readonly nominated: ReadonlySet<string> | null;
  /** The value of a `Keep-Alive` field, or null. */
  readonly keepAliveHint: string | null;
}

/**
 * Parses an answer's head (RFC 9112 sections 2 and 4 to 6).
 * @param bytes where the head lies, from `start` to `end`, which is the position after its empty line
 * @param method the request's: it decides whether there is a body
 * @param date the value of the `Date` field to add where there is none (RFC 9110 section 6.6.1)
 */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  fieldLimit: number,
  method: string,
  date: string,
): ParsedResponse | ProtocolError {
  const text = bytes.toString('latin1', start, end);
  const minorVersion = parseVersion(bytes, start);
  if (typeof minorVersion !== 'number') return minorVersion;
  const status = parseStatus(bytes, start + 8);
  if (status < 0) return malformed('a status line without a proper status code');
  let i = start + 12;
  // The space before an empty reason is required by the grammar and left out by many; nothing hangs on it.
  if (bytes[i] === SP) i++;
  else if (bytes[i] !== CR) return malformed('a status line without a proper status code');
  const reasonStart = i;
  while (FIELD_VALUE[bytes[i]] === 1) i++;
  if (bytes[i] !== CR || bytes[i + 1] !== LF) return malformed('a control character in its status line');
  const reason = text.slice(reasonStart - start, i - start);

  const section = parseFieldSection(bytes, text, start, i + 2, end, fieldLimit);
  if (section instanceof ProtocolError) return section;
  const framing = responseFraming(section, minorVersion, status, method);
  if (typeof framing !== 'number') return framing;
  const fields = section.fields;
  const options = applyConnectionOptions(section.connection, fields);
  const tunnel = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300);
  // RFC 9110 section 8.6: no Content-Length in 1xx, 204 and 2xx to CONNECT.
  if ((status < 200 || status === 204 || tunnel) && section.contentLength !== null)
    removeFields(fields, 'content-length');
  if (!section.hasDate && status >= 200) fields.push('Date', date);
  const upgrade = status === 101 || status === 426 ? section.upgrade : null;
  // Without either field an application may take the tunnel's bytes for those of an ordinary answer.
  if (status === 101 && !(upgrade && options.upgrade))
    return malformed('status 101 and no Upgrade that says to what, or no Connection that names it');
  return {
    head: {
      status,
      version: minorVersion === 0 ? '1.0' : '1.1',
      reason,
      fields,
      bodyLength: framing >= 0 ? framing : UNKNOWN_LENGTH,
      upgrade,
      tunnel,
      endsWithConnection: framing === UNTIL_CLOSE && !tunnel,
    },
    framing,
    keepAlive: framing !== -1 && !options.close && (minorVersion >= 1 || options.keepAlive),
    nominated: options.nominated,
    keepAliveHint: section.keepAlive,
  };
}

/** Three digits from 100 to 599 (RFC 9110 section 15), or -1. */
function parseStatus(bytes: Buffer, at: number): number {
  const a = bytes[at + 1] - 0x30;
  const b = bytes[at + 2] - 0x30;
  const c = bytes[at + 3] - 0x30;
  const isStatus = bytes[at] === SP && a >= 1 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9;
  return isStatus ? a * 100 + b * 10 + c : -1;
}
