import { isIPv6 } from 'node:net';

/**
 * `uri-host [ ":" port ]` without user information (RFC 9110 section 7.2, RFC 3986 section 3.2), save that a name has no
 * comma: that is what two Host fields look like after somebody has merged them.
 */
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)(?::([0-9]{0,5}))?$/;

const PLAIN_NAME = /^[A-Za-z0-9._-]+$/;

/** A host and a port as a URI or a `Host` field gives them. */
export interface Authority {
  /** In lower case, without the brackets of an IPv6 address. */
  readonly host: string;
  /** 1 to 65535, or null where none is given. */
  readonly port: number | null;
}

/** Whether the text is an authority that a `Host` field may hold. */
export function isAuthority(text: string): boolean {
  // The port is what needs a closer look; names without one are nearly all there are.
  return PLAIN_NAME.test(text) || parseAuthority(text) !== null;
}

/** Takes an authority apart; null where it is none. */
export function parseAuthority(text: string): Authority | null {
  const match = AUTHORITY.exec(text);
  if (match === null) return null;
  const host = match[1].toLowerCase();
  const port = match[2] === undefined || match[2] === '' ? null : Number(match[2]);
  if (port !== null && (port < 1 || port > 65535)) return null;
  if (!host.startsWith('[')) return { host, port };
  const address = host.slice(1, -1);
  return isIPv6(address) ? { host: address, port } : null;
}
