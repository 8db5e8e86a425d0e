import { formatHostPort } from '../../control-plane/contract/host-port.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';
import type {
  AppConfig,
  EgressConfig,
  SidecarConfig,
  UpstreamConfig,
  UpstreamEndpoints,
} from './sidecar-config.ts';
import type { SidecarFile } from './sidecar-file.ts';

/** Turns a sidecar file without errors into what the program works with. */
export function resolveSidecarFile(file: SidecarFile): SidecarConfig {
  const { service, app, controlPlane, egress, faults, downstream, connections, admin, accessLog, stop } =
    file;
  const upstreams = Object.entries(file.upstreams).map(([name, upstream]): [string, UpstreamConfig] => [
    name,
    Object.freeze({ name, endpoints: resolveEndpoints(upstream), policy: upstream.policy }),
  ]);
  return Object.freeze({
    service,
    app: app && resolveApp(app),
    controlPlane:
      controlPlane && Object.freeze({ ...controlPlane, url: controlPlane.url.replace(/\/$/, '') }),
    egress: resolveEgress(egress),
    faults,
    upstreams: new Map(upstreams),
    downstream,
    connections,
    admin: admin.listen,
    accessLog,
    stop,
  });
}

/** Who a statically configured endpoint is: there is nothing but its address to tell. */
export function staticEndpointId(endpoint: { address: string; port: number }): string {
  return formatHostPort({ host: endpoint.address, port: endpoint.port });
}

function resolveEndpoints(upstream: SidecarFile['upstreams'][string]): UpstreamEndpoints {
  const { endpoints, dns, srv } = upstream;
  if (dns !== null) return Object.freeze({ kind: 'dns', host: dns.host, port: dns.port });
  if (srv !== null) return Object.freeze({ kind: 'dns', host: srv, port: null });
  const specs = (endpoints ?? []).map(
    (endpoint): EndpointSpec => Object.freeze({ id: staticEndpointId(endpoint), ...endpoint }),
  );
  return Object.freeze({ kind: 'static', endpoints: Object.freeze(specs) });
}

function resolveEgress(egress: SidecarFile['egress']): EgressConfig {
  const { listen, ports, unknownHosts, connect, via } = egress;
  return Object.freeze({
    listen,
    ports: new Map(Object.entries(ports).map(([port, name]) => [Number(port), name])),
    unknownHosts,
    connect: Object.freeze({ ports: connect === 'none' ? Object.freeze([]) : connect }),
    via,
  });
}

function resolveApp(app: NonNullable<SidecarFile['app']>): AppConfig {
  const { path, interval, timeout } = app.health;
  const { host, port } = app.advertise;
  return Object.freeze({
    ...app,
    health: Object.freeze({ path, interval, timeout }),
    advertise: host === null ? null : Object.freeze({ host, port }),
  });
}
