import { createServer } from 'node:net';
import { formatHostPort, type HostPort } from '../../control-plane/contract/host-port.ts';
import { ListenError } from '../../process/listen-error.ts';
import type { SidecarConfig } from '../config/sidecar-config.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/** Something that a sidecar listens on. */
interface Listening {
  readonly address: HostPort;
  /** What says so. */
  readonly setting: string;
}

/**
 * Whether what the configuration says is to be listened on is free.
 * @param running the configuration of the sidecar that runs here; null where none does
 */
export async function checkPorts(config: SidecarConfig, running: SidecarConfig | null): Promise<Finding> {
  const own = new Set(running === null ? [] : listeningOf(running).map(({ address }) => keyOf(address)));
  const free: string[] = [];
  const held: string[] = [];
  const problems: ListenError[] = [];
  for (const { address, setting } of listeningOf(config)) {
    const error = await listenOnce(address);
    if (error === null) free.push(formatHostPort(address));
    else if (error.code === 'EADDRINUSE' && own.has(keyOf(address))) held.push(formatHostPort(address));
    else problems.push(new ListenError(error, address.host, address.port, setting));
  }
  if (problems.length > 0)
    return failed(problems.map(({ message }) => message).join('; '), fixOf(problems, config));
  const parts = [
    free.length > 0 ? `free: ${free.join(', ')}` : null,
    held.length > 0 ? `held by the sidecar that runs: ${held.join(', ')}` : null,
  ].filter(part => part !== null);
  return parts.length > 0 ? ok(parts.join('; ')) : skipped('the configuration names no port to listen on');
}

/** Ports that the system is to choose are left out. */
function listeningOf({ egress, admin }: SidecarConfig): Listening[] {
  const host = egress.listen?.host ?? '127.0.0.1';
  const all: (Listening | null)[] = [
    egress.listen && { address: egress.listen, setting: 'egress.listen (--listen)' },
    ...[...egress.ports.keys()].map(port => ({
      address: { host, port },
      setting: 'egress.ports (--egress-port)',
    })),
    admin && { address: admin, setting: 'admin.listen (--admin)' },
  ];
  return all.filter(one => one !== null).filter(({ address }) => address.port !== 0);
}

function keyOf({ host, port }: HostPort): string {
  return `${host} ${port}`;
}

function listenOnce({ host, port }: HostPort): Promise<NodeJS.ErrnoException | null> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function fixOf(problems: readonly ListenError[], { admin }: SidecarConfig): string {
  const codes = new Set(problems.map(({ code }) => code));
  const fixes: string[] = [];
  if (codes.has('EADDRINUSE')) {
    const unseen = admin === null ? ' (a sidecar whose admin API is off is not recognised)' : '';
    fixes.push(`Stop what listens there, ss -ltnp names it${unseen}, or name another port.`);
  }
  if (codes.has('EACCES')) fixes.push('Name a port from 1024 on, or give the process CAP_NET_BIND_SERVICE.');
  if (fixes.length === 0) fixes.push('Name an address of this machine, such as 127.0.0.1.');
  return fixes.join(' ');
}
