import type { RequestHead } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { setField } from '../exchange/fields.ts';
import type { Service } from '../exchange/service.ts';
import { type Authority, parseAuthority } from '../http1/authority.ts';
import type { TargetForm } from '../http1/request-head.ts';
import { AskedService, type Question } from './asked-service.ts';

/** Makes what serves a host that no upstream is configured for. */
interface UnknownHosts {
  /**
   * Asks whether a host, in lower case and without `.mesh`, is a service that is not known here yet.
   * @param isNamedSo whether it can be nothing but a service, or a machine nearby: it has a single label, or ends in `.mesh`
   * @returns the question, to wait for its answer; null where there is nothing to wait for: it is none, or nobody can tell
   */
  ask(host: string, isNamedSo: boolean): Question | null;
  /** Routes a request anew, by the table that is in force by then. */
  again(head: RequestHead, form: TargetForm, port: number): Service;
  /** Requests to `host:port`, sent on as they are. */
  pass(host: string, port: number): Service;
  /** Requests for a service of the mesh that nobody knows. */
  absent(name: string): Service;
  /** Requests that lead nowhere. */
  refuse: Service;
  /** Fails requests for this reason. */
  failing(reason: Failure): Service;
}

/** What a route table is made of. */
export interface Routes {
  /** Upstream name, in lower case, to the stack that serves it. */
  readonly upstreams: ReadonlyMap<string, Service>;
  /** Local port to upstream name. */
  readonly ports: ReadonlyMap<number, string>;
  /**
   * The upstream for requests that came to the sidecar as to a server and name no other; null: there is none. Where unknown hosts
   * are refused, only for those that name the sidecar itself or no host.
   */
  readonly fallback: string | null;
  readonly unknownHosts: 'pass' | 'refuse';
  /** Ports of unknown hosts that CONNECT may reach. */
  readonly connectPorts: readonly number[] | 'any';
  /** Whether the address is one that the sidecar itself listens on. */
  isOwnAddress(host: string, port: number): boolean;
}

/** `inventory.mesh` is `inventory`. */
const MESH_SUFFIX = '.mesh';
const HTTP_PORT = 80;
/** Spellings of hosts that are remembered; beyond, they are looked up anew. */
const MEMORY = 1024;

/** From a request to what serves it: by the port it came in on, else by the host it names. Made once per configuration. */
export class RouteTable {
  private readonly routes: Routes;
  private readonly unknown: UnknownHosts;
  /** A `Host` as sent to the upstream that it means. Nearly all requests are settled here. */
  private readonly byHost = new Map<string, Service>();

  constructor(routes: Routes, unknown: UnknownHosts) {
    this.routes = routes;
    this.unknown = unknown;
  }

  route(head: RequestHead, form: TargetForm, port: number): Service {
    const name = this.routes.ports.get(port);
    if (name !== undefined) return this.routeByPort(head, form, name);
    return this.byHost.get(head.authority) ?? this.routeByHost(head, form, port);
  }

  /** A tunnel names where it leads, and this port leads to one place only. */
  private routeByPort(head: RequestHead, form: TargetForm, name: string): Service {
    const service = this.routes.upstreams.get(name);
    if (service === undefined || form === 'authority') return this.unknown.refuse;
    this.nameService(head, name);
    return service;
  }

  private routeByHost(head: RequestHead, form: TargetForm, port: number): Service {
    const { upstreams, fallback } = this.routes;
    const authority = parseAuthority(head.authority);
    const name = authority === null ? '' : withoutSuffix(authority.host);
    const named = authority === null ? undefined : upstreams.get(name);
    if (named !== undefined) {
      if (this.byHost.size >= MEMORY) this.byHost.clear();
      this.byHost.set(head.authority, named);
      return named;
    }
    const isForServer = form === 'origin' || form === 'asterisk';
    if (isForServer && fallback !== null && this.mayFallBack(head, authority)) {
      this.nameService(head, fallback);
      return upstreams.get(fallback) ?? this.unknown.refuse;
    }
    if (authority === null) return this.unknown.refuse;
    const question = this.ask(authority, name, form);
    if (question === null)
      return isOfMesh(authority.host) ? this.unknown.absent(name) : this.pass(authority, form);
    return new AskedService(
      question,
      () => this.unknown.again(head, form, port),
      reason => this.unknown.failing(reason),
    );
  }

  /** Tunnels to other places are not asked about: they are for hosts of the world outside. */
  private ask({ host, port }: Authority, name: string, form: TargetForm): Question | null {
    const isNamedSo = !name.includes('.') || isOfMesh(host);
    if (form === 'authority' && !isNamedSo) return null;
    if (this.routes.isOwnAddress(host, port ?? HTTP_PORT)) return null;
    return this.unknown.ask(name, isNamedSo);
  }

  private mayFallBack(head: RequestHead, authority: Authority | null): boolean {
    if (this.routes.unknownHosts === 'pass' || head.authority === '') return true;
    return authority !== null && this.routes.isOwnAddress(authority.host, authority.port ?? HTTP_PORT);
  }

  private pass({ host, port }: Authority, form: TargetForm): Service {
    const { unknownHosts, connectPorts } = this.routes;
    const target = port ?? HTTP_PORT;
    const isConnect = form === 'authority';
    const isPermitted = !isConnect || connectPorts === 'any' || connectPorts.includes(target);
    // Passing a request to ourselves would go round in circles.
    if (unknownHosts === 'refuse' || !isPermitted || this.routes.isOwnAddress(host, target))
      return this.unknown.refuse;
    return this.unknown.pass(host, target);
  }

  /** Where `Host` only says where the sidecar listens, the upstream is told its own name instead. */
  private nameService(head: RequestHead, name: string): void {
    const authority = head.authority === '' ? null : parseAuthority(head.authority);
    if (authority !== null && !this.routes.isOwnAddress(authority.host, authority.port ?? HTTP_PORT)) return;
    head.authority = name;
    setField(head.fields, 'host', 'Host', name);
  }
}

/** Such a name is a service, and nothing that DNS knows. */
function isOfMesh(host: string): boolean {
  return host.endsWith(MESH_SUFFIX) || host.endsWith(`${MESH_SUFFIX}.`);
}

function withoutSuffix(host: string): string {
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  return name.endsWith(MESH_SUFFIX) ? name.slice(0, -MESH_SUFFIX.length) : name;
}
