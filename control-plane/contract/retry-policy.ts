import { choice, count, duration, either, listOf, ratio, section, text } from './setting.ts';

/** When a request is sent again. */
export const RETRY_SCHEMA = section('When a request is sent again.', {
  attempts: count({
    description:
      'How many attempts a request gets in all, the first one included: 2 is one retry, 1 turns retries off.',
    default: 2,
    min: 1,
    max: 10,
  }),
  on: listOf(
    choice(['connect-failure', 'reset', 'attempt-timeout', 'gateway-error', 'server-error'], {
      description:
        '`connect-failure`: no connection came up. `reset`: the connection was lost before the first byte of the answer. `attempt-timeout`: the attempt took too long. `gateway-error`: the answer is a 502, 503 or 504. `server-error`: the answer is any 5xx.',
    }),
    {
      description: 'What an attempt must have ended in to be followed by another one.',
      default: ['connect-failure', 'reset'],
      max: 5,
    },
  ),
  methods: either(
    [
      choice(['idempotent', 'any'], {
        description:
          '`idempotent`: GET, HEAD, PUT, DELETE, OPTIONS and TRACE. `any`: every method. A request that certainly reached nobody is sent again whatever its method.',
      }),
      listOf(
        text(
          {
            expected: 'a method in capital letters, such as POST',
            form: 'method',
            pattern: '^[A-Z]{1,32}$',
            guess: method => (/^[a-z]{1,32}$/i.test(method) ? method.toUpperCase() : null),
          },
          { description: 'A method that may be sent again.' },
        ),
        { description: 'The methods that may be sent again.', max: 32 },
      ),
    ],
    {
      description: 'Which requests may be sent again after they reached an endpoint.',
      default: 'idempotent',
    },
  ),
  backoff: section(
    'How long to wait before a retry: a random time up to a bound that doubles with each retry.',
    {
      base: duration({
        description: 'The bound before the first retry.',
        default: '25ms',
        min: '0s',
        max: '1m',
      }),
      max: duration({
        description: 'What the bound grows to at most.',
        default: '250ms',
        min: '0s',
        max: '5m',
      }),
    },
  ),
  budget: section('How many retries there may be in all, so that they do not make an overload worse.', {
    ratio: ratio({
      description: 'Retries as a part of the requests of the last 10 s.',
      default: '20%',
    }),
    floor: count({
      description: 'Retries per second that are always permitted.',
      default: 3,
      min: 0,
      max: 1_000_000,
    }),
  }),
});
