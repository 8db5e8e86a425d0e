import type { Static } from '@sinclair/typebox';
import { BREAKER_SCHEMA } from './breaker-policy.ts';
import { LIMITS_SCHEMA } from './limits-policy.ts';
import { OUTLIERS_SCHEMA } from './outliers-policy.ts';
import { RETRY_SCHEMA } from './retry-policy.ts';
import { choice, count, decimal, duration, either, optional, ratio, section, text } from './setting.ts';
import { TIMEOUTS_SCHEMA } from './timeouts-policy.ts';

/** The policy of a service or of a static upstream: how a caller's sidecar sends requests to it. */
export const POLICY_SCHEMA = section('How requests are sent to this upstream.', {
  balancer: choice(['least-request', 'round-robin', 'random'], {
    description:
      'How the endpoint of an attempt is chosen. `least-request` takes the one with the fewest requests under way (relative to its weight).',
    default: 'least-request',
  }),
  timeouts: TIMEOUTS_SCHEMA,
  retry: RETRY_SCHEMA,
  breaker: BREAKER_SCHEMA,
  limits: LIMITS_SCHEMA,
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
      header: optional(
        text(
          {
            expected: 'the name of a header field, such as x-tenant',
            form: 'name',
            pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$",
          },
          {
            description:
              'A header field whose values have this rate each: the 10,000 that came last are told apart, by their first 128 characters. Requests without it have one rate together.',
          },
        ),
        { means: 'all requests together', word: null },
      ),
    }),
    { means: 'no rate limit', word: null },
  ),
  outliers: OUTLIERS_SCHEMA,
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
