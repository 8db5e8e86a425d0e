import { isDeepStrictEqual } from 'node:util';
import { DEFAULT_POLICY } from '../control-plane/contract/default-policy.ts';
import type { HostPort } from '../control-plane/contract/host-port.ts';
import type { Log } from '../process/log.ts';
import type { LogDestination } from '../process/log-destination.ts';
import { AdminServer } from './admin/admin-server.ts';
import { keepUntilRestart } from './config/needs-restart.ts';
import type { SidecarConfig } from './config/sidecar-config.ts';
import type { DownstreamContext, DownstreamLimits } from './downstream/downstream-context.ts';
import { EgressListeners } from './downstream/egress-listeners.ts';
import type { RequestHead } from './exchange/exchange.ts';
import { type Failure, failure } from './exchange/failure.ts';
import type { Service } from './exchange/service.ts';
import { ActiveClock } from './io/active-clock.ts';
import { descriptors } from './io/descriptors.ts';
import { HttpDate } from './io/http-date.ts';
import { SystemResolver } from './io/name-resolver.ts';
import { TimerWheel } from './io/timer-wheel.ts';
import { Mesh } from './mesh.ts';
import { hostsOfThisMachine } from './own-hosts.ts';
import { PassThrough } from './pass-through.ts';
import { FailingService } from './routing/failing-service.ts';
import { explainAbsent, explainNoRoute } from './routing/no-route.ts';
import { RouteTable } from './routing/route-table.ts';
import type { RunningUpstream, UpstreamContext } from './running-upstream.ts';
import { ShortageReport } from './shortage-report.ts';
import { SidecarView } from './sidecar-view.ts';
import { AccessLog, type AccessLogCounts } from './telemetry/access-log.ts';
import { DownstreamCounters, UpstreamCounters } from './telemetry/counters.ts';
import { telemetryLayer } from './telemetry/telemetry-layer.ts';
import { ConnectionLimit } from './upstream/connection-limit.ts';
import { UpstreamSet } from './upstream-set.ts';

type AccessLogDestination = Pick<LogDestination, 'write' | 'dropped'>;

/** What a sidecar is given by whoever starts it. */
interface SidecarContext {
  readonly log: Log;
  readonly version: string;
  /** Where lines of the access log go; stays open. */
  readonly accessLog: AccessLogDestination;
}

const VIA = 'outrider';
/** What is counted for requests that no upstream serves. */
const NO_UPSTREAM = '(none)';

/** How long the answers to what is cut off at a stop may take to be read. */
const LAST_ANSWERS_MS = 250;

/** The data plane of one service: everything wired together. */
export class Sidecar {
  private readonly log: Log;
  private readonly clock = new ActiveClock(
    () => performance.now(),
    ms => this.shortages.onStall(ms),
  );
  private readonly wheel = new TimerWheel(this.clock.now);
  private readonly shortages: ShortageReport;
  private readonly date = new HttpDate(Date.now);
  private readonly total = new ConnectionLimit(0);
  private readonly logDestination: AccessLogDestination;
  private readonly noUpstream = new UpstreamCounters(NO_UPSTREAM);
  private readonly upstreamContext: UpstreamContext;
  private readonly mesh: Mesh | null;
  private readonly upstreams: UpstreamSet;
  private readonly passThrough: PassThrough;
  private readonly downstream: DownstreamContext;
  private readonly listeners: EgressListeners;
  private readonly view: SidecarView;
  /** The configuration of the start: some of it stays until the end. */
  private readonly started: SidecarConfig;
  private admin: AdminServer | null = null;
  private accessLog: AccessLog | null = null;
  private readonly accessLogCounts: AccessLogCounts = { written: 0, suppressed: 0 };
  private config: SidecarConfig;
  private ownHosts: Set<string> = new Set();
  private stopping: Promise<void> | null = null;

  private constructor(config: SidecarConfig, { log, version, accessLog }: SidecarContext) {
    this.config = config;
    this.started = config;
    this.log = log;
    this.logDestination = accessLog;
    const { controlPlane } = config;
    this.mesh =
      controlPlane &&
      new Mesh(config, controlPlane, {
        wheel: this.wheel,
        log,
        version,
        random: Math.random,
        isLeaving: () => this.upstreams.isLeaving,
        forgetLeaving: () => this.upstreams.forgetLeaving(),
        onUpstream: upstream => this.upstreams.put(upstream),
        onGone: name => this.upstreams.remove(name),
        onChanged: () => this.route(),
      });
    this.upstreamContext = {
      wheel: this.wheel,
      date: this.date,
      ageClock: () => performance.now(),
      log,
      resolver: new SystemResolver(),
      mesh: this.mesh,
      total: this.total,
      random: Math.random,
      isOwnPort: port => this.isOwnPort(port),
      accessLog: null,
      via: '',
      refusesFaults: () => this.config.faults === 'refuse',
      callers: new Set([config.service, this.mesh?.id].filter(name => name != null)),
    };
    this.upstreams = new UpstreamSet(this.upstreamContext);
    this.passThrough = new PassThrough(this.upstreamContext);
    this.total.reclaim = () => this.closeOldestIdle();
    this.downstream = {
      wheel: this.wheel,
      date: this.date,
      counters: new DownstreamCounters(),
      router: { route: () => this.refuseRoute() },
      limits: limitsOf(config),
      via: '',
      keepForReplay: 0,
      isDraining: false,
      onClosed: connection => this.listeners.forget(connection),
      onConnectionRefused: () => this.shortages.onRefusedConnection(),
      onRefused: reason => this.noteRefusedRequest(reason),
    };
    this.shortages = new ShortageReport({
      log,
      now: this.clock.now,
      counters: this.downstream.counters,
      connections: () => this.config.downstream.connections,
    });
    descriptors.onShortage = what => this.shortages.onShortage(what);
    this.listeners = new EgressListeners(this.downstream);
    this.view = new SidecarView({
      version,
      upstreams: this.upstreams,
      passThrough: this.passThrough,
      noUpstream: this.noUpstream,
      downstream: this.downstream.counters,
      accessLog: this.accessLogCounts,
      logDestination: this.logDestination,
      mesh: this.mesh,
      drain: () => this.drainByApi(),
    });
  }

