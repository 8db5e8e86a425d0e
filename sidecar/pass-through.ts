import { DEFAULT_POLICY } from '../control-plane/contract/default-policy.ts';
import { formatHostPort } from '../control-plane/contract/host-port.ts';
import type { Policy } from '../control-plane/contract/policy.ts';
import type { Service } from './exchange/service.ts';
import { RunningUpstream, type UpstreamContext } from './running-upstream.ts';
import { PASS_UPSTREAM, UpstreamCounters } from './telemetry/counters.ts';

/** Hosts that are remembered; the one that was asked for longest ago makes room. */
const MAX_HOSTS = 256;

/** Longer than anything that lives stands still, and yet an end to what was left by somebody who is gone for good. */
const IDLE_MS = 60 * 60_000;

/**
 * A sidecar must break nothing: a host that it knows nothing of is called as the application would have called it, with no limit on
 * the time that it takes and without a second try, now or later.
 */
const POLICY: Policy = {
  ...DEFAULT_POLICY,
  timeouts: {
    ...DEFAULT_POLICY.timeouts,
    connect: 10_000,
    total: null,
    attempt: null,
    idle: IDLE_MS,
    propagate: false,
  },
  retry: { ...DEFAULT_POLICY.retry, attempts: 1 },
  limits: { ...DEFAULT_POLICY.limits, hold: 0 },
};

/** Upstreams for hosts that no upstream is configured for, made as they are asked for. All count under one name. */
export class PassThrough {
  readonly counters = new UpstreamCounters(PASS_UPSTREAM);
  private readonly context: UpstreamContext;
  /** `host:port` to its upstream, the one that was asked for last at the end. */
  private readonly byHost = new Map<string, RunningUpstream>();

  constructor(context: UpstreamContext) {
    this.context = context;
  }

  get all(): Iterable<RunningUpstream> {
    return this.byHost.values();
  }

  /** What carries requests to the host, which is resolved whenever a connection is opened. */
  to(host: string, port: number): Service {
    const key = `${host}:${port}`;
    const running = this.byHost.get(key) ?? this.start(host, port);
    this.byHost.delete(key);
    this.byHost.set(key, running);
    return running.stack;
  }

  /** What surrounds them has changed, such as the access log; connections stay. */
  restack(): void {
    for (const running of this.byHost.values()) running.restack();
  }

  stop(): void {
    for (const running of this.byHost.values()) running.stop();
    this.byHost.clear();
  }

  private start(host: string, port: number): RunningUpstream {
    for (const [oldest, running] of this.byHost) {
      if (this.byHost.size < MAX_HOSTS) break;
      this.byHost.delete(oldest);
      running.retire();
    }
    const name = formatHostPort({ host, port });
    const endpoint = { id: name, address: host, port, weight: 1, zone: null, version: null };
    const config = { name, endpoints: { kind: 'static' as const, endpoints: [endpoint] }, policy: POLICY };
    return new RunningUpstream(config, this.counters, this.context);
  }
}
