import { cpus, release, totalmem, type } from 'node:os';
import type { Pinning } from './pinning.ts';

/** Where the figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** The runtime of the load generator and the endpoints. */
  readonly node: string;
  readonly proxyCore: number | null;
  readonly loadCore: number | null;
  /** Why nothing is pinned or no CPU time is measured; empty when all is there. */
  readonly limits: readonly string[];
}

/** @param pinning null where neither cores nor CPU time matter */
export function describeMachine(pinning: Pinning | { readonly reason: string } | null): Machine {
  const limits: string[] = [];
  if (pinning !== null && 'reason' in pinning) limits.push(`nothing is pinned to a core: ${pinning.reason}`);
  if (pinning !== null && type() !== 'Linux')
    limits.push('no CPU time and no memory: they are read from /proc, which only Linux has');
  const pinned = pinning === null || 'reason' in pinning ? null : pinning;
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    proxyCore: pinned?.proxyCore ?? null,
    loadCore: pinned?.loadCore ?? null,
    limits,
  };
}