  /** Starts a sidecar. Rejects with the system's error where an address can't be listened on; then nothing is left open. */
  static async start(config: SidecarConfig, context: SidecarContext): Promise<Sidecar> {
    const sidecar = new Sidecar(config, context);
    sidecar.clock.start();
    try {
      sidecar.mesh?.restore();
      await sidecar.apply(config);
      sidecar.mesh?.start();
      if (config.admin !== null)
        sidecar.admin = await AdminServer.start(config.admin, sidecar.view, context.log);
    } catch (error) {
      await sidecar.close();
      throw error;
    }
    context.log.info({ egress: sidecar.egressAddresses, admin: sidecar.adminAddress }, 'ready');
    return sidecar;
  }

  /** Where applications call, `host:port` each, the shared port first. */
  get egressAddresses(): readonly string[] {
    return this.listeners.addresses;
  }

  /** The shared port, or null. */
  get egressAddress(): HostPort | null {
    return this.listeners.shared;
  }

  get adminAddress(): HostPort | null {
    return this.admin?.address ?? null;
  }

  /**
   * Puts a configuration in force, whole, for every request that begins from now on. Exchanges under way end under the one that
   * they began with; connections stay open. Rejects where an address can't be listened on; then the old one stays.
   */
  async apply(wanted: SidecarConfig): Promise<void> {
    if (this.stopping !== null) return;
    const { config, needsRestart } = keepUntilRestart(wanted, this.started);
    const switchOver = await this.listeners.prepare(config.egress);
    this.replaceAccessLog(config, this.config);
    this.config = config;
    this.total.max = config.connections;
    const via = config.egress.via ? VIA : '';
    this.upstreamContext.via = via;
    this.mesh?.services.declare(config.egress.ports.values(), config.upstreams.keys());
    this.upstreams.apply(new Map([...(this.mesh?.services.configs() ?? []), ...config.upstreams]));
    this.passThrough.restack();
    switchOver();
    this.ownHosts = hostsOfThisMachine(config.egress.listen?.host ?? null);

    this.downstream.limits = limitsOf(config);
    this.downstream.via = via;
    this.route();
    this.view.applied(config, needsRestart);
    if (needsRestart.length > 0) {
      const differ = `${needsRestart.join(', ')} ${needsRestart.length === 1 ? 'differs' : 'differ'}`;
      this.log.warn(
        { needsRestart },
        `${differ} from what the sidecar started with; that needs a restart, and stays as it was until then`,
      );
    }
  }

  /** A changed configuration was not applied, and the admin API tells why; null: nothing is refused any more. */
  noteRefused(reason: string | null): void {
    this.view.refused(reason);
  }

  /** Exchanges under way. */
  get inFlight(): number {
    return this.view.inFlight;
  }

  /** How long a stop waits at most, in ms: `stop.grace` as it is in force. */
  get grace(): number {
    return this.config.stop.grace;
  }

  /**
   * Gets ready for a stop: is not ready any more, and closes each connection behind its answer. Goes on carrying requests.
   * Resolves, in any case, when the own instance is out of use.
   */
  async drain(): Promise<void> {
    this.downstream.isDraining = true;
    this.view.isDraining = true;
    await this.mesh?.drain();
  }

  private drainByApi(): Promise<void> {
    if (!this.downstream.isDraining)
      this.log.info({}, 'drains: is not ready any more, and closes each connection behind its answer');
    return this.drain();
  }

  /**
   * Stops last: an application that shuts down still calls others. Goes on until no connection of an application has been
   * open for `stop.quiet`, at most `grace`, or the 6 s that it may take to leave the mesh.
   * @param grace ms; what is left of `stop.grace`
   */
  stop(grace = this.grace): Promise<void> {
    this.stopping ??= this.drainAndClose(grace);
    return this.stopping;
  }

