import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../control-plane/contract/policy.ts';
import type { Log } from '../process/log.ts';
import type { UpstreamConfig } from './config/sidecar-config.ts';
import { ControlPlaneSource } from './discovery/control-plane-source.ts';
import { DnsSource } from './discovery/dns-source.ts';
import type { EndpointSource } from './discovery/endpoint-source.ts';
import { scheduleByTimer } from './discovery/schedule.ts';
import { StaticSource } from './discovery/static-source.ts';
import type { Service } from './exchange/service.ts';
import type { HttpDate } from './io/http-date.ts';
import type { NameResolver } from './io/name-resolver.ts';
import type { TimerWheel } from './io/timer-wheel.ts';
import type { Mesh } from './mesh.ts';
import { HoldRoom } from './policy/hold-room.ts';
import { buildStack } from './policy/stack.ts';
import type { AccessLog } from './telemetry/access-log.ts';
import { UpstreamCounters } from './telemetry/counters.ts';
import { createBalancer } from './upstream/balancers/balancer-by-name.ts';
import type { ConnectionLimit } from './upstream/connection-limit.ts';
import { ConnectionPool, type PoolSettings } from './upstream/connection-pool.ts';
import { Search } from './upstream/search.ts';
import { Upstream } from './upstream/upstream.ts';

/** What the upstreams of a sidecar share. */
export interface UpstreamSetContext {
  readonly wheel: TimerWheel;
  readonly date: HttpDate;
  readonly log: Log;
  readonly resolver: NameResolver;
  /** What the control plane says, and why it does not; null where there is none. */
  readonly mesh: Pick<Mesh, 'directory' | 'explain'> | null;
  /** The bound on the connections of all upstreams together. */
  readonly total: ConnectionLimit;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Whether the sidecar itself listens on this port. */
  readonly isOwnPort: (port: number) => boolean;
  accessLog: AccessLog | null;
  /** The pseudonym in the Via field to add to requests, or '' for none. */
  via: string;
}

/** An upstream with all that belongs to it. */
export interface RunningUpstream {
  readonly upstream: Upstream;
  readonly counters: UpstreamCounters;
  config: UpstreamConfig;
  /** Where requests wait while it has no endpoint that can be connected to. */
  readonly holdRoom: HoldRoom;
  /** The policies around it: what a route leads to. */
  stack: Service;
  source: EndpointSource;
  /** Whether discovery has said anything yet. */
  isKnown: boolean;
}

/** The upstreams that the configuration names. A new configuration changes what has changed and leaves the rest alone. */
export class UpstreamSet {
  private readonly context: UpstreamSetContext;
  private readonly byName = new Map<string, RunningUpstream>();

  constructor(context: UpstreamSetContext) {
    this.context = context;
  }

  get all(): Iterable<RunningUpstream> {
    return this.byName.values();
  }

  /** Upstream name to what serves it. */
  stacks(): Map<string, Service> {
    return new Map([...this.byName].map(([name, { stack }]) => [name, stack]));
  }

  /** Takes over a configuration. Exchanges under way end under the policy that they began with. */
  apply(configs: ReadonlyMap<string, UpstreamConfig>): void {
    for (const name of this.byName.keys()) {
      if (!configs.has(name)) this.remove(name);
    }
    for (const config of configs.values()) this.put(config);
  }

  /** Makes one upstream, or changes it. */
  put(config: UpstreamConfig): void {
    const { name } = config;
    const running = this.byName.get(name);
    if (running !== undefined && isDiscovered(running.config) === isDiscovered(config)) {
      this.update(running, config);
      return;
    }
    const counters = running?.counters ?? new UpstreamCounters(name);
    this.remove(name);
    this.byName.set(name, startUpstream(config, counters, this.context));
  }

  /** No new requests; what is under way goes on. */
  remove(name: string): void {
    const running = this.byName.get(name);
    if (running === undefined) return;
    this.byName.delete(name);
    retire(running);
  }

  /** Closes every connection at once. */
  stop(): void {
    for (const { source, upstream, holdRoom } of this.byName.values()) {
      source.stop();
      holdRoom.shut();
      upstream.stop();
    }
    this.byName.clear();
  }

  private update(running: RunningUpstream, config: UpstreamConfig): void {
    const old = running.config;
    const { upstream } = running;
    running.config = config;
    if (!isDeepStrictEqual(old.policy, config.policy)) {
      upstream.pool.configure(poolSettings(config.policy));
      if (old.policy.balancer !== config.policy.balancer) {
        upstream.balanceWith(createBalancer(config.policy.balancer, this.context.random));
      }
    }
    restack(running, this.context);
    if (!isDeepStrictEqual(old.endpoints, config.endpoints)) {
      running.source.stop();
      running.source = sourceOf(config, this.context);
      upstream.forgetReached();
      listen(running, this.context.log);
    }
  }
}

