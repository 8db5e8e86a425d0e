import { promises as dns } from 'node:dns';

/**
 * Asks for names. Every method rejects with an error whose `code` is one of `node:dns`: `ENOTFOUND` and `ENODATA` say that
 * there is no such name or no such record, others that nobody could be asked.
 */
export interface NameResolver {
  resolve4(name: string): Promise<readonly AddressRecord[]>;
  resolve6(name: string): Promise<readonly AddressRecord[]>;
  resolveSrv(name: string): Promise<readonly ServiceRecord[]>;
  /** All addresses that the system knows by any of its means (`/etc/hosts`, search domains, mDNS). */
  lookup(name: string): Promise<readonly string[]>;
}

export interface AddressRecord {
  readonly address: string;
  /** Seconds for which the answer may be used. */
  readonly ttl: number;
}

/** An SRV record (RFC 2782). Node does not tell its TTL. */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Asks the DNS servers that the system is configured for, or the given ones. */
export class SystemResolver implements NameResolver {
  private readonly servers: readonly string[] | null;

  /** @param servers `address:port`, or null for those of the system */
  constructor(servers: readonly string[] | null = null) {
    this.servers = servers;
  }

  resolve4(name: string): Promise<AddressRecord[]> {
    return this.open().resolve4(name, { ttl: true });
  }

  resolve6(name: string): Promise<AddressRecord[]> {
    return this.open().resolve6(name, { ttl: true });
  }

  resolveSrv(name: string): Promise<ServiceRecord[]> {
    return this.open().resolveSrv(name);
  }

  async lookup(name: string): Promise<string[]> {
    const found = await dns.lookup(name, { all: true });
    return found.map(({ address }) => address);
  }

  /** A resolver for one question: it reads the system's configuration as it is now, and remembers no answer. */
  private open(): dns.Resolver {
    const resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (this.servers !== null) resolver.setServers(this.servers);
    return resolver;
  }
}

const TIMEOUT_MS = 2000;
const TRIES = 2;
