import { parseYaml } from '../../control-plane/contract/yaml-source.ts';
import { loadSidecarConfig } from '../../sidecar/config/load.ts';
import { Sidecar } from '../../sidecar/sidecar.ts';
import type { Settings } from './case.ts';

// Each sidecar waits for the end of its process, to write what is left of its log; there are dozens of them in this one.
process.setMaxListeners(0);

/** The sidecar that the cases run against. */
export interface RunningSidecar {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a sidecar in this process with the usual bounds, save what `settings` say: the upstream `up` at port `up` of
 * 127.0.0.1, and `other` at port `other` where there is one. A single upstream serves whatever Host a request names.
 */
export async function startSidecar(up: number, other: number, settings: Settings): Promise<RunningSidecar> {
  const downstream = [
    ...(settings.headTimeout === undefined ? [] : [`headTimeout: ${settings.headTimeout}ms`]),
    ...(settings.halfClose === undefined ? [] : [`halfClose: ${settings.halfClose}ms`]),
    ...(settings.requestBody === undefined ? [] : [`requestBody: ${settings.requestBody}B`]),
  ];
  const text = `
egress: { listen: 127.0.0.1:0, unknownHosts: pass }
upstreams:
  up: { endpoints: ["127.0.0.1:${up}"], policy: ${PATIENT} }
${settings.other ? `  other: { endpoints: ["127.0.0.1:${other}"], policy: ${PATIENT} }` : ''}
downstream: { ${downstream.join(', ')} }
admin: { listen: "off" }
accessLog: { format: "off" }
stop: { grace: 50ms, quiet: 0ms }
`;
  const file = parseYaml('conformance.yaml', Buffer.from(text), {});
  const { value, problems } = loadSidecarConfig({ file, overrides: [] });
  if (value === null) throw new Error(problems.map(problem => problem.message).join('\n'));
  const sidecar = await Sidecar.start(value, {
    log: SILENT,
    version: 'test',
    accessLog: { write() {}, dropped: 0 },
  });
  const { egressAddress } = sidecar;
  if (egressAddress === null) throw new Error('the sidecar does not listen');
  return { port: egressAddress.port, stop: () => sidecar.stop() };
}

/**
 * On a busy machine a case may take its time, and nothing of that may look like an answer of the sidecar's. Every status is to be
 * passed on, and nothing is to be added.
 */
const PATIENT =
  '{ timeouts: { connect: 20s, total: 60s, idle: 60s, propagate: false }, retry: { on: [connect-failure, reset], whole: { size: 0B } } }';
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
