import assert from 'node:assert/strict';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import type { MapNode } from '../../../control-plane/contract/source-tree.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';
import { loadSidecarConfig } from '../../../sidecar/config/load.ts';
import type { SidecarConfig } from '../../../sidecar/config/sidecar-config.ts';

/** The example of the documentation. */
export const EXAMPLE = `
service: orders                       # the application beside this sidecar
app:
  port: 8080                          # where it listens; registered once healthy
  health: { path: /healthz, interval: 1s, timeout: 500ms }    # or { tcp: true }; default: tcp
  advertise: auto                     # or host[:port]
  version: 1.4.2
  zone: a
  metadata: { build: "17" }
controlPlane: { url: "http://control-plane:7600", token: "\${OUTRIDER_TOKEN:-}" }
egress:
  listen: 127.0.0.1:15001             # by host name, and as an HTTP proxy
  ports: { 9001: inventory, 9002: delivery }
  unknownHosts: pass                  # pass | refuse
upstreams:                            # only what does not come from the control plane
  payments: { endpoints: ["127.0.0.1:9301", { address: 127.0.0.1, port: 9302, weight: 2 }], policy: { timeouts: { total: 3s } } }
  legacy: { dns: "legacy.internal:8080" }
admin: { listen: 127.0.0.1:15000 }
accessLog: { format: json, sample: 100% }
`;

export interface Extras {
  readonly environment?: Record<string, string>;
  readonly overrides?: readonly MapNode[];
}

/** The configuration that a sidecar file without errors makes. */
export function configOf(yaml: string, extras: Extras = {}): SidecarConfig {
  const { value, problems } = load(yaml, extras);
  const errors = problems.filter(({ severity }) => severity === 'error').map(formatProblem);
  assert.deepEqual(errors, []);
  assert.notEqual(value, null);
  return value!;
}

/** What is wrong or odd with a sidecar file, a line each. */
export function complaintsOf(yaml: string, extras: Extras = {}): string[] {
  return load(yaml, extras).problems.map(formatProblem);
}

function load(yaml: string, { environment = {}, overrides = [] }: Extras) {
  return loadSidecarConfig({ file: parseYaml('file', Buffer.from(yaml), environment), overrides });
}
