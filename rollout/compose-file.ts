import { type Document, isMap, type Pair, parseDocument, type YAMLMap } from 'yaml';

/**
 * What a roll-out replaces: containers of one service, each of which is an instance; or a pair, an application's container (or
 * several) in the network of its sidecar's.
 */
export type Group =
  | { readonly kind: 'replicas'; readonly service: string }
  | { readonly kind: 'pair'; readonly owner: string; readonly members: readonly string[] };

/** A service of the file, as far as it matters here. */
export interface ComposeService {
  readonly containerName: string | null;
  readonly networkMode: string | null;
  /** Ports of the host that are published, as they are written. */
  readonly hostPorts: readonly string[];
  /** Networks in which it has an address that is fixed. */
  readonly fixedAddresses: readonly string[];
  /** How many containers the file asks for. */
  readonly scale: number;
}

/** What the services of a second pair are called, behind the name of the first. */
const SECOND = '-rollout';
const FIXED_ADDRESS = ['ipv4_address', 'ipv6_address', 'mac_address'];
/** What a second pair of containers can not share with the first, or does not need. */
const OWN = ['container_name', 'depends_on', 'build', 'mac_address'];

/** The name that a service has in the second pair. */
export function secondName(service: string): string {
  return service + SECOND;
}

/**
 * A compose file as `docker compose config` prints it: merged, filled in, with absolute paths. Values are kept as they are written,
 * never understood as numbers or booleans, so that what compose reads again is what it wrote.
 */
export class ComposeFile {
  private readonly document: Document;

  /** @throws Error where it is no compose file */
  constructor(text: string) {
    this.document = parseDocument(text, { schema: 'failsafe', uniqueKeys: false });
    const [error] = this.document.errors;
    if (error !== undefined)
      throw new Error(`the file that compose prints can not be read: ${error.message}`);
    if (!isMap(this.document.get('services'))) throw new Error('the compose file has no services');
  }

  get services(): readonly string[] {
    return Object.keys(asMap(asMap(this.document.toJS()).services));
  }

  /** @returns null where there is no such service */
  service(name: string): ComposeService | null {
    const all = asMap(asMap(this.document.toJS()).services);
    if (!Object.hasOwn(all, name)) return null;
    const service = asMap(all[name]);
    const networks = Object.entries(asMap(service.networks));
    const replicas = asMap(service.deploy).replicas;
    return {
      containerName: asText(service.container_name),
      networkMode: asText(service.network_mode),
      hostPorts: asList(service.ports).flatMap(port => hostPortOf(port) ?? []),
      fixedAddresses: networks.flatMap(([network, settings]) =>
        FIXED_ADDRESS.some(key => asText(asMap(settings)[key]) !== null) ? network : [],
      ),
      scale: Number(asText(service.scale) ?? asText(replicas) ?? '1'),
    };
  }

  /** What a roll-out of the service replaces. Both services of a pair stand for the pair. */
  groupOf(service: string): Group {
    const owner = ownerOf(this.service(service)) ?? service;
    const members = this.services.filter(name => ownerOf(this.service(name)) === owner);
    return members.length === 0 ? { kind: 'replicas', service } : { kind: 'pair', owner, members };
  }

  /**
   * The same file with a second pair beside the first one.
   * @param imageOf the image of a service that is built and does not name one
   */
  withSecond(owner: string, members: readonly string[], imageOf: (service: string) => string): string {
    const services = this.document.get('services') as YAMLMap;
    for (const name of [owner, ...members]) {
      const copy = (services.get(name) as YAMLMap).clone() as YAMLMap;
      if (copy.has('build') && !copy.has('image')) copy.set('image', imageOf(name));
      for (const key of OWN) copy.delete(key);
      if (name !== owner) copy.set('network_mode', `service:${secondName(owner)}`);
      const networks = copy.get('networks');
      for (const { value } of isMap(networks) ? (networks.items as Pair<unknown, unknown>[]) : [])
        if (isMap(value)) for (const key of FIXED_ADDRESS) value.delete(key);
      services.set(secondName(name), copy);
    }
    const text = this.document.toString({ lineWidth: 0 });
    for (const name of [owner, ...members]) services.delete(secondName(name));
    return text;
  }
}

function ownerOf(service: ComposeService | null): string | null {
  return /^service:(.+)$/.exec(service?.networkMode ?? '')?.[1] ?? null;
}

/** `127.0.0.1:8080:80/tcp`, or the same as a map; null where the engine chooses the port, alone or from a range. */
function hostPortOf(port: unknown): string | null {
  const published =
    typeof port === 'string'
      ? /:(\d+):[\d-]+$/.exec(`:${port.replace(/\/\w+$/, '')}`)?.[1]
      : asText(asMap(port).published);
  return published !== undefined && published !== null && /^[1-9]\d*$/.test(published) ? published : null;
}

function asMap(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value !== 'null' ? value : null;
}
