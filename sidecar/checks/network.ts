import type { NetworkInterfaceInfo } from 'node:os';
import { isLoopback } from '../../control-plane/contract/host-port.ts';
import type { SidecarConfig } from '../config/sidecar-config.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/**
 * Whether there is a network besides `lo`. A container that has joined the network of another one (`network_mode: service:…`) and
 * was not restarted with it keeps nothing else.
 * @param interfaces as `os.networkInterfaces` tells them
 * @param config null where it is not known
 */
export function checkNetwork(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
  config: SidecarConfig | null,
): Finding {
  const outward = Object.entries(interfaces).flatMap(([name, addresses = []]) => {
    const found = addresses.find(({ internal, address }) => !internal && !LINK_LOCAL.test(address));
    return found === undefined ? [] : [`${name} ${found.address}`];
  });
  const more = outward.length > MOST_TOLD ? ` and ${outward.length - MOST_TOLD} more` : '';
  if (outward.length > 0) return ok(outward.slice(0, MOST_TOLD).join(', ') + more);
  if (config !== null && staysOnThisMachine(config))
    return skipped('there is only lo, and nothing that is configured is elsewhere');
  return failed(
    'there is no network but lo: nobody else can be reached, nor reach the application',
    'A container that joined the network of another one (network_mode: service:…) loses it when that one is restarted: recreate both, docker compose up -d --force-recreate. Elsewhere: bring an interface up.',
  );
}

/** What an interface has that nobody gave an address. */
const LINK_LOCAL = /^(fe80:|169\.254\.)/i;
const MOST_TOLD = 3;

function staysOnThisMachine({ controlPlane, upstreams }: SidecarConfig): boolean {
  if (controlPlane === null && upstreams.size === 0) return false;
  if (controlPlane !== null && !isLoopback(new URL(controlPlane.url).hostname)) return false;
  return [...upstreams.values()].every(
    ({ endpoints }) =>
      endpoints.kind === 'static' && endpoints.endpoints.every(({ address }) => isLoopback(address)),
  );
}
