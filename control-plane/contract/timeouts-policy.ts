import { duration, optional, section, toggle } from './setting.ts';

/** How long things may take. */
export const TIMEOUTS_SCHEMA = section('How long things may take.', {
  connect: duration({
    description: 'How long a connection to an endpoint may take to come up.',
    default: '1s',
    min: '1ms',
    max: '5m',
  }),
  attempt: optional(
    duration({
      description:
        'How long one attempt may take until the head of its answer; the time that the application takes to send its request does not count.',
      min: '1ms',
      max: '24h',
    }),
    { means: 'no limit but `total`', word: 'off' },
  ),
  total: optional(
    duration({
      description:
        'How long a request may take in all until the head of its answer, retries and waiting included; the time that the application takes to send its request does not count, nor does the body of the answer.',
      default: '15s',
      min: '1ms',
      max: '24h',
    }),
    { means: 'no limit', word: 'off' },
  ),
  idle: optional(
    duration({
      description:
        'How long an exchange may stand still: no byte to or from the endpoint. Ends uploads, downloads and event streams that hang; tunnels have a limit of their own. A receiver that is so slow that the buffers of the system make no room within this time counts as one that takes nothing.',
      default: '5m',
      min: '10ms',
      max: '24h',
    }),
    { means: 'no limit', word: 'off' },
  ),
  tunnel: optional(
    duration({
      description:
        'How long a tunnel (CONNECT, or an upgrade as to WebSocket) may stand still: no byte in either direction.',
      default: '1h',
      min: '10ms',
      max: '24h',
    }),
    { means: 'no limit', word: 'off' },
  ),
  propagate: toggle({
    description:
      'Whether deadlines go with requests: `x-request-deadline-ms` (the milliseconds that are left) and `grpc-timeout` of a request lower `total`, and endpoints are told what is left by `x-request-deadline-ms`.',
    default: true,
  }),
});
