import { CALLERS_SETTING } from './callers-setting.ts';
import { choice, count, decimal, duration, either, listOf, optional, ratio, section } from './setting.ts';

/** What a breaker can count as a failed call, besides single statuses. */
const BREAKER_FAILURES = [
  '5xx',
  'connect-failure',
  'reset',
  'attempt-timeout',
  'deadline',
  'bad-response',
  'no-endpoint',
] as const;

/** The circuit breaker of an upstream. */
export const BREAKER_SCHEMA = optional(
  section('A circuit breaker: stops sending requests to an upstream that mostly fails.', {
    window: duration({
      description: 'The time over which calls are counted.',
      default: '10s',
      min: '1s',
      max: '10m',
    }),
    windowCalls: optional(
      count({
        description: 'How many of the last calls are counted, however long ago they were.',
        min: 1,
        max: 100_000,
      }),
      { means: 'those of the time `window`', word: null },
    ),
    minimumCalls: count({
      description:
        'Calls in the window below which the breaker stays closed; where `windowCalls` is smaller, that many.',
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
      description: 'A call that takes longer until the head of its answer is slow.',
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
    openForGrowth: decimal({
      description:
        'What `openFor` is multiplied by each time it opens again without having closed: 2 doubles it, 1 leaves it as it is.',
      default: 1,
      min: 1,
      max: 10,
    }),
    openForMax: duration({
      description: 'What `openFor` grows to at most; `openFor` itself where that is longer.',
      default: '1m',
      min: '10ms',
      max: '24h',
    }),
    halfOpenCalls: count({
      description: 'Calls that are let through to try.',
      default: 5,
      min: 1,
      max: 10_000,
    }),
    permitFor: duration({
      description:
        'How long such a call may go without a result until another one is let through in its place: a call that is lost can not hold the breaker half-open.',
      default: '15s',
      min: '10ms',
      max: '1h',
    }),
    rampUp: duration({
      description:
        'Over which time the part of the calls that is let through grows to all of them again once it has closed.',
      default: '0s',
      min: '0s',
      max: '1h',
    }),
    failures: listOf(
      either(
        [
          choice(BREAKER_FAILURES, {
            description:
              '`5xx`: the answer has a status from 500 on. `connect-failure`: no connection came up, or not in time. `reset`: the connection was lost. `attempt-timeout` and `deadline`: the answer took too long; one that the request brought along only where that was longer than `slowCall`. `bad-response`: it was no proper answer. `no-endpoint`: there was nobody to send it to.',
          }),
          count({ description: 'A status.', min: 400, max: 599 }),
        ],
        { description: 'What counts as a failed call: what it ended in after its retries, or a status.' },
      ),
      {
        description:
          'What counts as a failed call, retries included. What the sidecar refuses itself, and what the application gave up, counts in no way.',
        default: ['5xx', 'connect-failure', 'reset', 'attempt-timeout', 'deadline', 'bad-response'],
        max: 32,
      },
    ),
    force: optional(
      section('Holds the breaker by hand, whatever happens.', {
        state: choice(['open', 'closed', 'off'], {
          description:
            '`open` refuses every call. `closed` lets every call through and goes on counting. `off` does not count either.',
        }),
        callers: CALLERS_SETTING,
      }),
      { means: 'not held', word: null },
    ),
  }),
  { means: 'no breaker', word: null },
);
