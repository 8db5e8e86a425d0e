import type { RequestHead } from '../exchange/exchange.ts';
import { removeFields, setField } from '../exchange/fields.ts';
import { isAuthority, parseAuthority } from './authority.ts';
import { CR, LF, listItems, SP, TARGET, TOKEN } from './characters.ts';
import { applyConnectionOptions } from './connection-options.ts';
import { type FieldSection, parseFieldSection } from './field-section.ts';
import { type Framing, requestFraming } from './framing.ts';
import { parseVersion } from './http-version.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/** The four forms of a request target (RFC 9112 section 3.2). */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

/** A request's head as it came over an HTTP/1.1 connection: what goes on, and what concerns the connection. */
export interface ParsedRequest {
  readonly head: RequestHead;
  readonly form: TargetForm;
  /** 0 or 1: the minor version of HTTP/1. */
  readonly minorVersion: number;
  readonly framing: Framing;
  /** The connection stays open after the answer (RFC 9112 section 9.3); a proxy never keeps an HTTP/1.0 client's. */
  readonly keepAlive: boolean;
  /** What `Connection` names, in lower case: trailers of these names go no further. Null where it names no field. */
  readonly nominated: ReadonlySet<string> | null;
  /** For TRACE and OPTIONS: how many more hops it may go, 0 when it must be answered here (RFC 9110 section 7.6.2), else null. */
  readonly maxForwards: number | null;
}

/**
 * Parses a request's head (RFC 9112 sections 2 to 6).
 * @param bytes where the head lies, from `start` to `end`, which is the position after its empty line
 * @param fieldLimit how many header fields there may be
 */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  fieldLimit: number,
): ParsedRequest | ProtocolError {
  const text = bytes.toString('latin1', start, end);
  // RFC 9112 section 2.2: one empty line before the request line is passed over.
  let i = bytes[start] === CR && bytes[start + 1] === LF ? start + 2 : start;
  const methodStart = i;
  while (TOKEN[bytes[i]] === 1) i++;
  if (bytes[i] !== SP || i === methodStart) return malformed('a request line without a proper method');
  const method = text.slice(methodStart - start, i - start);
  const targetStart = ++i;
  while (TARGET[bytes[i]] === 1) i++;
  if (bytes[i] !== SP || i === targetStart)
    return malformed('a request line without a proper target and version');
  const target = text.slice(targetStart - start, i - start);
  const minorVersion = parseVersion(bytes, i + 1);
  if (typeof minorVersion !== 'number') return minorVersion;
  i += 9;
  if (bytes[i] !== 0x0d || bytes[i + 1] !== 0x0a)
    return malformed('something after the version in its request line');

  const section = parseFieldSection(bytes, text, start, i + 2, end, fieldLimit);
  if (section instanceof ProtocolError) return section;
  return interpret(method, target, minorVersion, section);
}

function interpret(
  method: string,
  target: string,
  minorVersion: number,
  section: FieldSection,
): ParsedRequest | ProtocolError {
  if (section.repeated === 'Host') return malformed('more than one Host');
  if (section.host === null) {
    if (minorVersion >= 1) return malformed('no Host');
  } else if (!isAuthority(section.host)) {
    return malformed('a malformed Host');
  }
  const framing = requestFraming(section, minorVersion);
  if (typeof framing !== 'number') return framing;
  const destination = parseTarget(method, target, section.host);
  if (destination instanceof ProtocolError) return destination;
  if (method === 'CONNECT' || method === 'TRACE') {
    if (framing !== 0) return malformed(`a body, which ${method} can not have`);
  }

  const fields = section.fields;
  const options = applyConnectionOptions(section.connection, fields);
  if (section.host !== destination.authority) setField(fields, 'host', 'Host', destination.authority);
  const unexpected = checkExpectation(section, minorVersion, framing);
  if (unexpected !== null) return unexpected;
  const maxForwards = forwardsLeft(method, section);
  if (maxForwards instanceof ProtocolError) return maxForwards;

  return {
    head: {
      method,
      version: minorVersion === 0 ? '1.0' : '1.1',
      target: destination.target,
      authority: destination.authority,
      fields,
      upgrade: minorVersion >= 1 && options.upgrade && framing === 0 ? protocols(section.upgrade) : null,
    },
    form: destination.form,
    minorVersion,
    framing,
    keepAlive:
      !options.close && (minorVersion >= 1 || (options.keepAlive && destination.form !== 'absolute')),
    nominated: options.nominated,
    maxForwards,
  };
}

