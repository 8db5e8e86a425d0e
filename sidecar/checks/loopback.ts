/** Whether a host is this machine to itself, and nobody to others. @param host a name or an IP address, IPv6 also in brackets */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}
