import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programVersion } from '../programs.ts';
import type { Absent, TestedProxy } from './tested-proxy.ts';

/** How the sidecar is to be run. */
export interface OutriderSetup {
  readonly name: string;
  /** The bundle, as `npm run build` makes it. */
  readonly bundle: string;
  /** The runtime. */
  readonly node: string;
  /** Whether the runtime writes a CPU profile into the folder when it ends. */
  readonly profile: boolean;
  readonly nodeArguments: readonly string[];
  readonly sidecarArguments: readonly string[];
  /** Whether the policies that are on by default are turned off, as far as they can be: what they cost is the difference. */
  readonly isBare?: boolean;
}

/** The sidecar as it ships: bundled, with its defaults, telemetry and the access log included. */
export function outrider(setup: OutriderSetup): TestedProxy | Absent {
  if (!existsSync(setup.bundle)) return { name: setup.name, absent: `${setup.bundle} is not built` };
  const runtime = programVersion(setup.node, ['--version'], /^v(\d\S+)/);
  if (runtime === null) return { name: setup.name, absent: `${setup.node} is not a Node runtime` };
  const version = programVersion(setup.node, [setup.bundle, '--version'], /(\d+\.\d+\.\S+)/);
  return {
    name: setup.name,
    version: `${version ?? 'unknown version'} on Node ${runtime}`,
    prepare({ port, adminPort, upstreams, folder }) {
      const profile = setup.profile
        ? ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=250']
        : [];
      return {
        program: setup.node,
        args: [
          ...setup.nodeArguments,
          ...profile,
          setup.bundle,
          'sidecar',
          '--listen',
          `127.0.0.1:${port}`,
          ...(setup.isBare
            ? ['--config', bareConfig(folder, upstreams)]
            : ['--upstream', `app=${addresses(upstreams).join(',')}`]),
          '--admin',
          `127.0.0.1:${adminPort}`,
          ...setup.sidecarArguments,
        ],
      };
    },
  };
}

function addresses(upstreams: readonly number[]): string[] {
  return upstreams.map(upstream => `127.0.0.1:${upstream}`);
}

/** Writes a sidecar file whose upstream has no policy. Its path. */
function bareConfig(folder: string, upstreams: readonly number[]): string {
  const file = join(folder, 'bare.yaml');
  const policy = {
    timeouts: { total: 'off', propagate: false },
    retry: { attempts: 1 },
    limits: { hold: '0s' },
    outliers: 'off',
  };
  writeFileSync(file, JSON.stringify({ upstreams: { app: { endpoints: addresses(upstreams), policy } } }));
  return file;
}
