import { networkInterfaces } from 'node:os';
import type { SidecarConfig } from '../config/sidecar-config.ts';
import { checkAdvertisedAddress } from './advertised-address.ts';
import { checkApplication } from './application.ts';
import { checkClock } from './clock.ts';
import { askControlPlane, judgeControlPlane, judgeToken } from './control-plane.ts';
import { type Check, type Finding, skipped } from './finding.ts';
import { checkNetwork } from './network.ts';
import { checkNodeVersion } from './node-version.ts';
import { checkPorts } from './ports.ts';
import { judgeSidecar, type RunningSidecar } from './running-sidecar.ts';

/** What there is to look at. */
interface Checked {
  readonly configuration: Finding;
  /** Null where it is wrong. */
  readonly config: SidecarConfig | null;
  /** What proves to the control plane who asks; null where the running sidecar has a token that it does not tell. */
  readonly token: string | null;
  /** Null where none answers. */
  readonly running: RunningSidecar | null;
  /** What the running one has in force; null where none answers. */
  readonly runningConfig: SidecarConfig | null;
}

/** Shorter than what a check may take in all, so that it can say itself what did not answer. */
const ANSWER_MS = 4000;

/** All checks, in the order in which they are told. */
export function allChecks(checked: Checked): Check[] {
  const { configuration, config, token, running, runningConfig } = checked;
  /** What takes a configuration. */
  const of = (name: string, look: (config: SidecarConfig) => Finding | Promise<Finding>): Check => ({
    name,
    look: () => (config === null ? skipped('the configuration is wrong') : look(config)),
  });
  const target = config?.controlPlane ?? null;
  const answers =
    target && askControlPlane({ url: target.url, token: token ?? '', sidecar: ASKER }, ANSWER_MS);
  const noControlPlane = skipped('there is none (controlPlane, --control-plane)');
  const noApplication = skipped('the configuration names none (app.port, --port)');
  return [
    { name: 'node-version', look: () => checkNodeVersion(process.versions.node) },
    { name: 'configuration', look: () => configuration },
    { name: 'network', look: () => checkNetwork(networkInterfaces(), config) },
    of('ports', config => checkPorts(config, runningConfig)),
    of('sidecar', ({ admin }) => judgeSidecar(running, admin)),
    of('control-plane', async () => (answers === null ? noControlPlane : judgeControlPlane(await answers))),
    of('token', async () =>
      answers === null
        ? noControlPlane
        : judgeToken(await answers, token, running?.info.discovery?.connected ?? null),
    ),
    of('clock', () => (target === null ? noControlPlane : checkClock(target.url, ANSWER_MS))),
    of('application', ({ app }) => (app === null ? noApplication : checkApplication(app, ANSWER_MS))),
    of('advertised-address', async ({ app }) => {
      if (app === null) return noApplication;
      if (answers === null) return noControlPlane;
      const local = (await answers).watch.localAddress ?? registeredHost(running);
      return await checkAdvertisedAddress(app, local, ANSWER_MS / 2);
    }),
  ];
}

/** Who asks, where the control plane wants to know which sidecar does. */
const ASKER = '00000000-0000-0000-0000-000000000000';

function registeredHost(running: RunningSidecar | null): string | null {
  const address = running?.info.discovery?.registration?.address ?? null;
  return address === null ? null : address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}
