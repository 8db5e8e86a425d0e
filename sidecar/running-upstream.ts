import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../control-plane/contract/policy.ts';
import type { Log } from '../process/log.ts';
import type { UpstreamConfig } from './config/sidecar-config.ts';
import { ControlPlaneSource } from './discovery/control-plane-source.ts';
import { DnsSource } from './discovery/dns-source.ts';
import type { EndpointListener, EndpointSource } from './discovery/endpoint-source.ts';
import { scheduleByTimer } from './discovery/schedule.ts';
import { StaticSource } from './discovery/static-source.ts';
import type { Failure } from './exchange/failure.ts';
import type { Service } from './exchange/service.ts';
import { FaultReport } from './fault-report.ts';
import type { HttpDate } from './io/http-date.ts';
import type { NameResolver } from './io/name-resolver.ts';
import type { TimerWheel } from './io/timer-wheel.ts';
import type { Mesh } from './mesh.ts';
import { OutlierReport } from './outlier-report.ts';
import type { BreakerChange } from './policy/circuit-breaker.ts';
import { movesWaiting } from './policy/done-twice.ts';
import { HoldRoom } from './policy/hold-room.ts';
import { PolicyMemory } from './policy/policy-memory.ts';
import { buildStack } from './policy/stack.ts';
import { AskedService } from './routing/asked-service.ts';
import { FailingService } from './routing/failing-service.ts';
import { explainAbsent } from './routing/no-route.ts';
import type { AccessLog } from './telemetry/access-log.ts';
import type { UpstreamCounters } from './telemetry/counters.ts';
import { createBalancer } from './upstream/balancers/balancer-by-name.ts';
import type { ConnectionLimit } from './upstream/connection-limit.ts';
import { ConnectionPool, type PoolSettings } from './upstream/connection-pool.ts';
import type { EndpointSpec } from './upstream/endpoint.ts';
import { OutlierWatch } from './upstream/outlier-watch.ts';
import { Search } from './upstream/search.ts';
import { Upstream } from './upstream/upstream.ts';

/** What the upstreams of a sidecar share. */
export interface UpstreamContext {
  readonly wheel: TimerWheel;
  readonly date: HttpDate;
  /** Monotonic ms of a clock that goes on while the process is stopped, other than the wheel's: by it answers grow old. */
  readonly ageClock: () => number;
  readonly log: Log;
  readonly resolver: NameResolver;
  /** What the control plane says, and why it does not; null where there is none. */
  readonly mesh: Pick<Mesh, 'directory' | 'explain' | 'services'> | null;
  /** The bound on the connections of all upstreams together. */
  readonly total: ConnectionLimit;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Whether the sidecar itself listens on this port. */
  readonly isOwnPort: (port: number) => boolean;
  accessLog: AccessLog | null;
  /** The pseudonym in the Via field to add to requests, or '' for none. */
  via: string;
  /** Whether no faults are made on purpose here, whatever a policy says. */
  readonly refusesFaults: () => boolean;
  /** The names by which a policy may mean this sidecar: its service, and its id at the control plane. */
  readonly callers: ReadonlySet<string>;
}

/**
 * An upstream with all that belongs to it: where its endpoints come from, the policies around it, and the room where requests wait
 * while none of its endpoints can be connected to. It looks for endpoints from the beginning on.
 */
export class RunningUpstream implements EndpointListener {
  readonly upstream: Upstream;
  readonly counters: UpstreamCounters;
  private readonly context: UpstreamContext;
  /** What its connections share. */
  private readonly connections: ReturnType<typeof connectionContext>;
  readonly holdRoom: HoldRoom;
  /** What its policies remember. */
  readonly memory: PolicyMemory;
  private readonly watch: OutlierWatch;
  private readonly faults: FaultReport;
  private inForce: UpstreamConfig;
  private source: EndpointSource;
  private outermost: Service;
  private isTold = false;
  private before: Upstream['availability'];
  /** The service to fall back on of which was told last that it is not there. */
  private absentTold = '';

  /** The stacks of the upstreams beside it, by name. */
  private readonly others: (name: string) => Service | null;

