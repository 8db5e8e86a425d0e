import type { LogDestination } from '../process/log-destination.ts';
import type { AdminView, Readiness } from './admin/admin-view.ts';
import { redact } from './config/redact.ts';
import type { SidecarConfig } from './config/sidecar-config.ts';
import type { Mesh } from './mesh.ts';
import type { PassThrough } from './pass-through.ts';
import type { AccessLogCounts } from './telemetry/access-log.ts';
import type { DownstreamCounters, UpstreamCounters } from './telemetry/counters.ts';
import { type MetricsSources, sidecarMetrics } from './telemetry/metrics.ts';
import type { UpstreamSet } from './upstream-set.ts';
import { describePassed, describeUpstream } from './upstream-view.ts';

/** What there is to show. */
interface ViewSources {
  readonly version: string;
  readonly upstreams: UpstreamSet;
  readonly passThrough: PassThrough;
  readonly noUpstream: UpstreamCounters;
  readonly downstream: DownstreamCounters;
  readonly accessLog: Readonly<AccessLogCounts>;
  readonly logDestination: Pick<LogDestination, 'dropped'>;
  /** Null where there is no control plane. */
  readonly mesh: Mesh | null;
  readonly drain: () => Promise<void>;
}

/** The sidecar as its admin API shows it. */
export class SidecarView implements AdminView {
  isDraining = false;
  private readonly sources: ViewSources;
  private readonly metricsSources: MetricsSources;
  private readonly startedAt = new Date();
  private readonly configCounts = { generation: 0, refused: 0 };
  private current: SidecarConfig | null = null;
  private needsRestart: readonly string[] = [];
  private lastRefusal: { readonly at: string; readonly reason: string } | null = null;

  constructor(sources: ViewSources) {
    this.sources = sources;
    this.metricsSources = {
      version: sources.version,
      upstreams: () => this.counters(),
      downstream: sources.downstream,
      accessLog: sources.accessLog,
      logDestination: sources.logDestination,
      config: this.configCounts,
      discovery: () => sources.mesh,
    };
  }

  /** A configuration is in force. @param needsRestart the settings that stay as they were until a restart */
  applied(config: SidecarConfig, needsRestart: readonly string[]): void {
    this.current = config;
    this.needsRestart = needsRestart;
    this.configCounts.generation++;
    this.lastRefusal = null;
  }

  /** A configuration was refused; null: it is gone, and what is in force is what there is. */
  refused(reason: string | null): void {
    if (reason !== null) this.configCounts.refused++;
    this.lastRefusal = reason === null ? null : { at: new Date().toISOString(), reason };
  }

  info(): object {
    return {
      version: this.sources.version,
      node: process.version,
      service: this.current?.service ?? null,
      startedAt: this.startedAt.toISOString(),
      state: this.isDraining ? 'draining' : 'running',
      configGeneration: this.configCounts.generation,
      discovery: this.sources.mesh?.describe() ?? null,
    };
  }

  config(): object {
    const inForce = this.current === null ? {} : redact(this.current);
    const { needsRestart, lastRefusal: refused } = this;
    return { generation: this.configCounts.generation, inForce, needsRestart, refused };
  }

  /** Exchanges under way. */
  get inFlight(): number {
    let sum = 0;
    for (const { inFlight } of this.counters()) sum += inFlight;
    return sum;
  }

  upstreams(): readonly object[] {
    const { upstreams, passThrough } = this.sources;
    const passed = [...passThrough.all].map(({ upstream }) => upstream);
    const shown = [...upstreams.all].map(describeUpstream);
    // Counted together, as in the metrics: each host by itself would be shown with the counts of all.
    if (passed.length > 0) shown.push(describePassed(passed, passThrough.counters));
    return shown;
  }

  ready(): Readiness {
    const reasons: string[] = [];
    if (this.isDraining)
      reasons.push('The sidecar drains: it still serves, and closes each connection behind its answer.');
    for (const { upstream, isKnown, problem } of this.sources.upstreams.all) {
      const why = problem === null ? '.' : `: ${problem}`;
      if (!isKnown) reasons.push(`The endpoints of ${upstream.name} are not known yet${why}`);
    }
    return { ready: reasons.length === 0, reasons };
  }

  async drain(): Promise<void> {
    await this.sources.drain();
  }

  metrics(): Promise<string> {
    return sidecarMetrics(this.metricsSources);
  }

  private *counters(): Iterable<UpstreamCounters> {
    for (const { counters } of this.sources.upstreams.all) yield counters;
    yield this.sources.passThrough.counters;
    yield this.sources.noUpstream;
  }
}
