import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, programVersion } from '../programs.ts';
import type { Absent, TestedProxy } from './tested-proxy.ts';

/** Envoy with one worker, and without the request ids and headers that it adds by default. */
export function envoy(accessLog: boolean): TestedProxy | Absent {
  const program = findProgram('envoy', 'ENVOY');
  if (program === null) return { name: 'envoy', absent: 'neither on PATH nor in $ENVOY' };
  return {
    name: 'envoy',
    version: programVersion(program, ['--version'], /version: \w+\/([\d.]+)/) ?? 'unknown version',
    prepare({ port, upstreams, folder }) {
      const file = join(folder, 'envoy.json');
      writeFileSync(file, JSON.stringify(bootstrap(port, upstreams, accessLog), null, 2));
      return {
        program,
        args: ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
      };
    },
  };
}

function bootstrap(port: number, upstreams: readonly number[], accessLog: boolean): unknown {
  return {
    static_resources: {
      listeners: [
        {
          name: 'app',
          address: address(port),
          filter_chains: [{ filters: [connectionManager(accessLog)] }],
        },
      ],
      clusters: [
        {
          name: 'app',
          type: 'STATIC',
          connect_timeout: '1s',
          lb_policy: 'LEAST_REQUEST',
          circuit_breakers: {
            thresholds: [{ max_connections: 8192, max_pending_requests: 8192, max_requests: 8192 }],
          },
          load_assignment: {
            cluster_name: 'app',
            endpoints: [
              { lb_endpoints: upstreams.map(upstream => ({ endpoint: { address: address(upstream) } })) },
            ],
          },
        },
      ],
    },
  };
}

function connectionManager(accessLog: boolean): unknown {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${HTTP_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'app',
      codec_type: 'HTTP1',
      generate_request_id: false,
      access_log: accessLog ? [STDOUT_LOG] : [],
      common_http_protocol_options: { idle_timeout: '60s' },
      request_headers_timeout: '10s',
      route_config: {
        virtual_hosts: [
          {
            name: 'app',
            domains: ['*'],
            routes: [
              {
                match: { prefix: '/' },
                route: {
                  cluster: 'app',
                  timeout: '15s',
                  retry_policy: { retry_on: 'connect-failure', num_retries: 1 },
                },
              },
            ],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: {
            '@type': `${HTTP_EXTENSIONS}.http.router.v3.Router`,
            suppress_envoy_headers: true,
          },
        },
      ],
    },
  };
}

const STDOUT_LOG = {
  name: 'envoy.access_loggers.stdout',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
  },
};
const HTTP_EXTENSIONS = 'type.googleapis.com/envoy.extensions.filters';

function address(port: number): unknown {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