  constructor(
    config: UpstreamConfig,
    counters: UpstreamCounters,
    context: UpstreamContext,
    others: (name: string) => Service | null = () => null,
  ) {
    const { name, policy } = config;
    this.others = others;
    this.inForce = config;
    this.counters = counters;
    this.context = context;
    this.connections = connectionContext(policy, context);
    const pool = new ConnectionPool(name, poolSettings(policy), this.connections, counters, context.total);
    this.watch = new OutlierWatch({
      settings: policy.outliers,
      moves: movesWaiting(policy),
      wheel: context.wheel,
      random: context.random,
    });
    this.upstream = new Upstream(name, createBalancer(policy.balancer, context.random), pool, this.watch);
    this.watch.events = new OutlierReport(this.upstream, this.watch, this.counters, context.log);
    this.holdRoom = new HoldRoom(context.wheel.now());
    const { callers, random, refusesFaults, wheel } = context;
    const onBreakerChange = (change: BreakerChange) => this.tellOfBreaker(change);
    this.memory = new PolicyMemory({ callers, refusesFaults, random, counters, wheel, onBreakerChange });
    this.faults = new FaultReport(name, this.memory, wheel, context.log);
    this.holdRoom.searchBy(this.search());
    this.before = this.upstream.availability;
    this.upstream.explain = () => this.source.problem;
    this.upstream.onChange = () => this.watchOver();
    this.outermost = this.stackAsConfigured();
    this.source = sourceOf(config, context);
    this.source.start(this);
  }

  get config(): UpstreamConfig {
    return this.inForce;
  }

  /** The policies around it: what a route leads to. */
  get stack(): Service {
    return this.outermost;
  }

  /** Monotonic ms, of the clock by which its policies count. */
  get now(): number {
    return this.context.wheel.now();
  }

  /** Whether discovery has said anything yet. */
  get isKnown(): boolean {
    return this.isTold;
  }

  /** What discovery could not do, a sentence; null where nothing is wrong. */
  get problem(): string | null {
    return this.source.problem;
  }

  /** Changes what is different and leaves the rest alone. Exchanges under way end under the policy that they began with. */
  update(config: UpstreamConfig): void {
    const { inForce: old, upstream, context } = this;
    this.inForce = config;
    if (!isDeepStrictEqual(old.policy, config.policy)) {
      this.connections.headSize = config.policy.limits.headSize;
      this.connections.headFields = config.policy.limits.headFields;
      upstream.pool.configure(poolSettings(config.policy));
      this.watch.configure(config.policy.outliers, movesWaiting(config.policy));
      if (old.policy.balancer !== config.policy.balancer) {
        upstream.balanceWith(createBalancer(config.policy.balancer, context.random));
      }
    }
    this.restack();
    if (!isDeepStrictEqual(old.endpoints, config.endpoints)) this.seekElsewhere(isDiscovered(old));
  }

  /** Takes its endpoints from where the configuration says now. @param wasDiscovered whether those that it has were not written down */
  private seekElsewhere(wasDiscovered: boolean): void {
    const { inForce, upstream, context } = this;
    this.source.stop();
    this.source = sourceOf(inForce, context);
    upstream.forgetReached();
    if (wasDiscovered) return this.source.start(this);
    this.isTold = false;
    this.source.start(this);
    // What was written down is not any more; what was discovered stays in use until something else is.
    if (!this.isTold) upstream.setEndpoints([]);
  }

  /**
   * Puts the policies around the upstream anew: they, or the access log, may have changed. Nothing that counts or connects is in
   * them.
   */
  restack(): void {
    this.outermost = this.stackAsConfigured();
  }

  /** No new requests; what is under way goes on, and each connection is closed behind it. */
  retire(): void {
    this.source.stop();
    this.faults.stop();
    this.upstream.setEndpoints([]);
  }

  /** Closes every connection at once, and lets go who waits. */
  stop(): void {
    this.source.stop();
    this.holdRoom.shut();
    this.faults.stop();
    this.upstream.stop();
  }

  // The source.

  onEndpoints(endpoints: readonly EndpointSpec[]): void {
    this.isTold = true;
    this.upstream.setEndpoints(endpoints);
  }

  onChange(set: readonly EndpointSpec[], removed: readonly string[]): void {
    this.upstream.changeEndpoints(set, removed);
  }

  onProblem(problem: string): void {
    this.context.log.warn({ upstream: this.upstream.name }, problem);
  }

  private tellOfBreaker({ to, calls }: BreakerChange): void {
    const { context, upstream } = this;
    const { name } = upstream;
    const counted =
      calls.calls === 0 ? '' : `: of ${calls.calls} calls ${calls.failed} failed and ${calls.slow} were slow`;
    const level = to === 'open' || to === 'forced-open' ? 'warn' : 'info';
    context.log[level](
      { upstream: name, breaker: to },
      `the circuit breaker of ${name} is ${to} now${counted}`,
    );
  }