/** Makes an upstream and begins to look for its endpoints. */
export function startUpstream(
  config: UpstreamConfig,
  counters: UpstreamCounters,
  context: UpstreamSetContext,
): RunningUpstream {
  const { name, policy } = config;
  const connections = {
    wheel: context.wheel,
    date: context.date,
    // Read anew: they may change while the upstream stays.
    get headSize() {
      return running.config.policy.limits.headSize;
    },
    get headFields() {
      return running.config.policy.limits.headFields;
    },
    get via() {
      return context.via;
    },
    isOwnPort: context.isOwnPort,
    afterTurn: setImmediate,
  };
  const pool = new ConnectionPool(name, poolSettings(policy), connections, counters, context.total);
  const upstream = new Upstream(name, createBalancer(policy.balancer, context.random), pool);
  const holdRoom = new HoldRoom(context.wheel.now());
  const running: RunningUpstream = {
    upstream,
    counters,
    config,
    holdRoom,
    stack: stackOf({ config, upstream, counters, holdRoom }, context),
    source: sourceOf(config, context),
    isKnown: false,
  };
  upstream.explain = () => running.source.problem;
  watchOver(running, context);
  listen(running, context.log);
  return running;
}

/**
 * Puts the policies around an upstream anew: they, or the access log, may have changed. Nothing that counts or connects is in
 * them.
 */
export function restack(running: RunningUpstream, context: UpstreamSetContext): void {
  running.stack = stackOf(running, context);
}

/** No new requests; what is under way goes on, and each connection is closed behind it. */
export function retire({ source, upstream }: RunningUpstream): void {
  source.stop();
  upstream.setEndpoints([]);
}

/** Opens and closes the hold room as the upstream is reached and lost, and says so. */
function watchOver(running: RunningUpstream, { wheel, isOwnPort, random, log }: UpstreamSetContext): void {
  const { upstream, holdRoom } = running;
  const { name } = upstream;
  holdRoom.searchBy(
    new Search({
      name,
      endpoints: () => upstream.endpoints,
      wheel,
      connectTimeout: () => running.config.policy.timeouts.connect,
      isOwnPort,
      random,
      onFound: () => holdRoom.release(),
    }),
  );
  let before = upstream.availability;
  upstream.onChange = () => {
    const { availability, loss } = upstream;
    const { hold } = running.config.policy.limits;
    if (availability === 'lost' && before !== 'lost' && hold > 0) {
      log.warn(
        { upstream: name },
        `requests for ${name} wait for up to ${hold} ms (limits.hold): ${loss?.detail}`,
      );
    } else if (availability === 'ready' && before === 'lost' && hold > 0) {
      log.info({ upstream: name }, `${name} can be reached again`);
    }
    before = availability;
    // What was written down never changes: to wait for the first endpoint would be in vain.
    const isReady = availability === 'ready' || (availability === 'empty' && !isDiscovered(running.config));
    holdRoom.update(isReady ? 'open' : availability, wheel.now());
  };
}

/** Whether an upstream that has no endpoint may have one soon. */
function isDiscovered({ endpoints }: UpstreamConfig): boolean {
  return endpoints.kind !== 'static';
}

function stackOf(
  {
    config,
    upstream,
    counters,
    holdRoom,
  }: Pick<RunningUpstream, 'config' | 'upstream' | 'counters' | 'holdRoom'>,
  context: UpstreamSetContext,
): Service {
  return buildStack(config.name, config.policy, upstream, counters, context, holdRoom);
}

function listen(running: RunningUpstream, log: Log): void {
  const { upstream } = running;
  running.source.start({
    onEndpoints(endpoints) {
      running.isKnown = true;
      upstream.setEndpoints(endpoints);
    },
    onChange: (set, removed) => upstream.changeEndpoints(set, removed),
    onProblem(problem) {
      log.warn({ upstream: upstream.name }, problem);
    },
  });
}

function sourceOf({ name, endpoints }: UpstreamConfig, context: UpstreamSetContext): EndpointSource {
  const { resolver, random, mesh } = context;
  if (endpoints.kind === 'static') return new StaticSource(endpoints.endpoints);
  if (endpoints.kind === 'control-plane') {
    if (mesh === null) return new StaticSource([]);
    return new ControlPlaneSource(mesh.directory, name, service => mesh.explain(service));
  }
  return new DnsSource({ target: endpoints, resolver, schedule: scheduleByTimer, random });
}

function poolSettings({ timeouts, limits }: Policy): PoolSettings {
  return {
    connectTimeout: timeouts.connect,
    streamIdle: timeouts.idle,
    tunnelIdle: timeouts.tunnel,
    connections: limits.connections,
    pending: limits.pending,
    pendingFor: limits.pendingFor,
  };
}
