import type { JsonSchema } from '../contract/json-schema.ts';

/** What the API answers, for the OpenAPI document; a test holds the running server against it. */

const TEXT: JsonSchema = { type: 'string' };
const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
const TIME: JsonSchema = { type: 'string', format: 'date-time' };
const MAYBE_TEXT: JsonSchema = { type: ['string', 'null'] };
const TEXTS: JsonSchema = { type: 'array', items: TEXT };
const POLICY: JsonSchema = {
  type: 'object',
  description: 'As it was written, in the notation of the mesh file.',
};
const REVISION: JsonSchema = {
  ...COUNT,
  description: 'Grows with every change of the mesh.',
};

function object(properties: Readonly<Record<string, JsonSchema>>, description?: string): JsonSchema {
  const about = description === undefined ? {} : { description };
  return {
    ...about,
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

function pageOf(item: string): JsonSchema {
  const next = { ...MAYBE_TEXT, description: 'To be passed as `after` for the next page; null at the end.' };
  return object({ items: { type: 'array', items: ref(item) }, next });
}

function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

const ENDPOINT = object(
  {
    id: TEXT,
    address: TEXT,
    port: COUNT,
    weight: COUNT,
    zone: MAYBE_TEXT,
    version: MAYBE_TEXT,
    preference: {
      enum: ['normal', 'last-resort'],
      description: 'Whether it is used at any time, or only where there is nothing better.',
    },
  },
  'An instance as callers are told of it.',
);

/** By name. */
export const ANSWER_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Service: object({
    name: TEXT,
    policy: POLICY,
    revision: REVISION,
    counts: object({
      instances: COUNT,
      up: COUNT,
      starting: COUNT,
      draining: COUNT,
      down: COUNT,
      suspect: COUNT,
      expired: COUNT,
    }),
  }),
  ServicePage: pageOf('Service'),
  Instance: object({
    id: TEXT,
    service: TEXT,
    address: TEXT,
    port: COUNT,
    weight: COUNT,
    zone: MAYBE_TEXT,
    version: MAYBE_TEXT,
    metadata: { type: 'object', additionalProperties: TEXT },
    ttl: { ...COUNT, description: 'Milliseconds.' },
    status: { enum: ['starting', 'up', 'draining', 'down'] },
    lease: { enum: ['kept', 'suspect', 'expired'] },
    registeredBy: {
      ...MAYBE_TEXT,
      description: 'The id of the sidecar that registered it; null where it was somebody else.',
    },
    registeredAt: TIME,
    revision: REVISION,
  }),
  InstancePage: pageOf('Instance'),
  Acknowledgement: object({
    revision: REVISION,
    acknowledged: {
      type: 'boolean',
      description:
        'Whether every caller has applied the revision. Never in the first 5 s after a restart of the control plane, when callers may not be connected yet.',
    },
    waitingFor: { ...TEXTS, description: 'The callers that have not, as service/instance.' },
  }),
  Sidecar: object({
    sidecar: TEXT,
    service: MAYBE_TEXT,
    instance: MAYBE_TEXT,
    version: TEXT,
    connectedAt: TIME,
    applied: REVISION,
    services: { ...TEXTS, description: 'The services that it watches.' },
    refused: {
      anyOf: [object({ revision: REVISION, service: TEXT, reason: TEXT }), { type: 'null' }],
      description: 'What it could not apply last, and why.',
    },
  }),
  SidecarPage: pageOf('Sidecar'),
  Event: object({
    revision: REVISION,
    at: TIME,
    kind: TEXT,
    service: { ...TEXT, description: 'Empty where it is about the whole mesh.' },
    instance: MAYBE_TEXT,
    by: TEXT,
    detail: TEXT,
  }),
  EventPage: object({
    items: { type: 'array', items: ref('Event') },
    next: { ...REVISION, description: 'To be passed as `since` for what comes after.' },
  }),
  WatchMessage: {
    oneOf: [
      object({ type: { const: 'hello' }, epoch: TEXT, revision: REVISION, heartbeat: COUNT }),
      object({
        type: { const: 'sync' },
        revision: REVISION,
        services: {
          type: 'array',
          items: object({
            name: TEXT,
            exists: { type: 'boolean' },
            policy: POLICY,
            endpoints: { type: 'array', items: ref('Endpoint') },
          }),
        },
      }),
      object({
        type: { const: 'change' },
        revision: REVISION,
        service: TEXT,
        exists: { type: 'boolean' },
        policy: { type: ['object', 'null'] },
        set: { type: 'array', items: ref('Endpoint') },
        remove: TEXTS,
      }),
      object({ type: { const: 'heartbeat' }, revision: REVISION }),
      object({ type: { const: 'goodbye' }, reason: TEXT }),
    ],
  },
  Endpoint: ENDPOINT,
  Health: object({
    status: { enum: ['ok', 'degraded', 'stopping'] },
    warnings: { ...TEXTS, description: 'What is not as it should be, a sentence each.' },
    version: TEXT,
    epoch: TEXT,
    revision: REVISION,
    store: TEXT,
    services: COUNT,
    instances: COUNT,
    suspect: COUNT,
    expired: COUNT,
    massExpiry: {
      anyOf: [object({ held: COUNT, since: TIME }), { type: 'null' }],
      description: 'Set while instances whose leases ran out together are kept in use.',
    },
  }),
  Problem: {
    description: 'RFC 9457.',
    type: 'object',
    properties: {
      type: TEXT,
      title: TEXT,
      status: COUNT,
      detail: TEXT,
      errors: {
        type: 'array',
        items: object({
          field: TEXT,
          detail: TEXT,
          expected: MAYBE_TEXT,
          found: MAYBE_TEXT,
          suggestion: MAYBE_TEXT,
          line: { type: ['integer', 'null'] },
          column: { type: ['integer', 'null'] },
        }),
      },
    },
    required: ['type', 'title', 'status', 'detail'],
    additionalProperties: false,
  },
};
