import { isIP } from 'node:net';
import { formatHostPort } from '../../control-plane/contract/host-port.ts';
import { isLocalhost } from '../io/hosts-file.ts';
import { type AddressRecord, isAbsence, isSilence, type NameResolver } from '../io/name-resolver.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';
import { endpointWeights } from './srv-weights.ts';

/** What is asked: the addresses of a host, or, with a null port, the SRV records of a name. */
export interface DnsTarget {
  readonly host: string;
  readonly port: number | null;
}

/** What was found. */
export interface DnsAnswer {
  /** Sorted, without duplicates. Empty only where DNS says that the service is not offered (RFC 2782, a target of `.`). */
  readonly endpoints: readonly EndpointSpec[];
  /** Seconds for which the answer may be used; null where nothing says so. */
  readonly ttl: number | null;
  /** DNS itself gave the answer, not another source of names. */
  readonly isFromDns: boolean;
}

/**
 * Asks once.
 * @param mayLookUp whether to ask the system's other sources of names when DNS has no answer
 * @throws what the resolver threw
 */
export async function queryEndpoints(
  resolver: NameResolver,
  target: DnsTarget,
  mayLookUp: boolean,
): Promise<DnsAnswer> {
  const { host, port } = target;
  if (port === null) return queryService(resolver, host);
  const { addresses, ttl, isFromDns } = await queryHost(resolver, host, mayLookUp);
  return { endpoints: inOrder(addresses.map(address => endpointOf(address, port, 1))), ttl, isFromDns };
}

interface HostAnswer {
  readonly addresses: readonly string[];
  readonly ttl: number | null;
  readonly isFromDns: boolean;
}

async function queryHost(resolver: NameResolver, host: string, mayLookUp: boolean): Promise<HostAnswer> {
  if (isIP(host) !== 0) return { addresses: [host], ttl: null, isFromDns: false };
  if (isLocalhost(host)) return notFromDns(resolver.inHostsFile(host));
  try {
    const records = await queryAddresses(resolver, host);
    const ttl = Math.min(...records.map(record => record.ttl));
    return { addresses: records.map(record => record.address), ttl, isFromDns: true };
  } catch (error) {
    if (!mayLookUp) throw error;
    const said = resolver.inHostsFile(host);
    if (said.length > 0) return notFromDns(said);
    if (isSilence(error)) throw error;
    return resolver.lookup(host).then(notFromDns, () => {
      throw error;
    });
  }
}

/** IPv4 where there is any, otherwise IPv6: an instance that has both is one endpoint, and IPv6 may lead nowhere from here. */
async function queryAddresses(resolver: NameResolver, host: string): Promise<readonly AddressRecord[]> {
  try {
    const records = await resolver.resolve4(host);
    if (records.length > 0) return records;
  } catch (error) {
    if (!isAbsence(error)) throw error;
  }
  const records = await resolver.resolve6(host);
  if (records.length === 0) throw absence('no records');
  return records;
}

function notFromDns(all: readonly string[]): HostAnswer {
  const ipv4 = all.filter(address => isIP(address) === 4);
  return { addresses: ipv4.length > 0 ? ipv4 : all, ttl: null, isFromDns: false };
}

async function queryService(resolver: NameResolver, name: string): Promise<DnsAnswer> {
  const records = await resolver.resolveSrv(name);
  if (records.length === 0) throw absence('no records');
  if (records.every(record => record.name === '' || record.name === '.')) {
    return { endpoints: [], ttl: null, isFromDns: true };
  }
  const first = Math.min(...records.map(record => record.priority));
  const used = records.filter(record => record.priority === first);
  const weights = endpointWeights(used.map(record => record.weight));
  const found = await Promise.all(used.map(record => queryTarget(resolver, record.name)));
  const endpoints: EndpointSpec[] = [];
  let ttl: number | null = null;
  found.forEach((answer, i) => {
    if (answer === null) return;
    for (const address of answer.addresses) endpoints.push(endpointOf(address, used[i].port, weights[i]));
    if (answer.ttl !== null) ttl = Math.min(answer.ttl, ttl ?? answer.ttl);
  });
  if (endpoints.length === 0) throw absence(`no target of ${name} has an address`);
  return { endpoints: inOrder(endpoints), ttl, isFromDns: true };
}

/** The addresses of an SRV record's target, or null where DNS knows none: an instance that has just gone. */
async function queryTarget(resolver: NameResolver, name: string): Promise<HostAnswer | null> {
  try {
    return await queryHost(resolver, name, false);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

function endpointOf(address: string, port: number, weight: number): EndpointSpec {
  const id = formatHostPort({ host: address, port });
  return { id, address, port, weight, zone: null, version: null };
}

/** Servers shuffle their answers: in a fixed order, the same set is the same list. */
function inOrder(endpoints: readonly EndpointSpec[]): EndpointSpec[] {
  const byId = new Map(endpoints.map(endpoint => [endpoint.id, endpoint]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function absence(message: string): Error {
  return Object.assign(new Error(message), { code: 'ENODATA' });
}
