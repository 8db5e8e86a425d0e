import type { Static } from '@sinclair/typebox';
import {
  byteSize,
  choice,
  count,
  decimal,
  duration,
  either,
  listOf,
  optional,
  ratio,
  section,
  text,
} from './setting.ts';

/** The policy of a service or of a static upstream: how a caller's sidecar sends requests to it. */
export const POLICY_SCHEMA = section('How requests are sent to this upstream.', {
  balancer: choice(['least-request', 'round-robin', 'random'], {
    description:
      'How the endpoint of an attempt is chosen. `least-request` takes the one with the fewest requests under way (relative to its weight).',
    default: 'least-request',
  }),
  timeouts: section('How long things may take.', {
    connect: duration({
      description: 'How long a connection to an endpoint may take to come up.',
      default: '1s',
      min: '1ms',
      max: '5m',
    }),
    attempt: optional(
      duration({
        description:
          'How long one attempt may take until the head of its answer; the time that the application takes to send its request does not count.',
        min: '1ms',
        max: '24h',
      }),
      { means: 'no limit but `total`', word: 'off' },
    ),
    total: optional(
      duration({
        description:
          'How long a request may take in all until the head of its answer, retries and waiting included; the time that the application takes to send its request does not count, nor does the body of the answer.',
        default: '15s',
        min: '1ms',
        max: '24h',
      }),
      { means: 'no limit', word: 'off' },
    ),
    idle: optional(
      duration({
        description:
          'How long an exchange may stand still: no byte to or from the endpoint. Ends uploads, downloads and event streams that hang; tunnels have a limit of their own. A receiver that is so slow that the buffers of the system make no room within this time counts as one that takes nothing.',
        default: '5m',
        min: '10ms',
        max: '24h',
      }),
      { means: 'no limit', word: 'off' },
    ),
    tunnel: optional(
      duration({
        description:
          'How long a tunnel (CONNECT, or an upgrade as to WebSocket) may stand still: no byte in either direction.',
        default: '1h',
        min: '10ms',
        max: '24h',
      }),
      { means: 'no limit', word: 'off' },
    ),
  }),
  retry: section('When a request is sent again.', {
    attempts: count({
      description:
        'How many attempts a request gets in all, the first one included: 2 is one retry, 1 turns retries off.',
      default: 2,
      min: 1,
      max: 10,
    }),
    on: listOf(
      choice(['connect-failure', 'reset', 'attempt-timeout', 'gateway-error', 'server-error'], {
        description:
          '`connect-failure`: no connection came up. `reset`: the connection was lost before the first byte of the answer. `attempt-timeout`: the attempt took too long. `gateway-error`: the answer is a 502, 503 or 504. `server-error`: the answer is any 5xx.',
      }),
      {
        description: 'What an attempt must have ended in to be followed by another one.',
        default: ['connect-failure', 'reset'],
        max: 5,
      },
    ),
    methods: either(
      [
        choice(['idempotent', 'any'], {
          description:
            '`idempotent`: GET, HEAD, PUT, DELETE, OPTIONS and TRACE. `any`: every method. A request that certainly reached nobody is sent again whatever its method.',
        }),
        listOf(
          text(
            {
              expected: 'a method in capital letters, such as POST',
              form: 'method',
              pattern: '^[A-Z]{1,32}$',
              guess: method => (/^[a-z]{1,32}$/i.test(method) ? method.toUpperCase() : null),
            },
            { description: 'A method that may be sent again.' },
          ),
          { description: 'The methods that may be sent again.', max: 32 },
        ),
      ],
      {
        description: 'Which requests may be sent again after they reached an endpoint.',
        default: 'idempotent',
      },
    ),
    backoff: section(
      'How long to wait before a retry: a random time up to a bound that doubles with each retry.',
      {
        base: duration({
          description: 'The bound before the first retry.',
          default: '25ms',
          min: '0s',
          max: '1m',
        }),
        max: duration({
          description: 'What the bound grows to at most.',
          default: '250ms',
          min: '0s',
          max: '5m',
        }),
      },
    ),
    budget: section('How many retries there may be in all, so that they do not make an overload worse.', {
      ratio: ratio({
        description: 'Retries as a part of the requests of the last 10 s.',
        default: '20%',
      }),
      floor: count({
        description: 'Retries per second that are always permitted.',
        default: 3,
        min: 0,
        max: 1_000_000,
      }),
    }),
  }),
  breaker: optional(
    section('A circuit breaker: stops sending requests to an upstream that mostly fails.', {
      window: duration({
        description: 'The time over which calls are counted.',
        default: '10s',
        min: '1s',
        max: '10m',
      }),
      minimumCalls: count({
        description: 'Calls in the window below which the breaker stays closed.',
        default: 20,
        min: 1,
        max: 1_000_000,
      }),
      failureRate: ratio({
        description: 'The part of failed calls at which it opens.',
        default: '50%',
        min: '1%',
      }),
      slowCall: duration({
        description: 'A call that takes longer is slow.',
        default: '2s',
        min: '1ms',
        max: '10m',
      }),
      slowCallRate: ratio({
        description: 'The part of slow calls at which it opens.',
        default: '100%',
        min: '1%',
      }),
      openFor: duration({
        description: 'How long it stays open before it tries again.',
        default: '5s',
        min: '10ms',
        max: '1h',
      }),
      halfOpenCalls: count({
        description: 'Calls that are let through to try.',
        default: 5,
        min: 1,
        max: 10_000,
      }),
    }),
    { means: 'no breaker', word: null },
  ),
  limits: section('How much may be under way at once.', {
    concurrency: optional(
      count({
        description: 'Requests under way to this upstream at once; more are refused.',
        min: 1,
        max: 1_000_000,
      }),
      { means: 'no limit', word: 'off' },
    ),
    connections: count({
      description: 'Connections to all endpoints of this upstream together.',
      default: 1024,
      min: 1,
      max: 1_000_000,
    }),
    pending: count({
      description: 'Requests that wait for a connection or an endpoint; more are refused.',
      default: 128,
      min: 0,
      max: 1_000_000,
    }),
    pendingFor: duration({
      description: 'How long a request waits for a connection at most.',
      default: '1s',
      min: '1ms',
      max: '5m',
    }),
    hold: duration({
      description:
        'How long requests are held after the last endpoint of the upstream has left, or could not be connected to any more; from then on they fail at once. An upstream that never could be connected to is not waited for.',
      default: '5s',
      min: '0s',
      max: '5m',
    }),
    retryBody: byteSize({
      description:
        'How much of a request body is kept so that it can be sent again; a request whose body is larger is not retried once its body is on the way.',
      default: '64KiB',
      min: '0B',
      max: '64MiB',
    }),
    headSize: byteSize({
      description:
        'The head of an answer, status line and fields together; a larger one is refused with 502.',
      default: '32KiB',
      min: '1KiB',
      max: '1MiB',
    }),
    headFields: count({
      description: 'Fields in the head of an answer; more are refused with 502.',
      default: 128,
      min: 8,
      max: 10_000,
    }),
  }),
  rateLimit: optional(
    section('How many requests are let through per time (token bucket).', {
      rate: decimal({
        description: 'Requests per `per`.',
        min: 0.001,
        max: 1_000_000_000,
      }),
      per: duration({
        description: 'The time that `rate` is about.',
        default: '1s',
        min: '10ms',
        max: '24h',
      }),
      burst: optional(
        count({
          description: 'Requests that may come at once after a pause.',
          min: 1,
          max: 1_000_000_000,
        }),
        { means: 'the same as `rate`', word: null },
      ),
    }),
    { means: 'no rate limit', word: null },
  ),
  outliers: optional(
    section('Which endpoints are left out for a while because they fail.', {
      consecutiveFailures: count({
        description: 'Failures in a row after which an endpoint is left out.',
        default: 5,
        min: 1,
        max: 10_000,
      }),
      ejectFor: duration({
        description: 'How long it is left out the first time.',
        default: '10s',
        min: '100ms',
        max: '1h',
      }),
      maxEjected: ratio({
        description: 'The part of the endpoints that may be left out at once; never the last one.',
        default: '50%',
      }),
    }),
    { means: 'no outlier detection', word: null },
  ),
  hedge: optional(
    section('Sends a second attempt while the first one is slow, and takes what answers first.', {
      after: either(
        [
          choice(['p50', 'p75', 'p90', 'p95', 'p99'], {
            description: 'A percentile of the recent latencies of this upstream.',
          }),
          duration({ description: 'A fixed time.', min: '1ms', max: '5m' }),
        ],
        { description: 'How long the first attempt may be silent.', default: 'p95' },
      ),
      max: count({ description: 'Further attempts under way at once.', default: 1, min: 1, max: 3 }),
    }),
    { means: 'no hedging', word: null },
  ),
  fallback: optional(
    section('What is answered when the upstream can not.', {
      cached: optional(
        section('An earlier answer to the same GET.', {
          maxAge: duration({
            description: 'How old the answer may be.',
            default: '60s',
            min: '1s',
            max: '7d',
          }),
        }),
        { means: 'none', word: null },
      ),
    }),
    { means: 'no fallback', word: null },
  ),
  fault: optional(
    section('Faults made on purpose, to see how callers cope.', {
      delay: optional(
        section('Requests that are delayed.', {
          for: duration({ description: 'How long.', min: '1ms', max: '5m' }),
          percent: ratio({ description: 'The part of the requests.', default: '100%' }),
        }),
        { means: 'none', word: null },
      ),
      ttl: duration({
        description: 'After this time the faults end by themselves.',
        default: '10m',
        min: '1s',
        max: '24h',
      }),
    }),
    { means: 'no faults', word: null },
  ),
});

/** A policy with every default filled in: durations in milliseconds, ratios from 0 to 1, sizes in bytes. */
export type Policy = DeepReadonly<Static<typeof POLICY_SCHEMA>>;

/** Maps and lists that nobody writes to any more. */
export type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };
