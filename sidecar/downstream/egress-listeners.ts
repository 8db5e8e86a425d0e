import { formatHostPort, type HostPort } from '../../control-plane/contract/host-port.ts';
import { ListenError } from '../../process/listen-error.ts';
import type { EgressConfig } from '../config/sidecar-config.ts';
import type { Failure } from '../exchange/failure.ts';
import type { DownstreamContext, OpenConnection } from './downstream-context.ts';
import { EgressListener } from './egress-listener.ts';

/** Where port-per-upstream listeners listen when there is no shared port to take the host from. */
const DEFAULT_HOST = '127.0.0.1';
/** How often a stop looks whether anything is open. */
const POLL_MS = 25;

/** The ports on which applications call, and the connections that came in on them. */
export class EgressListeners {
  private readonly context: DownstreamContext;
  private readonly connections = new Set<OpenConnection>();
  /** `host:port` as configured to the listener. */
  private byAddress = new Map<string, EgressListener>();
  private sharedListener: EgressListener | null = null;
  private upstreams = new Map<number, string>();

  constructor(context: DownstreamContext) {
    this.context = context;
  }

  /** Local port to the upstream that it leads to. */
  get upstreamByPort(): ReadonlyMap<number, string> {
    return this.upstreams;
  }

  get shared(): HostPort | null {
    return this.sharedListener;
  }

  get addresses(): string[] {
    return [...this.byAddress.values()].map(formatHostPort);
  }

  /** Open connections of applications. */
  get size(): number {
    return this.connections.size;
  }

  /** Whether one of the listeners has this port. */
  has(port: number): boolean {
    for (const listener of this.byAddress.values()) {
      if (listener.port === port) return true;
    }
    return false;
  }

  /**
   * Opens what the configuration asks for and is not open yet. Rejects with a {@link ListenError} where that fails, with nothing changed.
   * @returns what puts it in force: from then on, ports that are no more asked for take no more connections
   */
  async prepare(egress: EgressConfig): Promise<() => void> {
    const next = new Map<string, EgressListener>();
    const opened: EgressListener[] = [];
    const open = async (host: string, port: number, setting: string): Promise<EgressListener> => {
      const key = `${host} ${port}`;
      const listener = this.byAddress.get(key) ?? (await this.open(host, port, setting));
      if (!this.byAddress.has(key)) opened.push(listener);
      next.set(key, listener);
      return listener;
    };
    const upstreams = new Map<number, string>();
    let shared: EgressListener | null = null;
    try {
      if (egress.listen !== null)
        shared = await open(egress.listen.host, egress.listen.port, 'egress.listen (--listen)');
      for (const [port, name] of egress.ports) {
        const host = egress.listen?.host ?? DEFAULT_HOST;
        const listener = await open(host, port, 'egress.ports (--egress-port)');
        upstreams.set(listener.port, name);
      }
    } catch (error) {
      for (const listener of opened) listener.close();
      throw error;
    }
    return () => {
      for (const [key, listener] of this.byAddress) {
        if (!next.has(key)) listener.close();
      }
      this.byAddress = next;
      this.sharedListener = shared;
      this.upstreams = upstreams;
    };
  }

  private async open(host: string, port: number, setting: string): Promise<EgressListener> {
    try {
      return await EgressListener.open(host, port, this.context, this.connections);
    } catch (error) {
      throw new ListenError(error, host, port, setting);
    }
  }

  /** A connection is closed. */
  forget(connection: OpenConnection): void {
    this.connections.delete(connection);
  }

  /**
   * Waits until no connection has been open for `quiet` ms, at most `atMost` ms.
   * @returns whether it became quiet
   */
  async untilQuiet(quiet: number, atMost: number): Promise<boolean> {
    const { wheel } = this.context;
    const end = wheel.now() + atMost;
    let quietSince = wheel.now();
    for (let now = wheel.now(); now < end; now = wheel.now()) {
      if (this.connections.size > 0) quietSince = now;
      else if (now - quietSince >= quiet) return true;
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
    return this.connections.size === 0;
  }

  /** Fails what is under way on all connections, and closes them behind the answers. */
  cut(reason: Failure): void {
    for (const connection of [...this.connections]) connection.cut(reason);
  }

  /** Closes everything at once. */
  close(): void {
    for (const listener of this.byAddress.values()) listener.close();
    this.byAddress.clear();
    for (const connection of [...this.connections]) connection.destroy();
  }
}
