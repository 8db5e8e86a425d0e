import { choice, count, duration, either, optional, section } from './setting.ts';

/** Second attempts while the first one is slow. */
export const HEDGE_SCHEMA = optional(
  section(
    'Sends a request to another endpoint too while the first one is silent, and takes what answers first; the other attempt is cancelled. Only where the method is idempotent and nothing of the body is missing, within `retry.attempts` and `retry.budget`.',
    {
      after: either(
        [
          choice(['p50', 'p75', 'p90', 'p95', 'p99'], {
            description:
              'A percentile of how long the first attempts of the last 10 s took. Known from 20 answers on, `p99` from 100; before that nothing is sent twice.',
          }),
          duration({ description: 'A fixed time, to within 10 ms.', min: '1ms', max: '5m' }),
        ],
        {
          description: 'How long an attempt may be silent before another one is sent beside it.',
          default: 'p95',
        },
      ),
      max: count({
        description: 'How many further attempts there may be beside the first one.',
        default: 1,
        min: 1,
        max: 3,
      }),
    },
  ),
  { means: 'no hedging', word: null },
);
