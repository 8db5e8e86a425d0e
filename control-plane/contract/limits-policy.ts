import { byteSize, count, duration, either, optional, parsed, section } from './setting.ts';

const ADAPTIVE_DEFAULTS = { min: 4, max: 10_000 } as const;

const ADAPTIVE = parsed(
  {
    expected: 'adaptive',
    form: '`adaptive`',
    pattern: '^adaptive$',
    parse: (text): { min: number; max: number } | null => (text === 'adaptive' ? ADAPTIVE_DEFAULTS : null),
    print: () => 'adaptive',
    guess: text => (/^(adapt|auto|dynamic)/i.test(text) ? 'adaptive' : null),
  },
  { description: 'As many as do not make each other wait.' },
);

const ADAPTIVE_BOUNDS = section('The same within bounds.', {
  min: count({
    description: 'The limit is never lower.',
    default: ADAPTIVE_DEFAULTS.min,
    min: 1,
    max: 1_000_000,
  }),
  max: count({
    description: 'Never higher, and that high while nothing speaks against it.',
    default: ADAPTIVE_DEFAULTS.max,
    min: 1,
    max: 1_000_000,
  }),
});

/** What bounds an upstream. */
export const LIMITS_SCHEMA = section('How much may be under way at once.', {
  concurrency: optional(
    either([count({ description: 'So many.', min: 1, max: 1_000_000 }), ADAPTIVE, ADAPTIVE_BOUNDS], {
      description:
        'Requests under way to this upstream at once; `pending` more wait for one of these to end. `adaptive` finds out how many do not make each other wait, and follows the upstream when that changes.',
    }),
    { means: 'no limit', word: 'off' },
  ),
  retries: optional(
    count({
      description:
        'Requests that are being sent again at once, from when that is decided to their end, beside `retry.budget`; those that reached nobody are not counted.',
      min: 1,
      max: 1_000_000,
    }),
    { means: 'as many as the budget permits', word: 'off' },
  ),
  connections: count({
    description: 'Connections to all endpoints of this upstream together.',
    default: 4096,
    min: 1,
    max: 1_000_000,
  }),
  pending: count({
    description:
      'Requests that wait for a place among those under way (`concurrency`), for a connection or for an endpoint, each; more are refused.',
    default: 128,
    min: 0,
    max: 1_000_000,
  }),
  pendingFor: duration({
    description:
      'How long a request waits for a place or for a connection at most. Where the queue for a place does not get shorter, requests wait for a few milliseconds only.',
    default: '1s',
    min: '1ms',
    max: '5m',
  }),
  hold: duration({
    description:
      'How long requests are held after the last endpoint of the upstream has left, or could not be connected to any more; from then on they fail at once. An upstream that never could be connected to is not waited for.',
    default: '5s',
    min: '0s',
    max: '5m',
  }),
  retryBody: byteSize({
    description:
      'How much of a request body is kept so that it can be sent again; a request whose body is larger is not retried once its body is on the way.',
    default: '64KiB',
    min: '0B',
    max: '64MiB',
  }),
  headSize: byteSize({
    description: 'The head of an answer, status line and fields together; a larger one is refused with 502.',
    default: '32KiB',
    min: '1KiB',
    max: '1MiB',
  }),
  headFields: count({
    description: 'Fields in the head of an answer; more are refused with 502.',
    default: 128,
    min: 8,
    max: 10_000,
  }),
});
