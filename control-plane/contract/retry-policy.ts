import { fieldName } from './field-name.ts';
import {
  byteSize,
  choice,
  count,
  duration,
  either,
  listOf,
  optional,
  ratio,
  section,
  text,
  toggle,
} from './setting.ts';

/** What an attempt can have ended in, by name. The words are Envoy's where it has one (`retry_on` of its router filter). */
const CONDITION = choice(
  [
    'connect-failure',
    'refused',
    'reset',
    'reset-before-request',
    'attempt-timeout',
    'gateway-error',
    '5xx',
    'retriable-4xx',
  ],
  { description: 'What an attempt has ended in.' },
);

/** What the answer can be. */
const ANSWER_CONDITION = section(
  'An answer that another attempt follows.',
  {
    status: listOf(count({ description: 'A status that another attempt follows.', min: 400, max: 599 }), {
      description: 'The answer has one of these statuses.',
      max: 64,
    }),
    header: optional(
      section('The answer has this header field.', {
        name: text(fieldName('x-try-again'), { description: 'Its name; case does not matter.' }),
        value: optional(
          text(
            { expected: 'a value', form: 'text', pattern: '^[\\u0020-\\u007e]{1,256}$' },
            { description: 'Its whole value.' },
          ),
          { means: 'any value', word: null },
        ),
      }),
      { means: 'any', word: null },
    ),
  },
  ['status', 'header'],
);

/** When a request is sent again. */
export const RETRY_SCHEMA = section('When a request is sent again.', {
  attempts: count({
    description:
      'How many attempts a request gets in all, the first one included: 3 is up to two retries, 1 turns retries off.',
    default: 3,
    min: 1,
    max: 10,
  }),
  on: listOf(either([CONDITION, ANSWER_CONDITION], { description: 'One of the words, or a map.' }), {
    description:
      'What an attempt must have ended in to be followed by another one: words, and maps such as `{ status: [425] }` or `{ header: { name: x-try-again, value: "yes" } }`. `connect-failure`: no connection came up. `refused`: the same, where that was known at once. `reset`: the connection was lost before the first byte of the answer, or before a small answer was whole. `reset-before-request`: it was lost before any of the request was sent. `attempt-timeout`: the attempt took longer than `timeouts.attempt`. `gateway-error`: the answer is a 502, 503 or 504. `5xx`: the answer is any 5xx. `retriable-4xx`: the answer is a 409.',
    default: ['connect-failure', 'reset', 'gateway-error', 'attempt-timeout'],
    max: 16,
  }),
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
      description:
        'Which requests may be sent again after they reached an endpoint. Of idempotent ones also which are moved away from an endpoint that does not answer.',
      default: 'idempotent',
    },
  ),
  backoff: section(
    'How long to wait before a retry: a random time up to a bound that doubles with each retry. What reached nobody is sent again at once the first time.',
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
  retryAfter: duration({
    description:
      'The longest `Retry-After`, `RateLimit-Reset` or `X-RateLimit-Reset` of an answer that is waited for; an answer that asks for more time is passed on. An answer other than 429 binds the endpoint that gave it: one that was not tried yet is asked at once.',
    default: '1s',
    min: '0s',
    max: '5m',
  }),
  budget: section(
    'How many retries there may be in all, so that they do not make an overload worse. What certainly reached nobody is sent again without it: that costs nobody any work.',
    {
      ratio: ratio({
        description: 'Retries as a part of the requests of the last 10 s.',
        default: '20%',
      }),
      floor: count({
        description: 'Retries per second that are permitted beside them, counted over the same 10 s.',
        default: 3,
        min: 0,
        max: 1_000_000,
      }),
    },
  ),
  oneLayer: toggle({
    description:
      'Whether only one sidecar of a chain of calls retries. Retries carry `x-outrider-attempt`, and a request that has it is not sent again, save where it reached nobody; an answer to any other one that was to be followed by another attempt and was not carries `x-outrider-retry: exhausted`, and is not retried by whoever gets it.',
    default: true,
  }),
  whole: section(
    'Small answers to requests that may be sent again are passed on once they are whole, so that one that breaks off can still be followed by another attempt.',
    {
      size: byteSize({
        description: 'The largest body, by its declared length, that is waited for; 0B turns it off.',
        default: '16KiB',
        min: '0B',
        max: '64KiB',
      }),
      within: duration({
        description: 'How long after the head it is waited for; then what there is goes out.',
        default: '50ms',
        min: '1ms',
        max: '1m',
      }),
    },
  ),
});
