import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, programVersion } from '../programs.ts';
import type { Absent, TestedProxy } from './tested-proxy.ts';

/**
 * HAProxy, one thread, no statistics; idle upstream connections are shared by all clients as Outrider's are. By default
 * it closes idle connections once a fifth of its descriptors is in use, and at 1,000 connections would then spend more
 * than half of its time on connecting anew: hence the ratios.
 */
export function haproxy(accessLog: boolean): TestedProxy | Absent {
  const program = findProgram('haproxy', 'HAPROXY');
  if (program === null) return { name: 'haproxy', absent: 'neither on PATH nor in $HAPROXY' };
  return {
    name: 'haproxy',
    version: programVersion(program, ['-v'], /version (\S+)/) ?? 'unknown version',
    prepare({ port, upstreams, folder }) {
      const file = join(folder, 'haproxy.cfg');
      writeFileSync(file, configuration(port, upstreams, accessLog));
      return { program, args: ['-db', '-q', '-f', file] };
    },
  };
}

function configuration(port: number, upstreams: readonly number[], accessLog: boolean): string {
  const servers = upstreams.map((upstream, i) => `  server app${i} 127.0.0.1:${upstream}`).join('\n');
  return `global
  nbthread 1
  maxconn 4096
  tune.pool-low-fd-ratio 80
  tune.pool-high-fd-ratio 90

defaults
  mode http
  timeout connect 1s
  timeout server 15s
  timeout client 60s
  timeout http-request 10s
  timeout http-keep-alive 60s
  retries 1
  retry-on conn-failure
  option redispatch 1
${accessLog ? '  log stdout format raw local0\n  option httplog\n' : ''}
frontend app
  bind 127.0.0.1:${port}
  default_backend app

backend app
  balance leastconn
  http-reuse always
${servers}
`;
}
