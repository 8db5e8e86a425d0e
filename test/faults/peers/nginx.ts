import { nginx as plainNginx } from '../../bench/peers/nginx.ts';
import type { Absent, ProxyOrder } from '../../bench/peers/tested-proxy.ts';
import type { Needs } from '../scenarios.ts';
import { retuned, type TunedProxy } from './tuned-proxy.ts';

/** nginx (without the paid checks and queue) with everything that it has for this: see the comments of the configuration. */
export function nginx(): TunedProxy | Absent {
  return retuned(plainNginx(false), 'nginx.conf', configuration);
}

function configuration({ limit, retries500 }: Needs, { port, upstreams, folder }: ProxyOrder): string {
  const slots = typeof limit === 'object' ? ` max_conns=${limit.perEndpoint}` : '';
  const servers = upstreams
    // One failure, and a server is left alone for a second.
    .map(upstream => `    server 127.0.0.1:${upstream} max_fails=1 fail_timeout=1s${slots};`)
    .join('\n');
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr emerg;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_timeout 60s;
  keepalive_requests 1000000000;
  upstream app {
    zone app 256k;
    least_conn;
${servers}
    keepalive 256;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_connect_timeout 250ms;
      # Answers take 5 ms, or 20 ms; an endpoint that says nothing for so long is not worth waiting for.
      proxy_read_timeout ${limit === 'none' ? '500ms' : '15s'};
      # Each attempt with another server. Without "non_idempotent" a POST that may have been read is not done twice.
      proxy_next_upstream error timeout invalid_header ${retries500 ? 'http_500 ' : ''}http_502 http_503 http_504;
      proxy_next_upstream_tries 3;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}
