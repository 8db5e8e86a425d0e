import { byteSize, count, duration, optional, section } from './setting.ts';

/** What bounds an upstream. */
export const LIMITS_SCHEMA = section('How much may be under way at once.', {
  concurrency: optional(
    count({
      description:
        'Requests under way to this upstream at once; `pending` more wait for one of these to end.',
      min: 1,
      max: 1_000_000,
    }),
    { means: 'no limit', word: 'off' },
  ),
  connections: count({
    description: 'Connections to all endpoints of this upstream together.',
    default: 1024,
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
