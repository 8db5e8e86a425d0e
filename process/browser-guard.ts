import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * Keeps web pages from using an API through the browser of someone who can reach it: an address on localhost, or
 * in a private network, is not out of a page's reach.
 */

/** Why a request with more than one `Host` is not understood, or null (RFC 9112 section 3.2); `node:http` takes the first. */
export function repeatedHost({ rawHeaders }: IncomingMessage): string | null {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const hosts = names.filter(name => name.toLowerCase() === 'host').length;
  return hosts > 1 ? `The request has ${hosts} Host fields; it may have one.` : null;
}

/**
 * Why the request's `Host` is not accepted, or null. A page can have its own name resolve to our address (DNS rebinding) and is
 * then of the same origin as we are; but it is called by that name. Names that nobody can register in the public DNS are
 * accepted: IP addresses, `localhost`, names without a dot (containers), and the one that we were told to listen on.
 */
export function refusedHost(headers: IncomingHttpHeaders, listenHost: string): string | null {
  // Only HTTP/1.0 has no Host, which no browser speaks.
  if (headers.host === undefined) return null;
  const name = hostName(headers.host);
  if (name !== null && (isLocalName(name) || name === listenHost.toLowerCase())) return null;
  return `This API does not answer to the host '${headers.host}'. Use an IP address, 'localhost' or a name without a dot.`;
}

/** Why a call that changes something is not accepted, or null: a page may send it without asking, though it can't read the answer. */
export function refusedOrigin(headers: IncomingHttpHeaders): string | null {
  const site = headers['sec-fetch-site'];
  const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  if (!isForeignSite && (origin === undefined || origin === `http://${headers.host}`)) return null;
  return `This API does not take this call from another site${origin === undefined ? '' : ` ('${origin}')`}.`;
}

/** The host without its port, in lower case; null where it is malformed. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host);
  return match === null ? null : (match[1] ?? match[2]).toLowerCase();
}

function isLocalName(name: string): boolean {
  return isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost');
}
