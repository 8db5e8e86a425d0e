import { DEFAULT_POLICY } from '../../control-plane/contract/default-policy.ts';
import type { Policy } from '../../control-plane/contract/policy.ts';
import type { UpstreamConfig } from '../../sidecar/config/sidecar-config.ts';
import { HttpDate } from '../../sidecar/io/http-date.ts';
import type { UpstreamContext } from '../../sidecar/running-upstream.ts';
import { ConnectionLimit } from '../../sidecar/upstream/connection-limit.ts';
import type { EndpointSpec } from '../../sidecar/upstream/endpoint.ts';
import { HandClock } from './hand-clock.ts';
import { FakeResolver } from './io/fake-resolver.ts';

/** What the upstreams of a sidecar share, with what was logged. */
export function anUpstreamContext() {
  const clock = new HandClock();
  const resolver = new FakeResolver();
  const warnings: string[] = [];
  const context: UpstreamContext = {
    wheel: clock.wheel,
    date: new HttpDate(() => Date.UTC(1994, 10, 15, 8, 12, 31)),
    ageClock: () => clock.now,
    log: { info() {}, warn: (_fields: object, text: string) => warnings.push(text), error() {} } as never,
    resolver,
    total: new ConnectionLimit(1_000),
    random: () => 0,
    isOwnPort: () => false,
    mesh: null,
    accessLog: null,
    via: '',
    refusesFaults: () => false,
    callers: new Set<string>(),
  };
  return { clock, resolver, warnings, context };
}

export function aSpec(port: number, values: Partial<EndpointSpec> = {}): EndpointSpec {
  const address = '127.0.0.1';
  return { id: `${address}:${port}`, address, port, weight: 1, zone: null, version: null, ...values };
}

type PolicyParts = { [Key in keyof Policy]?: Partial<Policy[Key]> };

/** The default policy with what is said. */
export function aPolicy(parts: PolicyParts = {}): Policy {
  const policy: Record<string, unknown> = { ...DEFAULT_POLICY };
  for (const [key, value] of Object.entries(parts)) {
    const old = policy[key];
    policy[key] = typeof value === 'object' && typeof old === 'object' ? { ...old, ...value } : value;
  }
  return policy as Policy;
}

/** Upstreams by name, each with its endpoints. */
export function configsOf(
  upstreams: Record<string, readonly EndpointSpec[]>,
  policy: Policy = DEFAULT_POLICY,
): Map<string, UpstreamConfig> {
  return new Map(
    Object.entries(upstreams).map(([name, endpoints]) => [
      name,
      { name, endpoints: { kind: 'static', endpoints }, policy },
    ]),
  );
}
