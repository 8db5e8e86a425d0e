import { BlockList, isIP, isIPv6 } from 'node:net';
import type { TextForm } from './setting.ts';

/** A host and a port as configuration writes them: `127.0.0.1:9301`, `[::1]:9301`, `inventory.internal:8080`. */
export interface HostPort {
  /** An IP address (IPv6 without brackets) or a host name. */
  readonly host: string;
  /** To listen on: 0 lets the operating system choose. */
  readonly port: number;
}

const HOST_PORT_PATTERN =
  '^(\\[[0-9A-Fa-f:.%a-z]{2,64}\\]|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?):[0-9]{1,5}$';
const HOST_PORT = new RegExp(HOST_PORT_PATTERN);

/** @returns null where `text` is no host and port; port 0 is one */
export function parseHostPort(text: string): HostPort | null {
  if (!HOST_PORT.test(text)) return null;
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  const inBrackets = text.startsWith('[');
  const host = inBrackets ? text.slice(1, colon - 1) : text.slice(0, colon);
  const isHost = inBrackets ? isIPv6(host) : isHostName(host) || isIP(host) === 4;
  return isHost && port <= 65_535 ? { host, port } : null;
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where this machine itself calls what listens on an address: one that stands for all of them is called at one. */
export function calledLocally({ host, port }: HostPort): HostPort {
  const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return { host: at, port };
}

/** Whether a host is this machine to itself, and nobody to others. @param host a name or an IP address, IPv6 also in brackets */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

/**
 * Whether `text` is a name to look up: labels of letters, digits, dashes and (as container names have them)
 * underscores. What ends in a number would be an IP address (WHATWG URL, "ends in a number").
 */
function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  return labels.every(label => LABEL.test(label)) && !/^[0-9]+$/.test(labels[labels.length - 1]);
}

const LABEL = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** A host and port that something listens on; 0 lets the operating system choose the port. */
export const LISTEN_ADDRESS: TextForm & Codec<HostPort> = {
  expected: 'an address and port to listen on, such as 127.0.0.1:15001 or [::1]:15001',
  form: 'address:port',
  pattern: HOST_PORT_PATTERN,
  parse: parseHostPort,
  print: formatHostPort,
  guess: guessHostPort,
};

/** A host and port to connect to. */
export const PEER_ADDRESS: TextForm & Codec<HostPort> = {
  expected: 'a host and port, such as 127.0.0.1:9301, [::1]:9301 or inventory.internal:8080',
  form: 'host:port',
  pattern: HOST_PORT_PATTERN,
  parse(text) {
    const peer = parseHostPort(text);
    return peer !== null && peer.port > 0 ? peer : null;
  },
  print: formatHostPort,
  guess: guessHostPort,
};

/** A host by which others reach something, without a port. */
export const HOST: TextForm & Codec<string> = {
  expected: 'an IP address or a host name by which others reach it, without port',
  form: 'host',
  pattern: '^[A-Za-z0-9_.:%-]{1,253}$',
  parse: text => ((isIP(text) > 0 && !isUnspecified(text)) || isHostName(text) ? text : null),
  print: text => text,
  guess(text) {
    const bare = text.replace(/^\[(.*)\]$/, '$1');
    return isIPv6(bare) ? bare : null;
  },
};

/** Whether an IP address stands for all of a machine, to listen on: for whoever connects to it, that is his own. */
function isUnspecified(address: string): boolean {
  return UNSPECIFIED.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

const UNSPECIFIED = new BlockList();
UNSPECIFIED.addAddress('0.0.0.0');
UNSPECIFIED.addAddress('::', 'ipv6');

interface Codec<T> {
  readonly parse: (text: string) => T | null;
  readonly print: (value: T) => string;
}

function guessHostPort(given: string): string | null {
  const text = given.replace(/^[a-z]{1,10}:\/\/([^/]*)\/?$/i, '$1').replace(/^\*:/, '0.0.0.0:');
  if (parseHostPort(text) !== null) return text;
  const bare = /^:?(\d{1,5})$/.exec(text);
  if (bare !== null) return `127.0.0.1:${bare[1]}`;
  const colon = text.lastIndexOf(':');
  const inBrackets = `[${text.slice(0, colon)}]${text.slice(colon)}`;
  return parseHostPort(inBrackets) === null ? null : inBrackets;
}
