import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

/** Where the system keeps names of its own. */
const SYSTEM_PATH =
  process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts';

/** The names that a hosts file says, read again when the file has changed. */
export class HostsFile {
  private readonly path: string;
  private names: ReadonlyMap<string, readonly string[]> = new Map();
  private seen = '';

  constructor(path = SYSTEM_PATH) {
    this.path = path;
  }

  /** The addresses of a name, IPv4 first; none where the file does not have it. `localhost` has some always (RFC 6761 section 6.3). */
  addressesOf(name: string): readonly string[] {
    this.readAgain();
    const plain = name.toLowerCase().replace(/\.$/, '');
    return this.names.get(plain) ?? (isLocalhost(plain) ? LOOPBACK : NONE);
  }

  private readAgain(): void {
    try {
      const { ino, size, mtimeMs } = statSync(this.path);
      const now = `${ino} ${size} ${mtimeMs}`;
      if (now === this.seen) return;
      this.names = parseHosts(readFileSync(this.path, 'utf8'));
      this.seen = now;
    } catch {
      // Not to be read now: what it said last is better than nothing.
    }
  }
}

/** RFC 6761 section 6.3: DNS is not asked for these. */
export function isLocalhost(name: string): boolean {
  return /(^|\.)localhost\.?$/i.test(name);
}

const LOOPBACK = ['127.0.0.1', '::1'];
const NONE: readonly string[] = [];

/** Lines of an address and its names, as in hosts(5). */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...rest] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of rest) {
      const key = name.toLowerCase().replace(/\.$/, '');
      const addresses = names.get(key) ?? [];
      if (!addresses.includes(address)) addresses.push(address);
      names.set(key, addresses);
    }
  }
  for (const addresses of names.values()) addresses.sort((a, b) => isIP(a) - isIP(b));
  return names;
}
