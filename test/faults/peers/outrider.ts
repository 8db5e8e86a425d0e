import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutriderSetup, outrider as plainOutrider } from '../../bench/peers/outrider.ts';
import type { Absent } from '../../bench/peers/tested-proxy.ts';
import type { Needs } from '../scenarios.ts';
import type { TunedProxy } from './tuned-proxy.ts';

/** The sidecar as it ships, all defaults, telling it no more than a scenario says. */
export function outrider(
  setup: Pick<OutriderSetup, 'bundle' | 'node'>,
  policy: Readonly<Record<string, unknown>> | null,
): TunedProxy | Absent {
  const plain = plainOutrider({
    ...setup,
    name: 'outrider',
    profile: false,
    nodeArguments: [],
    sidecarArguments: [],
  });
  if ('absent' in plain) return plain;
  const { name, version } = plain;
  return {
    name,
    version,
    tunedFor: needs => ({
      name,
      version,
      prepare({ port, adminPort, upstreams, folder }) {
        const file = join(folder, 'outrider.yaml');
        const endpoints = upstreams.map(upstream => `127.0.0.1:${upstream}`);
        const app = { endpoints, policy: policy ?? policyFor(needs, endpoints.length) };
        // JSON is YAML.
        writeFileSync(file, JSON.stringify({ upstreams: { app } }, null, 2));
        const ports = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`];
        return { program: setup.node, args: [setup.bundle, 'sidecar', '--config', file, ...ports] };
      },
    }),
  };
}

function policyFor({ limit, retries500 }: Needs, endpoints: number): unknown {
  return {
    ...(retries500 ? { retry: { on: ['connect-failure', 'reset', '5xx', 'attempt-timeout'] } } : {}),
    ...(limit === 'none' ? {} : { limits: { concurrency: concurrency(limit, endpoints) } }),
  };
}

function concurrency(limit: Exclude<Needs['limit'], 'none'>, endpoints: number): number | 'adaptive' {
  return limit === 'unknown' ? 'adaptive' : limit.perEndpoint * endpoints;
}
