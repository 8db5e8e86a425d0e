import type { Static } from '@sinclair/typebox';
import { count, decimal, duration, optional, ratio, section } from './setting.ts';
import { switchable } from './switchable.ts';

const UNANSWERED = switchable(
  section(
    'Endpoints that stop answering, such as a process that is frozen. An endpoint is left out, long before an attempt takes too long, when requests have been sent to it one after the other, it has answered none of them in time, and others do answer. What waits there and is idempotent is moved to another endpoint.',
    {
      requests: count({
        description: 'How many requests, sent since its last answer, have to wait.',
        default: 3,
        min: 2,
        max: 1000,
      }),
      factor: decimal({
        description:
          'In time is within so many times what nineteen of twenty recent answers took, of the endpoint itself or of a usual one, whichever is more.',
        default: 4,
        min: 1.5,
        max: 1000,
      }),
      atLeast: duration({
        description: 'An answer within this time is always in time.',
        default: '30ms',
        min: '10ms',
        max: '5m',
      }),
    },
  ),
  { means: 'not looked at; nothing is moved', word: 'off' },
);

const SLOW = switchable(
  section('Endpoints that answer, but far more slowly than the others.', {
    rate: ratio({
      description:
        'The part of slow answers at which an endpoint is left out, where the others have clearly fewer.',
      default: '50%',
      min: '5%',
    }),
    factor: decimal({
      description:
        'An answer is slow that takes more than so many times what nineteen of twenty usual ones take.',
      default: 10,
      min: 1.5,
      max: 1000,
    }),
    atLeast: duration({
      description: 'An answer within this time is never slow.',
      default: '100ms',
      min: '10ms',
      max: '5m',
    }),
  }),
  { means: 'not looked at', word: 'off' },
);

const SECTION = section(
  'Which endpoints are left out for a while because they fail, are slow or do not answer. What the sidecar refuses itself never counts. An endpoint whose time is over is tried with a single request, and gets its share little by little once that is answered.',
  {
    consecutiveFailures: count({
      description:
        'Failures in a row after which an endpoint is left out: answers with a status of 500 and above, and requests that got no whole answer.',
      default: 5,
      min: 1,
      max: 10_000,
    }),
    consecutiveGatewayFailures: count({
      description:
        'The same for answers of 502, 503 and 504, malformed ones, and requests that got no whole answer.',
      default: 5,
      min: 1,
      max: 10_000,
    }),
    consecutiveLocalFailures: count({
      description:
        'The same for requests that got no whole answer: no connection came up, it was lost, or the attempt took too long.',
      default: 3,
      min: 1,
      max: 10_000,
    }),
    failureRate: optional(
      ratio({
        description:
          'The part of failures at which an endpoint is left out, where the others have clearly fewer: as soon as what was seen is a hundred thousand times more likely for an endpoint with this rate than for one with the rate of the others.',
        default: '30%',
        min: '2%',
      }),
      { means: 'not looked at', word: 'off' },
    ),
    successRateDeviation: optional(
      decimal({
        description:
          'An endpoint is left out whose part of successes in a window is so many standard deviations below the mean of all.',
        default: 1.9,
        min: 0.1,
        max: 100,
      }),
      { means: 'not looked at', word: 'off' },
    ),
    successRateEndpoints: count({
      description: 'For `successRateDeviation`: endpoints that need to have enough requests.',
      default: 5,
      min: 3,
      max: 10_000,
    }),
    successRateRequests: count({
      description: 'For `successRateDeviation`: requests in a window that are enough.',
      default: 100,
      min: 1,
      max: 1_000_000,
    }),
    window: duration({
      description:
        'The time over which requests are counted, and after which an endpoint that is back has one ejection less to its account.',
      default: '10s',
      min: '1s',
      max: '10m',
    }),
    slow: SLOW,
    unanswered: UNANSWERED,
    ejectFor: duration({
      description:
        'How long an endpoint is left out the first time; twice as long the second time, and so on.',
      default: '10s',
      min: '100ms',
      max: '1h',
    }),
    maxEjectFor: duration({
      description: 'What that grows to at most; `ejectFor` where that is longer.',
      default: '1m',
      min: '100ms',
      max: '24h',
    }),
    lostFor: duration({
      description:
        'The same as `ejectFor` for an endpoint that does not answer, or that no connection to comes up or stays; grows to `ejectFor` at most. Shorter, since that is often a restart, and to try it costs little.',
      default: '1s',
      min: '100ms',
      max: '1h',
    }),
    maxEjected: ratio({
      description:
        'The part of the endpoints that may be left out at once, rounded down; never the last one that is left.',
      default: '50%',
    }),
    panicBelow: ratio({
      description:
        'Where a smaller part of the endpoints than this is of use, those that are left out are used all the same.',
      default: '25%',
    }),
    rampUp: duration({
      description:
        'How long it takes until an endpoint that is back, or that has joined others which serve already, has its full share. One that takes the place of another has it at once.',
      default: '5s',
      min: '0s',
      max: '1h',
    }),
  },
);

/** Which endpoints are left out for a while: the rules are in `sidecar/upstream/outliers/`. */
export const OUTLIERS_SCHEMA = switchable(SECTION, { means: 'no outlier detection', word: 'off' });

/** The settings in force: durations in milliseconds, ratios from 0 to 1. */
export type OutlierSettings = Static<typeof SECTION>;
