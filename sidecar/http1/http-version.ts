import { malformed, ProtocolError } from './protocol-error.ts';

/** "HTTP/" */
const NAME = [0x48, 0x54, 0x54, 0x50, 0x2f];

/**
 * Reads `HTTP/1.x` (RFC 9112 section 2.3).
 * @returns 0 for HTTP/1.0 and 1 for every later minor version, which has to be treated as the last one known
 */
export function parseVersion(bytes: Buffer, at: number): 0 | 1 | ProtocolError {
  for (let i = 0; i < NAME.length; i++) {
    if (bytes[at + i] !== NAME[i]) return malformed('a malformed HTTP version');
  }
  const major = bytes[at + 5] - 0x30;
  const minor = bytes[at + 7] - 0x30;
  if (!(major >= 0 && major <= 9) || bytes[at + 6] !== 0x2e || !(minor >= 0 && minor <= 9)) {
    return malformed('a malformed HTTP version');
  }
  if (major !== 1)
    return new ProtocolError(505, `the HTTP version ${major}.${minor}; only HTTP/1.x is spoken here`);
  return minor === 0 ? 0 : 1;
}
