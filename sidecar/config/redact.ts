import { print } from '../../control-plane/contract/print.ts';
import type { SidecarConfig, UpstreamConfig } from './sidecar-config.ts';
import { SIDECAR_FILE_SCHEMA, type SidecarFile } from './sidecar-file.ts';

/**
 * The configuration in force, as a sidecar file would say it, defaults included: JSON-able, durations and the like in
 * their notation, secrets hidden. For `GET /v1/config` and logs.
 */
export function redact(config: SidecarConfig): Record<string, unknown> {
  return print(SIDECAR_FILE_SCHEMA, unresolve(config) as never) as Record<string, unknown>;
}

/** The inverse of `resolve.ts`. */
function unresolve(config: SidecarConfig): SidecarFile {
  const { app, egress, upstreams, admin, ...same } = config;
  const { ports } = egress.connect;
  return {
    ...same,
    app: app && {
      ...app,
      health: { ...app.health, tcp: null },
      advertise: app.advertise ?? { host: null, port: null },
    },
    egress: {
      ...egress,
      ports: Object.fromEntries(egress.ports),
      connect: typeof ports !== 'string' && ports.length === 0 ? 'none' : ports,
    },
    upstreams: Object.fromEntries(
      [...upstreams].map(([name, upstream]) => [name, unresolveUpstream(upstream)]),
    ),
    admin: { listen: admin },
  };
}

function unresolveUpstream({ endpoints, policy }: UpstreamConfig): SidecarFile['upstreams'][string] {
  const none = { endpoints: null, dns: null, srv: null, policy };
  if (endpoints.kind === 'static') {
    return { ...none, endpoints: endpoints.endpoints.map(({ id: _, ...endpoint }) => endpoint) };
  }
  if (endpoints.kind === 'control-plane') return none;
  const { host, port } = endpoints;
  return port === null ? { ...none, srv: host } : { ...none, dns: { host, port } };
}
