import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlaneConfig, SidecarConfig } from './config/sidecar-config.ts';

/**
 * Where a sidecar keeps its snapshot; null: nowhere. By default each sidecar of a machine has a file of its own, which is the same after a
 * restart: sidecars are told apart by where they listen, since no two can listen at the same place.
 */
export function snapshotPath(
  { service, egress }: Pick<SidecarConfig, 'service' | 'egress'>,
  { url, snapshot }: Pick<ControlPlaneConfig, 'url' | 'snapshot'>,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (snapshot !== 'auto') return snapshot;
  const state = environment.XDG_STATE_HOME || join(homedir(), '.local', 'state');
  const own = JSON.stringify([url, egress.listen, egress.listen === null ? [...egress.ports.keys()] : []]);
  const hash = process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update(own)
    .digest('hex')
    .slice(0, 8);
  return join(state, 'outrider', `${service ?? 'sidecar'}-${hash}.snapshot`);
}