  private async drainAndClose(grace: number): Promise<void> {
    const { quiet } = this.config.stop;
    void this.drain();
    // At once, so that nobody calls the application any more; its own calls go on until it is quiet.
    const left = this.mesh?.leave();
    const isQuiet = await this.listeners.untilQuiet(quiet, grace);
    if (!isQuiet) {
      const { size } = this.listeners;
      this.log.warn(
        { connections: size },
        `${size} connections are still open after ${Math.round(grace)} ms (stop.grace) and are closed`,
      );
      this.listeners.cut(
        failure(
          'no-endpoint',
          `The sidecar stops, and the answer did not end within ${Math.round(grace)} ms (stop.grace).`,
          false,
        ),
      );
      await this.listeners.untilQuiet(0, LAST_ANSWERS_MS);
    }
    await left;
    await this.close();
  }

  private async close(): Promise<void> {
    this.listeners.close();
    await this.mesh?.stop();
    this.upstreams.stop();
    this.passThrough.stop();
    this.wheel.close();
    this.clock.stop();
    await this.admin?.stop();
    this.accessLog?.stop();
  }

  private noteRefusedRequest(reason: Failure): void {
    this.downstream.counters.countRefused(reason.status);
    this.accessLog?.recordRefused(reason, this.clock.now());
  }

  /** @param before the configuration so far */
  private replaceAccessLog({ accessLog }: SidecarConfig, before: SidecarConfig): void {
    if (this.accessLog !== null && isDeepStrictEqual(accessLog, before.accessLog)) return;
    this.accessLog?.stop();
    const { format, sample, perSecond } = accessLog;
    const options = {
      sample,
      perSecond,
      destination: this.logDestination,
      counts: this.accessLogCounts,
      clock: this.clock.now,
      wallClock: Date.now,
      random: Math.random,
    };
    this.accessLog = format === 'off' ? null : new AccessLog({ format, ...options });
    this.upstreamContext.accessLog = this.accessLog;
  }

  /** Puts a route table in force that is made of the upstreams as they are now. */
  private route(): void {
    this.downstream.keepForReplay = largestReplay(this.upstreams.all);
    this.downstream.router = this.routeTable(this.config);
  }

  private routeTable(config: SidecarConfig): RouteTable {
    const { egress, upstreams } = config;
    const only = upstreams.size === 1 && this.mesh === null ? [...upstreams.keys()][0] : null;
    const routes = {
      upstreams: this.upstreams.stacks(),
      ports: this.listeners.upstreamByPort,
      fallback: only,
      unknownHosts: egress.unknownHosts,
      connectPorts: egress.connect.ports,
      isOwnAddress: (host: string, port: number) => this.isOwnAddress(host, port),
    };
    return new RouteTable(routes, {
      pass: (host, port) => this.passThrough.to(host, port),
      absent: name => this.counted(new FailingService(() => explainAbsent(name, this.mesh))),
      refuse: this.refuseRoute(),
      failing: reason => this.counted(new FailingService(() => reason)),
      ask: (host, isNamedSo) => this.mesh?.services.ask(host, isNamedSo) ?? null,
      again: (head, form, port) => this.downstream.router.route(head, form, port),
    });
  }

  private refuseRoute() {
    return this.counted(
      new FailingService(({ head }) => failure('no-route', this.explainNoRoute(head), true)),
    );
  }

  /** What belongs to no upstream is counted and logged all the same. */
  private counted(service: Service): Service {
    const options = { counters: this.noUpstream, accessLog: this.accessLog, clock: this.clock.now };
    return telemetryLayer(options)(service);
  }

  private explainNoRoute(head: RequestHead): string {
    return explainNoRoute(head, {
      upstreams: [...this.upstreams.all].map(({ upstream }) => upstream.name),
      unknownHosts: this.config.egress.unknownHosts,
      connectPorts: this.config.egress.connect.ports,
      isOwnAddress: (host, port) => this.isOwnAddress(host, port),
    });
  }

  /** The admin API's port too: who may call applications' ports may not thereby call that. */
  private isOwnPort(port: number): boolean {
    return this.listeners.has(port) || port === this.adminAddress?.port;
  }

  private isOwnAddress(host: string, port: number): boolean {
    return this.isOwnPort(port) && (this.ownHosts.has(host) || host.startsWith('127.'));
  }

  private closeOldestIdle(): boolean {
    const all = [...this.passThrough.all, ...this.upstreams.all].flatMap(
      ({ upstream }) => upstream.pool.oldestIdle ?? [],
    );
    if (all.length === 0) return false;
    all.reduce((oldest, other) => (other.idleSince < oldest.idleSince ? other : oldest)).abandon();
    return true;
  }
}

function limitsOf({ downstream }: SidecarConfig): DownstreamLimits {
  return { ...downstream, requestBody: downstream.requestBody ?? Number.POSITIVE_INFINITY };
}

/** A request's body is kept before it is known which upstream it is for. */
function largestReplay(upstreams: Iterable<RunningUpstream>): number {
  let largest = DEFAULT_POLICY.limits.retryBody;
  for (const { config } of upstreams) largest = Math.max(largest, config.policy.limits.retryBody);
  return largest;
}
