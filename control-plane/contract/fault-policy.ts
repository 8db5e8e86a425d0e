import { duration, optional, ratio, section } from './setting.ts';

/** Faults made on purpose. */
export const FAULT_SCHEMA = optional(
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
);
