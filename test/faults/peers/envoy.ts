import { envoy as plainEnvoy } from '../../bench/peers/envoy.ts';
import type { Absent, ProxyOrder } from '../../bench/peers/tested-proxy.ts';
import type { Needs } from '../scenarios.ts';
import { retuned, type TunedProxy } from './tuned-proxy.ts';

/** Envoy with everything that it has for this; comments say why. */
export function envoy(): TunedProxy | Absent {
  return retuned(plainEnvoy(false), 'envoy.json', (needs, order) =>
    JSON.stringify(bootstrap(needs, order), null, 2),
  );
}

function bootstrap(needs: Needs, { port, upstreams }: ProxyOrder): unknown {
  const listener = {
    name: 'app',
    address: address(port),
    filter_chains: [{ filters: [connectionManager(needs)] }],
  };
  return { static_resources: { listeners: [listener], clusters: [cluster(needs, upstreams)] } };
}

function cluster({ limit }: Needs, upstreams: readonly number[]): unknown {
  const endpoints = upstreams.map(upstream => ({ endpoint: { address: address(upstream) } }));
  // Three more than there are workers, so that one that is done finds the next request there.
  const requests = typeof limit === 'object' ? limit.perEndpoint * upstreams.length + 3 : 8192;
  return {
    name: 'app',
    type: 'STATIC',
    connect_timeout: '0.25s',
    lb_policy: 'LEAST_REQUEST',
    circuit_breakers: {
      thresholds: [
        {
          max_connections: 8192,
          max_pending_requests: 8192,
          max_requests: requests,
          retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 3 },
        },
      ],
    },
    // What fails three times in a row, be it without an answer, or at a fifth of its requests, is left out; one of two or three too.
    outlier_detection: {
      interval: '0.5s',
      base_ejection_time: '5s',
      max_ejection_time: '30s',
      max_ejection_percent: 50,
      always_eject_one_host: true,
      consecutive_5xx: 3,
      consecutive_gateway_failure: 3,
      enforcing_consecutive_gateway_failure: 100,
      enforcing_failure_percentage: 100,
      failure_percentage_threshold: 20,
      failure_percentage_minimum_hosts: 2,
      failure_percentage_request_volume: 10,
    },
    common_lb_config: { healthy_panic_threshold: { value: 25 } },
    load_assignment: { cluster_name: 'app', endpoints: [{ lb_endpoints: endpoints }] },
  };
}

function connectionManager(needs: Needs): unknown {
  return {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': `${HTTP_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'app',
      codec_type: 'HTTP1',
      generate_request_id: false,
      common_http_protocol_options: { idle_timeout: '60s' },
      route_config: {
        virtual_hosts: [{ name: 'app', domains: ['*'], routes: routes(needs) }],
      },
      http_filters: [
        // The only one that finds a limit by itself.
        ...(needs.limit === 'unknown' ? [ADAPTIVE_CONCURRENCY] : []),
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': `${HTTP_EXTENSIONS}.http.router.v3.Router` },
        },
      ],
    },
  };
}

/** A POST that may have been read is not done twice. */
function routes(needs: Needs): unknown[] {
  const isPost = { name: ':method', string_match: { exact: 'POST' } };
  const retriesGet = `connect-failure,refused-stream,reset,gateway-error${needs.retries500 ? ',5xx' : ''}`;
  return [
    route({ prefix: '/', headers: [isPost] }, 'connect-failure,refused-stream,reset-before-request', needs),
    route({ prefix: '/' }, retriesGet, needs),
  ];
}

function route(match: unknown, retryOn: string, { limit }: Needs): unknown {
  return {
    match,
    route: {
      cluster: 'app',
      timeout: '15s',
      retry_policy: {
        retry_on: retryOn,
        num_retries: 3,
        // Answers take 5 ms, or 20 ms; an endpoint that says nothing for so long is not worth waiting for.
        ...(limit === 'none' ? { per_try_timeout: '0.5s' } : {}),
        retry_back_off: { base_interval: '0.005s', max_interval: '0.25s' },
        // Another host than those that were tried.
        retry_host_predicate: [
          {
            name: 'envoy.retry_host_predicates.previous_hosts',
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
            },
          },
        ],
        host_selection_retry_max_attempts: 5,
      },
    },
  };
}

const HTTP_EXTENSIONS = 'type.googleapis.com/envoy.extensions.filters';

const ADAPTIVE_CONCURRENCY = {
  name: 'envoy.filters.http.adaptive_concurrency',
  typed_config: {
    '@type': `${HTTP_EXTENSIONS}.http.adaptive_concurrency.v3.AdaptiveConcurrency`,
    gradient_controller_config: {
      sample_aggregate_percentile: { value: 50 },
      concurrency_limit_params: { max_concurrency_limit: 200, concurrency_update_interval: '0.1s' },
      min_rtt_calc_params: {
        interval: '30s',
        request_count: 50,
        jitter: { value: 10 },
        buffer: { value: 25 },
      },
    },
  },
};

function address(port: number): unknown {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}
