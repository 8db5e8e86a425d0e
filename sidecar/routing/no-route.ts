import type { RequestHead } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { parseAuthority } from '../http1/authority.ts';

/** What an explanation depends on. */
export interface NoRouteSituation {
  /** Names of the upstreams that are configured. */
  readonly upstreams: readonly string[];
  readonly unknownHosts: 'pass' | 'refuse';
  /** Ports of unknown hosts that CONNECT may reach. */
  readonly connectPorts: readonly number[] | 'any';
  /** Whether the address is one that the sidecar itself listens on. */
  isOwnAddress(host: string, port: number): boolean;
}

/**
 * Why a request fails that names a service of the mesh which is not known here.
 * @param mesh null where there is no control plane; else it explains in a sentence, or has nothing to say
 */
export function explainAbsent(
  name: string,
  mesh: { explain(service: string): string | null } | null,
): Failure {
  const why =
    mesh === null
      ? 'There is no control plane that could know it: add it under upstreams, or set controlPlane.url.'
      : (mesh.explain(name) ?? 'The control plane has told of it just now: try again.');
  return failure('no-endpoint', `${name}.mesh is no service that is known here. ${why}`, true);
}

const HTTP_PORT = 80;
/** Names that are shown. */
const MAX_SHOWN = 10;

/** Why a request was refused that leads nowhere, and what to do about it, for the person who sent it. */
export function explainNoRoute({ method, authority }: RequestHead, situation: NoRouteSituation): string {
  const { upstreams, unknownHosts, connectPorts } = situation;
  const shown = upstreams.slice(0, MAX_SHOWN).join(', ') + (upstreams.length > MAX_SHOWN ? ', …' : '');
  const known = upstreams.length === 0 ? 'no upstream is configured' : `configured are ${shown}`;
  if (authority === '') return `The request names no host: ${known}. Name one of them in Host.`;
  const asked = parseAuthority(authority);
  if (asked === null) return `No route leads to ${authority}: ${known}. Name one of them in Host.`;
  const port = asked.port ?? HTTP_PORT;
  const onItsPort = `CONNECT to ${authority} came in on the port of an upstream, which leads to that upstream only. Send it to the shared port (egress.listen).`;
  // On the shared port it would have led there.
  if (method === 'CONNECT' && upstreams.includes(asked.host)) return onItsPort;
  if (situation.isOwnAddress(asked.host, port))
    return `${authority} is this sidecar itself: ${known}. Name one of them in Host.`;
  if (unknownHosts === 'refuse')
    return `No route leads to ${authority}: ${known}. Add it under upstreams, or set egress.unknownHosts to pass.`;
  if (method === 'CONNECT' && (connectPorts === 'any' || connectPorts.includes(port))) return onItsPort;
  if (method === 'CONNECT')
    return `CONNECT to ${authority} is not permitted: ${port} is not among the ports of egress.connect. Add it there, or add the host under upstreams.`;
  return `No route leads to ${authority}: ${known}. Add it under upstreams.`;
}
