import { isDeepStrictEqual } from 'node:util';
import type { SidecarConfig } from './sidecar-config.ts';

/** Settings that are taken from the file at the start alone, as the program and as the file calls them. */
const AT_START = [
  ['service', 'service'],
  ['app', 'app'],
  ['controlPlane', 'controlPlane'],
  ['admin', 'admin.listen'],
] as const satisfies readonly (readonly [keyof SidecarConfig, string])[];

interface InForce {
  /** The changed configuration, with what it can't change as it was at the start. */
  readonly config: SidecarConfig;
  /** The settings that differ and need a restart, as the file calls them. */
  readonly needsRestart: readonly string[];
}

/** What of a changed configuration can be put in force while the sidecar runs. */
export function keepUntilRestart(config: SidecarConfig, started: SidecarConfig): InForce {
  const needsRestart = AT_START.filter(([key]) => !isDeepStrictEqual(config[key], started[key]));
  const { service, app, controlPlane, admin } = started;
  return {
    config: Object.freeze({ ...config, service, app, controlPlane, admin }),
    needsRestart: needsRestart.map(([, setting]) => setting),
  };
}
