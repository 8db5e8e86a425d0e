import type { Static } from '@sinclair/typebox';
import { BREAKER_SCHEMA } from './breaker-policy.ts';
import { FALLBACK_SCHEMA } from './fallback-policy.ts';
import { FAULT_SCHEMA } from './fault-policy.ts';
import { HEDGE_SCHEMA } from './hedge-policy.ts';
import { LIMITS_SCHEMA } from './limits-policy.ts';
import { OUTLIERS_SCHEMA } from './outliers-policy.ts';
import { RATE_LIMIT_SCHEMA } from './rate-limit-policy.ts';
import { RETRY_SCHEMA } from './retry-policy.ts';
import { choice, section } from './setting.ts';
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
  rateLimit: RATE_LIMIT_SCHEMA,
  outliers: OUTLIERS_SCHEMA,
  hedge: HEDGE_SCHEMA,
  fallback: FALLBACK_SCHEMA,
  fault: FAULT_SCHEMA,
});

/** A policy with every default filled in: durations in milliseconds, ratios from 0 to 1, sizes in bytes. */
export type Policy = DeepReadonly<Static<typeof POLICY_SCHEMA>>;

/** Maps and lists that nobody writes to any more. */
export type DeepReadonly<T> = T extends string | number | boolean | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> };
