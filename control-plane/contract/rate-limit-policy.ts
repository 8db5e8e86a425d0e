import { fieldName } from './field-name.ts';
import { count, decimal, duration, optional, section, text } from './setting.ts';

/** How many requests are let through to an upstream. */
export const RATE_LIMIT_SCHEMA = optional(
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
      text(fieldName('x-tenant'), {
        description:
          'A header field whose values have this rate each: the 10,000 that came last are told apart, by their first 128 characters. Requests without it have one rate together.',
      }),
      { means: 'all requests together', word: null },
    ),
  }),
  { means: 'no rate limit', word: null },
);
