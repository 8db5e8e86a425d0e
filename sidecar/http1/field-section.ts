import type { Fields } from '../exchange/fields.ts';
import { COLON, CR, FIELD_VALUE, HTAB, LF, SP, TOKEN } from './characters.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/**
 * A header or trailer section (RFC 9112 section 5), parsed. `fields` holds what goes on to the next hop, in the order
 * and case received; what concerns this connection alone (RFC 9110 section 7.6.1) stands apart.
 */
export class FieldSection {
  fields: Fields = [];
  host: string | null = null;
  contentLength: string | null = null;
  /** All `Transfer-Encoding` lines as one list, or null. */
  transferEncoding: string | null = null;
  /** All `Connection` lines as one list, or null. */
  connection: string | null = null;
  upgrade: string | null = null;
  keepAlive: string | null = null;
  expect: string | null = null;
  maxForwards: string | null = null;
  hasDate = false;
  /** A field was repeated that may stand only once. */
  repeated: 'Host' | 'Content-Length' | null = null;
}

/**
 * Parses field lines until the empty line.
 * @param text the same bytes as latin1, `text[0]` being `bytes[textStart]`
 * @param from the first byte of the first line
 * @param to the position after the CRLF of the empty line
 * @param limit how many fields there may be
 */
export function parseFieldSection(
  bytes: Buffer,
  text: string,
  textStart: number,
  from: number,
  to: number,
  limit: number,
): FieldSection | ProtocolError {
  const section = new FieldSection();
  const end = to - 2;
  let count = 0;
  let i = from;
  while (i < end) {
    if (++count > limit) return new ProtocolError(431, `more than ${limit} header fields`);
    const nameStart = i;
    while (TOKEN[bytes[i]] === 1) i++;
    if (bytes[i] !== COLON || i === nameStart) return nameFault(bytes, nameStart, i);
    const name = text.slice(nameStart - textStart, i - textStart);

    i++;
    while (bytes[i] === SP || bytes[i] === HTAB) i++;
    const valueStart = i;
    while (FIELD_VALUE[bytes[i]] === 1) i++;
    if (bytes[i] !== CR || bytes[i + 1] !== LF) return valueFault(name, bytes[i]);
    let valueEnd = i;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    i += 2;

    addField(section, name, text.slice(valueStart - textStart, valueEnd - textStart));
  }
  if (i !== end) return malformed('a head that does not end where it should');
  return section;
}

/** Sorts one field into the section. The length of the name settles what most fields are not. */
function addField(section: FieldSection, name: string, value: string): void {
  switch (name.length) {
    case 2:
      if (is(name, 'te')) return;
      break;
    case 4:
      if (is(name, 'host')) {
        // In an answer Host means nothing: it must not hide a repeated Content-Length.
        if (section.host !== null) section.repeated ??= 'Host';
        section.host = value;
      } else if (is(name, 'date')) {
        section.hasDate = true;
      }
      break;
    case 6:
      if (is(name, 'expect'))
        section.expect = section.expect === null ? value : `${section.expect}, ${value}`;
      break;
    case 7:
      if (is(name, 'upgrade')) {
        section.upgrade = section.upgrade === null ? value : `${section.upgrade}, ${value}`;
        return;
      }
      break;
    case 10:
      if (is(name, 'connection')) {
        section.connection = section.connection === null ? value : `${section.connection}, ${value}`;
        return;
      }
      if (is(name, 'keep-alive')) {
        section.keepAlive = value;
        return;
      }
      break;
    case 12:
      if (is(name, 'max-forwards'))
        section.maxForwards = section.maxForwards === null ? value : `${section.maxForwards}, ${value}`;
      break;
    case 14:
      if (is(name, 'content-length')) {
        if (section.contentLength !== null) section.repeated = 'Content-Length';
        section.contentLength = value;
      } else if (is(name, 'http2-settings')) {
        return;
      }
      break;
    case 16:
      if (is(name, 'proxy-connection')) return;
      break;
    case 17:
      if (is(name, 'transfer-encoding')) {
        section.transferEncoding =
          section.transferEncoding === null ? value : `${section.transferEncoding}, ${value}`;
        return;
      }
      break;
    case 19:
      // Credentials for the proxy that asked for them: this one does not ask (RFC 9110 section 11.7.2).
      if (is(name, 'proxy-authorization')) return;
      break;
  }
  section.fields.push(name, value);
}

/** Compares a name of the same length without case. Not `toLowerCase()`: that costs more than all the rest of a field. */
function is(name: string, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    if ((name.charCodeAt(i) | 0x20) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

function nameFault(bytes: Buffer, nameStart: number, at: number): ProtocolError {
  const byte = bytes[at];
  if (at === nameStart && (byte === SP || byte === HTAB)) return malformed('a folded header line');
  if (at === nameStart && byte === COLON) return malformed('a header field without a name');
  if (byte === SP || byte === HTAB) return malformed('white space before the colon of a header field');
  if (byte === CR || byte === LF) return malformed('a header line without a colon');
  return malformed(`the byte 0x${byte.toString(16).padStart(2, '0')} in the name of a header field`);
}

function valueFault(name: string, byte: number): ProtocolError {
  if (byte === LF) return malformed(`a bare LF after the field ${name}`);
  if (byte === CR) return malformed(`a bare CR in the field ${name}`);
  return malformed(`the byte 0x${byte.toString(16).padStart(2, '0')} in the field ${name}`);
}
