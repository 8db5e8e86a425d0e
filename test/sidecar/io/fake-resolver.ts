import type { AddressRecord, NameResolver, ServiceRecord } from '../../../sidecar/io/name-resolver.ts';

/** A resolver that knows what its tables say; an answer that is a string is the code of an error. */
export class FakeResolver implements NameResolver {
  readonly ipv4 = new Map<string, AddressRecord[] | string>();
  readonly ipv6 = new Map<string, AddressRecord[] | string>();
  readonly services = new Map<string, ServiceRecord[] | string>();
  readonly system = new Map<string, string[]>();
  readonly hosts = new Map<string, string[]>([['localhost', ['127.0.0.1', '::1']]]);
  /** What was asked, as `method name`. */
  readonly asked: string[] = [];

  resolve4(name: string, _signal?: AbortSignal): Promise<readonly AddressRecord[]> {
    return this.answer('resolve4', name, this.ipv4.get(name));
  }

  resolve6(name: string): Promise<readonly AddressRecord[]> {
    return this.answer('resolve6', name, this.ipv6.get(name));
  }

  resolveSrv(name: string): Promise<readonly ServiceRecord[]> {
    return this.answer('resolveSrv', name, this.services.get(name));
  }

  inHostsFile(name: string): readonly string[] {
    return this.hosts.get(name) ?? [];
  }

  lookup(name: string): Promise<readonly string[]> {
    return this.answer('lookup', name, this.system.get(name));
  }

  private async answer<T>(method: string, name: string, known: T[] | string | undefined): Promise<T[]> {
    this.asked.push(`${method} ${name}`);
    if (Array.isArray(known)) return known;
    const code = known ?? 'ENOTFOUND';
    throw Object.assign(new Error(code), { code });
  }
}

export function records(ttl: number, ...addresses: string[]): AddressRecord[] {
  return addresses.map(address => ({ address, ttl }));
}