  /** Opens and closes the hold room as the upstream is reached and lost, and says so. */
  private watchOver(): void {
    const { upstream, before, inForce, holdRoom, context } = this;
    const { name, availability, loss } = upstream;
    const { hold } = inForce.policy.limits;
    if (availability === 'lost' && before !== 'lost' && hold > 0) {
      context.log.warn(
        { upstream: name },
        `requests for ${name} wait for up to ${hold} ms (limits.hold): ${loss?.detail}`,
      );
    } else if (availability === 'ready' && before === 'lost' && hold > 0) {
      context.log.info({ upstream: name }, `${name} can be reached again`);
    }
    this.before = availability;
    // What was written down never changes: to wait for the first endpoint would be in vain.
    const isReady = availability === 'ready' || (availability === 'empty' && !isDiscovered(inForce));
    holdRoom.update(isReady ? 'open' : availability, context.wheel.now());
  }

  private search(): Search {
    const { upstream, holdRoom, context } = this;
    const { wheel, isOwnPort, random } = context;
    return new Search({
      name: upstream.name,
      endpoints: () => upstream.endpoints,
      wheel,
      connectTimeout: () => this.inForce.policy.timeouts.connect,
      isOwnPort,
      random,
      onFound: () => holdRoom.release(),
    });
  }

  private stackAsConfigured(): Service {
    const { inForce, upstream, counters, holdRoom, memory } = this;
    const { wheel, accessLog, random, date, ageClock } = this.context;
    const { fallback } = inForce.policy;
    memory.configure(inForce.policy, wheel.now());
    this.faults.update();
    if (fallback?.upstream != null) this.seek(fallback.upstream);
    const other = (name: string) => this.other(name);
    const context = { wheel, accessLog, random, date, ageClock, other };
    return buildStack(inForce.name, inForce.policy, upstream, counters, context, holdRoom, memory);
  }

  /** Asks for another upstream now, so that it is known when it is needed. */
  private seek(name: string): void {
    const { others, context } = this;
    if (others(name) !== null || context.mesh === null) return;
    const question = context.mesh.services.ask(name, false);
    if (question === null) this.tellIfAbsent(name);
    else question.enter({ onAnswer: () => this.tellIfAbsent(name) });
  }

  /** Says in the log that there is no such service to fall back on, as the control plane has it. */
  private tellIfAbsent(name: string): void {
    const { inForce, context } = this;
    if (context.mesh?.directory.get(name)?.exists !== false) return;
    if (this.absentTold === name || inForce.policy.fallback?.upstream !== name) return;
    this.absentTold = name;
    context.log.warn(
      { upstream: inForce.name },
      `${inForce.name} is to fall back on ${name} (fallback.upstream), which is not there. ${context.mesh.explain(name)}`,
    );
  }

  /** What serves another upstream; one that is not known yet is asked for, and waited for where the control plane is there to tell. */
  private other(name: string): Service | null {
    const { others, context } = this;
    if (name === this.inForce.name) return null;
    const known = others(name);
    if (known !== null || context.mesh === null) return known;
    const question = context.mesh.services.ask(name, false);
    if (question === null) {
      this.tellIfAbsent(name);
      return null;
    }
    const failing = (reason: Failure) => new FailingService(() => reason);
    const answered = () => others(name) ?? failing(explainAbsent(name, context.mesh));
    return new AskedService(question, answered, failing);
  }
}

/** Whether an upstream that has no endpoint may have one soon. */
function isDiscovered({ endpoints }: UpstreamConfig): boolean {
  return endpoints.kind !== 'static';
}

function sourceOf({ name, endpoints }: UpstreamConfig, context: UpstreamContext): EndpointSource {
  const { resolver, random, mesh } = context;
  if (endpoints.kind === 'static') return new StaticSource(endpoints.endpoints);
  if (endpoints.kind === 'control-plane') {
    if (mesh === null) return new StaticSource([]);
    return new ControlPlaneSource(mesh.directory, name, service => mesh.explain(service));
  }
  return new DnsSource({ target: endpoints, resolver, schedule: scheduleByTimer, random });
}

function connectionContext({ limits }: Policy, context: UpstreamContext) {
  return {
    wheel: context.wheel,
    date: context.date,
    headSize: limits.headSize,
    headFields: limits.headFields,
    // Read anew: it may change while the upstream stays.
    get via() {
      return context.via;
    },
    isOwnPort: context.isOwnPort,
    afterTurn: setImmediate,
  };
}

function poolSettings({ timeouts, limits }: Policy): PoolSettings {
  return {
    connectTimeout: timeouts.connect,
    streamIdle: timeouts.idle,
    tunnelIdle: timeouts.tunnel,
    connections: limits.connections,
    pending: limits.pending,
    pendingFor: limits.pendingFor,
    retryBody: limits.retryBody,
  };
}
