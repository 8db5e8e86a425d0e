import { HOST } from '../contract/host-port.ts';
import { POLICY_SCHEMA } from '../contract/policy.ts';
import {
  choice,
  count,
  duration,
  type KeyForm,
  label,
  mapOf,
  optional,
  parsed,
  section,
  text,
  toggle,
} from '../contract/setting.ts';

/** What calls of the API take: they are read by these, and described by them in the OpenAPI document. */

/** `PUT /v1/services/{service}` */
export const SERVICE_BODY = section('A service.', { policy: POLICY_SCHEMA });

const METADATA_KEY: KeyForm = {
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_./-]{0,62}$',
  expected: 'a word of up to 63 letters, digits, dots, dashes, underscores and slashes',
  placeholder: 'KEY',
};

/** `PUT /v1/services/{service}/instances/{id}` */
export const INSTANCE_BODY = section('An instance, as it is registered.', {
  address: parsed(HOST, { description: 'Where callers reach it: an IP address or a host name.' }),
  port: count({ description: 'Where callers reach it.', min: 1, max: 65_535 }),
  weight: count({
    description: 'Its share of requests in proportion to others; 0 takes no new ones.',
    default: 1,
    min: 0,
    max: 1000,
  }),
  zone: optional(label({ description: 'Where it runs; callers in the same zone may prefer it.' }), {
    means: 'unknown',
    word: null,
  }),
  version: optional(label({ description: 'Which version of the application it is.' }), {
    means: 'unknown',
    word: null,
  }),
  metadata: mapOf(METADATA_KEY, label({ description: 'Text.' }), {
    description: 'Whatever else is to be known of it.',
  }),
  ttl: duration({
    description: 'How long its lease lasts without being renewed.',
    default: '6s',
    min: '100ms',
    max: '24h',
  }),
  status: choice(['starting', 'up', 'draining', 'down'], {
    description: 'How the application is. Callers are told of it only while it is `up`.',
    default: 'up',
  }),
});

/** The id of an instance, as it stands in paths. */
export const INSTANCE_ID_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9._:@-]{0,127}$';

const LIMIT = count({
  description: 'How many are answered at most; `next` says how to go on.',
  default: 100,
  min: 1,
  max: 1000,
});

const AFTER = optional(
  text(
    { expected: 'the `next` of the page before', form: 'text', pattern: '^[ -~]{0,512}$' },
    { description: 'The `next` of the page before.' },
  ),
  { means: 'from the beginning', word: null },
);

export const NO_QUERY = section('Nothing.', {});
export const PAGE_QUERY = section('Which part of a list.', { limit: LIMIT, after: AFTER });

export const EVENTS_QUERY = section('Which events.', {
  limit: LIMIT,
  since: optional(
    count({
      description: 'Only events after this revision, oldest first; 0 for all that are remembered.',
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    { means: 'the most recent ones', word: null },
  ),
});

export const REGISTER_QUERY = section('How to register.', {
  ifFree: toggle({
    description:
      'Only where no other instance is at the address whose lease is kept: else 409. Without it, the registration of the other one ends.',
    default: false,
  }),
});

export const WAIT_QUERY = section('How long to wait.', {
  wait: duration({
    description: 'How long to wait at most until callers have applied it.',
    default: '0s',
    min: '0s',
    max: '1m',
  }),
});

export const WATCH_QUERY = section('What to watch.', {
  services: text(
    { expected: 'names of services, joined by commas', form: 'names', pattern: '^.{1,65536}$' },
    { description: 'The services to watch, joined by commas.' },
  ),
  since: optional(
    count({
      description:
        'The revision that is known already: only what came after it is told, if that is remembered.',
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
    }),
    { means: 'nothing is known', word: null },
  ),
  epoch: optional(
    text(
      { expected: 'the `epoch` of the stream before', form: 'text', pattern: '^[ -~]{0,512}$' },
      { description: 'The epoch that `since` belongs to; of another one, it counts for nothing.' },
    ),
    { means: 'the current one', word: null },
  ),
});
