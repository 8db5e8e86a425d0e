import { DURATION_PATTERN } from './duration.ts';
import {
  type Instance,
  type MeshEvent,
  POLICY,
  PORT,
  REVISION,
  type Revision,
  type Service,
} from './resources.ts';
import {
  listOf,
  mapOf,
  type NamedShape,
  named,
  optional,
  orNull,
  record,
  type Shape,
  type Shaped,
  text,
  toggle,
  whole,
  word,
} from './shape.ts';

/** What the control plane's API answers: read by whoever calls it, described in its OpenAPI document. */

const TIME = text({ format: 'date-time' });

/** How many instances a service has, and how they are. */
export interface InstanceCounts {
  readonly instances: number;
  /** Those that callers prefer: `up`, with a lease that is kept. */
  readonly up: number;
  readonly starting: number;
  readonly draining: number;
  readonly down: number;
  readonly suspect: number;
  readonly expired: number;
}

/** A service as the API shows it. */
export type ServiceResource = Service & { readonly counts: InstanceCounts };

const SERVICE_SHAPE: Shape<ServiceResource> = record({
  name: text(),
  policy: POLICY,
  revision: REVISION,
  counts: record({
    instances: whole(),
    up: whole(),
    starting: whole(),
    draining: whole(),
    down: whole(),
    suspect: whole(),
    expired: whole(),
  }),
});

export const SERVICE = named('Service', SERVICE_SHAPE);

/** An instance as the API shows it: its lease as a duration, as it is registered. */
export type InstanceResource = Omit<Instance, 'ttl'> & { readonly ttl: string };

const INSTANCE_SHAPE: Shape<InstanceResource> = record({
  id: text(),
  service: text(),
  address: text(),
  port: PORT,
  weight: whole(),
  zone: orNull(text()),
  version: orNull(text()),
  metadata: mapOf(text()),
  ttl: text({ pattern: DURATION_PATTERN, description: 'How long its lease lasts without being renewed.' }),
  status: word(['starting', 'up', 'draining', 'down']),
  lease: word(['kept', 'suspect', 'expired']),
  registeredBy: orNull(text(), {
    description: 'The id of the sidecar that registered it; null where it was somebody else.',
  }),
  registeredAt: TIME,
  revision: REVISION,
});

export const INSTANCE = named('Instance', INSTANCE_SHAPE);

const EVENT_SHAPE: Shape<MeshEvent> = record({
  revision: REVISION,
  at: TIME,
  kind: text(),
  service: text({ description: 'Empty where it is about the whole mesh.' }),
  instance: orNull(text()),
  by: text(),
  detail: text(),
});

export const EVENT = named('Event', EVENT_SHAPE);

/** Whether the callers of a service have applied a revision. */
export interface Acknowledgement {
  /** False also while callers of the control plane before this one may not have come back. */
  readonly acknowledged: boolean;
  /** Sidecars that have not, as `service/instance`, or their id where they have none. */
  readonly waitingFor: readonly string[];
}

const ACKNOWLEDGEMENT_SHAPE: Shape<Acknowledgement & { readonly revision: Revision }> = record({
  revision: REVISION,
  acknowledged: toggle({
    description:
      'Whether every caller has applied the revision. Never in the first 5 s after a restart of the control plane, when callers may not be connected yet.',
  }),
  waitingFor: listOf(text(), { description: 'The callers that have not, as service/instance.' }),
});

export const ACKNOWLEDGEMENT = named('Acknowledgement', ACKNOWLEDGEMENT_SHAPE);

/** A connected sidecar. */
export interface ConnectedSidecar {
  readonly sidecar: string;
  readonly service: string | null;
  readonly instance: string | null;
  readonly version: string;
  readonly connectedAt: string;
  readonly applied: Revision;
  readonly services: readonly string[];
  /** What it could not apply last, and why; null where it applied everything. */
  readonly refused: Refusal | null;
}

/** What a sidecar could not apply. */
export interface Refusal {
  readonly revision: Revision;
  readonly service: string;
  readonly reason: string;
}

const SIDECAR_SHAPE: Shape<ConnectedSidecar> = record({
  sidecar: text(),
  service: orNull(text()),
  instance: orNull(text()),
  version: text(),
  connectedAt: TIME,
  applied: REVISION,
  services: listOf(text(), { description: 'The services that it watches.' }),
  refused: orNull(record({ revision: REVISION, service: text(), reason: text() }), {
    description: 'What it could not apply last, and why.',
  }),
});

export const SIDECAR = named('Sidecar', SIDECAR_SHAPE);

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** What to pass as `after` for the next part; null where this is the last. */
  readonly next: string | null;
}

function pageOf<T>(item: NamedShape<T>): NamedShape<Page<T>> {
  const next = orNull(text(), { description: 'To be passed as `after` for the next page; null at the end.' });
  return named(`${item.name}Page`, record({ items: listOf(item), next }));
}

export const SERVICE_PAGE = pageOf(SERVICE);
export const INSTANCE_PAGE = pageOf(INSTANCE);
export const SIDECAR_PAGE = pageOf(SIDECAR);

export const EVENT_PAGE = named(
  'EventPage',
  record({
    items: listOf(EVENT),
    next: whole({ description: 'To be passed as `since` for what comes after.' }),
  }),
);

/** How the control plane is. */
export type Health = Shaped<typeof HEALTH>;

export const HEALTH = named(
  'Health',
  record({
    status: word(['ok', 'degraded', 'stopping'], { otherwise: 'degraded' }),
    warnings: listOf(text(), { description: 'What is not as it should be, a sentence each.' }),
    version: text(),
    epoch: text(),
    revision: REVISION,
    store: text(),
    services: whole(),
    instances: whole(),
    suspect: whole(),
    expired: whole(),
    massExpiry: orNull(record({ held: whole(), since: TIME }), {
      description: 'Set while instances whose leases ran out together are kept in use.',
    }),
  }),
);

/** One thing that is wrong with what was sent. */
export interface FieldError {
  /** The field, as in `policy.retry.attempts`; empty where it is about the whole. */
  readonly field: string;
  readonly detail: string;
  readonly expected: string | null;
  readonly found: string | null;
  readonly suggestion: string | null;
  /** Where it is in the body, from 1; null where there are no lines to speak of. */
  readonly line: number | null;
  readonly column: number | null;
}

export const FIELD_ERROR: Shape<FieldError> = record({
  field: text(),
  detail: text(),
  expected: orNull(text()),
  found: orNull(text()),
  suggestion: orNull(text()),
  line: orNull(whole()),
  column: orNull(whole()),
});

/** Why a call was not a success. */
export const PROBLEM = named(
  'Problem',
  record(
    {
      type: text(),
      title: text(),
      status: whole(),
      detail: text(),
      errors: optional(listOf(FIELD_ERROR), []),
    },
    { description: 'RFC 9457.' },
  ),
);
