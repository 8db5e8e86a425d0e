import { hostname, networkInterfaces } from 'node:os';

/** By which this machine may be called, as far as it knows. @param listen another one */
export function hostsOfThisMachine(listen: string | null): Set<string> {
  const hosts = new Set(['localhost', '::1', '0.0.0.0', '::', hostname().toLowerCase()]);
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) hosts.add(address);
  }
  if (listen !== null) hosts.add(listen);
  return hosts;
}
