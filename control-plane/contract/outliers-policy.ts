import { count, duration, optional, ratio, section } from './setting.ts';

/** Which endpoints are left out for a while. */
export const OUTLIERS_SCHEMA = optional(
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
);
