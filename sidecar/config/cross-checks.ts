import { formatHostPort, type HostPort } from '../../control-plane/contract/host-port.ts';
import { nearest } from '../../control-plane/contract/nearest.ts';
import { checkPolicy } from '../../control-plane/contract/policy-checks.ts';
import { formatKeyPath, type KeyPath, type Problem, problem } from '../../control-plane/contract/problem.ts';
import type { WrittenSettings } from '../../control-plane/contract/read.ts';
import type { Place } from '../../control-plane/contract/source-tree.ts';
import { staticEndpointId } from './resolve.ts';
import type { SidecarFile } from './sidecar-file.ts';

/** Finds what is right setting by setting and wrong together. */
export function crossCheck(file: SidecarFile, written: WrittenSettings, start: Place): Problem[] {
  return new CrossCheck(file, written, start).run();
}

interface Listener {
  readonly path: KeyPath;
  readonly address: HostPort;
}

class CrossCheck {
  private readonly file: SidecarFile;
  private readonly written: WrittenSettings;
  private readonly start: Place;
  private readonly problems: Problem[] = [];
  private readonly listenersByPort = new Map<number, Listener[]>();

  /** @param file may lack values that were wrong by themselves */
  constructor(file: SidecarFile, written: WrittenSettings, start: Place) {
    this.file = file;
    this.written = written;
    this.start = start;
    for (const listener of this.listeners()) {
      const { port } = listener.address;
      this.listenersByPort.set(port, [...(this.listenersByPort.get(port) ?? []), listener]);
    }
  }

  run(): Problem[] {
    this.checkPortNames();
    this.checkListeners();
    this.checkAppPort();
    this.checkHealth();
    for (const [name, upstream] of Object.entries(this.file.upstreams)) this.checkUpstream(name, upstream);
    return this.problems;
  }

  private checkPortNames(): void {
    for (const [port, name] of Object.entries(this.file.egress.ports))
      this.checkDeclared(['egress', 'ports', port], name);
  }

  /** Where there is no control plane, what names an upstream has to name one of the file's. */
  private checkDeclared(path: KeyPath, name: string): void {
    const { upstreams, controlPlane } = this.file;
    if (controlPlane !== null || Object.hasOwn(upstreams, name)) return;
    const suggestion = nearest(name, Object.keys(upstreams));
    const question =
      suggestion === null
        ? ' (and no controlPlane is, where it could come from)'
        : `; did you mean ${suggestion}?`;
    const message = `no upstream ${name} is declared${question}`;
    this.problems.push({
      ...problem(this.place(path), formatKeyPath(path), message),
      found: name,
      expected: 'the name of an upstream',
      suggestion,
    });
  }

  /** Each listener needs a port of its own, and none may be an upstream's endpoint. */
  private checkListeners(): void {
    for (const listeners of this.listenersByPort.values()) {
      for (const [index, { path, address }] of listeners.entries()) {
        const other = listeners.slice(0, index).find(earlier => overlaps(earlier.address, address));
        if (other === undefined) continue;
        this.error(path, `${formatHostPort(address)} is taken by ${formatKeyPath(other.path)} already`);
      }
    }
    const { egress } = this.file;
    const isDeaf = egress.listen === null && Object.keys(egress.ports).length === 0;
    if (isDeaf) this.warn(['egress', 'listen'], 'is off and there are no egress.ports: no call can come in');
  }

  /** The application is looked for at 127.0.0.1: what listens there would be taken for it, and registered. */
  private checkAppPort(): void {
    const port = this.file.app?.port;
    if (port === undefined) return;
    const own = this.listenersByPort.get(port)?.find(({ address }) => OF_THIS_HOST.includes(address.host));
    if (own !== undefined)
      this.error(['app', 'port'], `${port} is taken by ${formatKeyPath(own.path)} already`);
  }

  private *listeners(): Generator<Listener> {
    const { egress, admin } = this.file;
    const host = egress.listen?.host ?? '127.0.0.1';
    if (egress.listen !== null) yield { path: ['egress', 'listen'], address: egress.listen };
    for (const port of Object.keys(egress.ports)) {
      yield { path: ['egress', 'ports', port], address: { host, port: Number(port) } };
    }
    if (admin.listen !== null) yield { path: ['admin', 'listen'], address: admin.listen };
  }

  private checkHealth(): void {
    const health = this.file.app?.health;
    if (health === undefined) return;
    const { path, tcp, interval, timeout } = health;
    if (path !== null && tcp === true) {
      this.error(['app', 'health', 'tcp'], 'expected either path or tcp, found both');
    }
    if (path === null && tcp === false) {
      this.error(['app', 'health', 'tcp'], 'there is no path either: nothing would be checked');
    }
    if (timeout > interval) this.warn(['app', 'health', 'timeout'], 'is longer than app.health.interval');
  }

  private checkUpstream(name: string, upstream: SidecarFile['upstreams'][string]): void {
    const path = ['upstreams', name];
    this.problems.push(...checkPolicy(upstream.policy, [...path, 'policy'], this.written, name));
    const other = upstream.policy?.fallback?.upstream ?? null;
    if (other !== null) this.checkDeclared([...path, 'policy', 'fallback', 'upstream'], other);
    const { endpoints } = upstream;
    if (endpoints === null) return;
    // One that could not be read is not in the list: what there is can't be judged as a whole, nor by its index.
    const isShorter = this.written.has(formatKeyPath([...path, 'endpoints', endpoints.length]));
    const isWhole = endpoints.every(({ address, port }) => address !== undefined && port !== undefined);
    if (isShorter || !isWhole) return;
    if (endpoints.length === 0) this.warn([...path, 'endpoints'], 'has none: every request fails');
    else if (endpoints.every(({ weight }) => weight === 0)) {
      this.warn([...path, 'endpoints'], 'all have weight 0: every request fails');
    }
    const seen = new Map<string, number>();
    for (const [index, endpoint] of endpoints.entries()) {
      const id = staticEndpointId(endpoint).toLowerCase();
      const earlier = seen.get(id);
      if (earlier !== undefined) this.error([...path, 'endpoints', index], `${id} is in the list already`);
      seen.set(id, index);
      this.checkLoop([...path, 'endpoints', index], { host: endpoint.address, port: endpoint.port });
    }
  }

  private checkLoop(path: KeyPath, endpoint: HostPort): void {
    for (const { path: listener, address } of this.listenersByPort.get(endpoint.port) ?? []) {
      if (address.host === endpoint.host) {
        const message = `${formatHostPort(address)} is this sidecar's own ${formatKeyPath(listener)}: requests would go round in circles`;
        this.error(path, message);
      }
    }
  }

  private error(path: KeyPath, message: string): void {
    this.problems.push(problem(this.place(path), formatKeyPath(path), message));
  }

  private warn(path: KeyPath, message: string): void {
    this.problems.push(problem(this.place(path), formatKeyPath(path), message, 'warning'));
  }

  /** Where a setting was written, or else the nearest thing around it that was. */
  private place(path: KeyPath): Place {
    for (let length = path.length; length > 0; length--) {
      const written = this.written.get(formatKeyPath(path.slice(0, length)));
      if (written !== undefined) return written.valueAt;
    }
    return this.start;
  }
}

/** Listeners that get what is sent to 127.0.0.1. */
const OF_THIS_HOST: readonly string[] = ['127.0.0.1', 'localhost', '0.0.0.0', '::'];

/** Whether two listeners can't both have their address. */
function overlaps(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || [a.host, b.host].some(host => host === '0.0.0.0' || host === '::');
}
