import { count, duration, optional, ratio, section } from './setting.ts';

/** The circuit breaker of an upstream. */
export const BREAKER_SCHEMA = optional(
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
);
