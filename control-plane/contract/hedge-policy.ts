import { choice, count, duration, either, optional, section } from './setting.ts';

/** Second attempts while the first one is slow. */
export const HEDGE_SCHEMA = optional(
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
);