/**
 * The protocols that the application may switch to, or null. `h2c` is none of them: HTTP/2 is no longer begun that way
 * (RFC 9113 section 3.1), and an upstream that did would be spoken to past everything that is checked here.
 */
function protocols(upgrade: string | null): string | null {
  if (upgrade === null) return null;
  const items = listItems(upgrade);
  if (!items.includes('') && !items.includes('h2c')) return upgrade;
  return items.filter(item => item !== '' && item !== 'h2c').join(', ') || null;
}

interface Destination {
  readonly form: TargetForm;
  readonly target: string;
  readonly authority: string;
}

/** RFC 9112 section 3.2 and 3.3: what is asked for, and of whom. The target's own authority beats `Host`. */
function parseTarget(method: string, target: string, host: string | null): Destination | ProtocolError {
  if (method === 'CONNECT') {
    const authority = parseAuthority(target);
    if (authority === null || authority.port === null)
      return malformed('a CONNECT target other than host:port');
    return { form: 'authority', target, authority: target };
  }
  if (target.charCodeAt(0) === 0x2f) return { form: 'origin', target, authority: host ?? '' };
  if (target === '*') {
    if (method !== 'OPTIONS') return malformed('the target *, which only OPTIONS may have');
    return { form: 'asterisk', target, authority: host ?? '' };
  }
  return parseAbsoluteTarget(method, target);
}

const HTTP_SCHEME = 'http://';

function parseAbsoluteTarget(method: string, target: string): Destination | ProtocolError {
  if (target.slice(0, HTTP_SCHEME.length).toLowerCase() !== HTTP_SCHEME) {
    return malformed('a target that is neither a path nor an http:// URL');
  }
  let i = HTTP_SCHEME.length;
  while (i < target.length && target[i] !== '/' && target[i] !== '?') i++;
  const authority = target.slice(HTTP_SCHEME.length, i);
  if (!isAuthority(authority)) return malformed('a target URL with a malformed host');
  const path = target.slice(i);
  if (path === '' && method === 'OPTIONS') return { form: 'absolute', target: '*', authority };
  return { form: 'absolute', target: path.startsWith('/') ? path : `/${path}`, authority };
}

/** Takes `Expect` away where it means nothing (RFC 9110 section 10.1.1), and refuses what nobody knows. */
function checkExpectation(
  section: FieldSection,
  minorVersion: number,
  framing: Framing,
): ProtocolError | null {
  if (section.expect === null) return null;
  if (minorVersion >= 1) {
    for (const item of listItems(section.expect)) {
      if (item !== '100-continue') return new ProtocolError(417, 'an expectation other than 100-continue');
    }
    if (framing !== 0) return null;
  }
  removeFields(section.fields, 'expect');
  return null;
}

const MOST_FORWARDS = 1_000_000;

function forwardsLeft(method: string, section: FieldSection): number | null | ProtocolError {
  if (section.maxForwards === null || (method !== 'TRACE' && method !== 'OPTIONS')) return null;
  if (!/^[0-9]+$/.test(section.maxForwards)) return malformed('a malformed Max-Forwards');
  const left = Math.min(Number(section.maxForwards), MOST_FORWARDS);
  if (left > 0) setField(section.fields, 'max-forwards', 'Max-Forwards', String(left - 1));
  return left;
}
