import { promises as dns } from 'node:dns';
import { HostsFile } from './hosts-file.ts';
import { LookupsInTurn } from './lookups-in-turn.ts';

/**
 * Asks for names. Every method that waits rejects with an error whose `code` is one of `node:dns`: `ENOTFOUND` and `ENODATA` say
 * that there is no such name or no such record, others that nobody could be asked.
 */
export interface NameResolver {
  /** @param signal gives up */
  resolve4(name: string, signal?: AbortSignal): Promise<readonly AddressRecord[]>;
  resolve6(name: string, signal?: AbortSignal): Promise<readonly AddressRecord[]>;
  resolveSrv(name: string): Promise<readonly ServiceRecord[]>;
  /** What the hosts file says: IPv4 first, none where it says nothing. */
  inHostsFile(name: string): readonly string[];
  /**
   * All addresses that the system knows by any of its means (mDNS, a directory). Takes a thread of the runtime for as long as the
   * system likes, so it is for names about which DNS has said that it has no answer.
   */
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

/** DNS was asked and says that there is no such name, or no such record. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/** DNS is silent. Whoever asks the system then waits for it again. */
export function isSilence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ETIMEOUT' || code === 'ECANCELLED';
}

/** Asks the DNS servers that the system is configured for, or the given ones. */
export class SystemResolver implements NameResolver {
  private readonly servers: readonly string[] | null;
  private readonly hosts: HostsFile;

  /** @param servers `address:port`, or null for those of the system */
  constructor(servers: readonly string[] | null = null, hosts = new HostsFile()) {
    this.servers = servers;
    this.hosts = hosts;
  }

  resolve4(name: string, signal?: AbortSignal): Promise<AddressRecord[]> {
    return this.open(signal).resolve4(name, { ttl: true });
  }

  resolve6(name: string, signal?: AbortSignal): Promise<AddressRecord[]> {
    return this.open(signal).resolve6(name, { ttl: true });
  }

  resolveSrv(name: string): Promise<ServiceRecord[]> {
    return this.open().resolveSrv(name);
  }

  inHostsFile(name: string): readonly string[] {
    return this.hosts.addressesOf(name);
  }

  lookup(name: string): Promise<readonly string[]> {
    return lookups.lookUp(name);
  }

  /** A resolver for one question: it reads the system's configuration as it is now, and remembers no answer. */
  private open(signal?: AbortSignal): dns.Resolver {
    const resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (this.servers !== null) resolver.setServers(this.servers);
    signal?.addEventListener('abort', () => resolver.cancel(), { once: true });
    return resolver;
  }
}

const TIMEOUT_MS = 2000;
const TRIES = 2;

/** For the whole process: the threads are its. */
const lookups = new LookupsInTurn(async name => {
  const all = await dns.lookup(name, { all: true });
  return all.map(({ address }) => address);
});
