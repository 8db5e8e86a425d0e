import { haproxy as plainHaproxy } from '../../bench/peers/haproxy.ts';
import type { Absent, ProxyOrder } from '../../bench/peers/tested-proxy.ts';
import type { Needs } from '../scenarios.ts';
import { retuned, type TunedProxy } from './tuned-proxy.ts';

/** HAProxy with everything that it has for this: see the comments of the configuration. */
export function haproxy(): TunedProxy | Absent {
  return retuned(plainHaproxy(false), 'haproxy.cfg', configuration);
}

function configuration({ limit, retries500 }: Needs, { port, upstreams }: ProxyOrder): string {
  const errors = retries500 ? '500 502 503 504' : '502 503 504';
  // What is beyond the limit waits for a slot for as long as it takes to refill one, and is refused then.
  const slots = typeof limit === 'object' ? ` maxconn ${limit.perEndpoint}` : '';
  const queue = typeof limit === 'object' ? '2ms' : '1s';
  const servers = upstreams.map((upstream, i) => `  server app${i} 127.0.0.1:${upstream}`).join('\n');
  return `global
  nbthread 1
  maxconn 8192

defaults
  mode http
  timeout connect 250ms
  # Answers take 5 ms, or 20 ms; an endpoint that says nothing for so long is not worth waiting for.
  timeout server ${limit === 'none' ? '500ms' : '15s'}
  timeout client 60s
  timeout http-request 10s
  timeout http-keep-alive 60s
  timeout queue ${queue}

frontend app
  bind 127.0.0.1:${port}
  default_backend app

backend app
  balance leastconn
  # Only connections that have carried a request before are shared: the first one of each would not be sent again.
  http-reuse safe
  # Up to three further attempts, each with another server, for everything that can be told from outside...
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response junk-response response-timeout ${errors}
  # ...but a POST that may have been read is not done twice.
  http-request disable-l7-retry if METH_POST
  # A caller that hangs up takes its request with it.
  option abortonclose
  # A server that fails five times in a row in the traffic itself, or two checks, is left out until two checks have found it
  # good. What is sent again does not count as a failure here, so that the checks have to be frequent.
  option httpchk GET /check
  default-server observe layer7 error-limit 5 on-error mark-down check inter 250ms fall 2 rise 2${slots}
${servers}
`;
}
