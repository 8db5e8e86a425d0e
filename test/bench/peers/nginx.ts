import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, programVersion } from '../programs.ts';
import type { Absent, ProxyOrder, TestedProxy } from './tested-proxy.ts';

/** nginx as a single process, upstream connections kept; answers are never written to disk. */
export function nginx(accessLog: boolean): TestedProxy | Absent {
  const program = findProgram('nginx', 'NGINX');
  if (program === null) return { name: 'nginx', absent: 'neither on PATH nor in $NGINX' };
  return {
    name: 'nginx',
    version: programVersion(program, ['-v'], /nginx\/(\S+)/) ?? 'unknown version',
    prepare(order) {
      const { folder } = order;
      const file = join(folder, 'nginx.conf');
      writeFileSync(file, configuration(order, accessLog));
      return { program, args: ['-p', folder, '-e', 'stderr', '-c', file] };
    },
  };
}

function configuration({ port, upstreams, folder }: ProxyOrder, accessLog: boolean): string {
  const servers = upstreams.map(upstream => `    server 127.0.0.1:${upstream};`).join('\n');
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log ${accessLog ? '/dev/stdout' : 'off'};
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_timeout 60s;
  keepalive_requests 1000000000;
  client_header_timeout 10s;
  upstream app {
    least_conn;
${servers}
    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_connect_timeout 1s;
      proxy_read_timeout 15s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 2;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}
