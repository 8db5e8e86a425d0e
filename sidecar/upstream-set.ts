import type { UpstreamConfig } from './config/sidecar-config.ts';
import type { Service } from './exchange/service.ts';
import { RunningUpstream, type UpstreamContext } from './running-upstream.ts';
import { UpstreamCounters } from './telemetry/counters.ts';

/** The upstreams that the configuration names. A new configuration changes what has changed and leaves the rest alone. */
export class UpstreamSet {
  private readonly context: UpstreamContext;
  private readonly byName = new Map<string, RunningUpstream>();

  constructor(context: UpstreamContext) {
    this.context = context;
  }

  get all(): Iterable<RunningUpstream> {
    return this.byName.values();
  }

  /** Whether something is under way at endpoints that are gone. */
  get isLeaving(): boolean {
    for (const { upstream } of this.byName.values()) if (upstream.isLeaving) return true;
    return false;
  }

  /** What is under way at endpoints that are gone is not waited for any longer. */
  forgetLeaving(): void {
    for (const { upstream } of this.byName.values()) upstream.forgetLeaving();
  }

  /** What serves an upstream now; null where there is none of this name. */
  private readonly stackOf = (name: string): Service | null => this.byName.get(name)?.stack ?? null;

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
    if (running !== undefined) return running.update(config);
    const counters = new UpstreamCounters(name);
    this.byName.set(name, new RunningUpstream(config, counters, this.context, this.stackOf));
  }

  /** No new requests; what is under way goes on. */
  remove(name: string): void {
    this.byName.get(name)?.retire();
    this.byName.delete(name);
  }

  /** Closes every connection at once. */
  stop(): void {
    for (const running of this.byName.values()) running.stop();
    this.byName.clear();
  }
}
