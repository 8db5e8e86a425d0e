/**
 * What the control plane keeps and what it tells: services, instances, endpoints, events. Durations are milliseconds, times
 * ISO 8601, save a policy, which stays a document in the notation of the mesh file, so that what was written can be shown
 * again and what a later version knows is not lost.
 */
import { document, named, orNull, record, type Shape, text, whole, word } from './shape.ts';

/** Grows by one with every change of the registry; never repeats within an {@link Epoch}. */
export type Revision = number;

export const REVISION = whole({ description: 'Grows with every change of the mesh.' });

/** Names one history of revisions: a registry that was restored from an older disk begins another. */
export type Epoch = string;

/** A policy as the mesh file has it; judged by `POLICY_SCHEMA` before it is taken in. */
export type PolicyDocument = { readonly [key: string]: unknown };

export const POLICY: Shape<PolicyDocument> = document({
  description: 'As it was written, in the notation of the mesh file.',
});

/** What whoever registers an instance says of it, and what `drain` and `undrain` change. */
export type InstanceStatus = 'starting' | 'up' | 'draining' | 'down';

/** What the control plane finds out: is the lease kept, did its stream break, did it run out. */
export type LeaseState = 'kept' | 'suspect' | 'expired';

export const PORT = whole({ minimum: 1, maximum: 65_535 });

/** An instance as it is registered. */
export interface InstanceSpec {
  readonly id: string;
  readonly service: string;
  /** An IP address or a host name. */
  readonly address: string;
  readonly port: number;
  /** 0 to 1000, default 1; 0 takes no new requests. */
  readonly weight: number;
  readonly zone: string | null;
  readonly version: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** How long the lease lasts without being renewed, in ms; default 6000. */
  readonly ttl: number;
  readonly status: InstanceStatus;
}

/** An instance as the registry keeps it. */
export interface Instance extends InstanceSpec {
  readonly lease: LeaseState;
  /** Who registered it: the id of a sidecar, or null where the application did so itself. */
  readonly registeredBy: string | null;
  /** ISO 8601. */
  readonly registeredAt: string;
  /** The revision of its last change. */
  readonly revision: Revision;
}

/** A service as the registry keeps it; one that was never written but has instances has an empty policy. */
export interface Service {
  readonly name: string;
  readonly policy: PolicyDocument;
  /** The revision of its last change (its own, not its instances'): its ETag. */
  readonly revision: Revision;
}

/**
 * An instance as callers see it. `preference` says when it may be used: `normal`; `last-resort` for suspect and expired
 * ones, used only where there is nothing better; `unconfirmed` for what the control plane has from its disk and has not heard of since its
 * start, so that whoever knows better goes by that; draining, down and starting ones are not told of at all.
 */
export interface EndpointResource {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly zone: string | null;
  readonly version: string | null;
  readonly preference: 'normal' | 'unconfirmed' | 'last-resort';
}

const ENDPOINT_SHAPE: Shape<EndpointResource> = record(
  {
    id: text(),
    address: text(),
    port: PORT,
    weight: whole(),
    zone: orNull(text()),
    version: orNull(text()),
    preference: word(['normal', 'unconfirmed', 'last-resort'], {
      description:
        'Whether it is used at any time, or only where there is nothing better. `unconfirmed`: it was not heard of since the control plane was started.',
      otherwise: 'normal',
    }),
  },
  { description: 'An instance as callers are told of it.' },
);

export const ENDPOINT = named('Endpoint', ENDPOINT_SHAPE);

/** Who changed what, when. */
export interface MeshEvent {
  readonly revision: Revision;
  readonly at: string;
  /** `service-written`, `service-deleted`, `instance-registered`, `instance-updated`, `instance-drained`, `instance-suspect`, … */
  readonly kind: string;
  readonly service: string;
  readonly instance: string | null;
  /** `admin`, `sidecar <id>`, `control plane`, … */
  readonly by: string;
  /** One sentence for a person. */
  readonly detail: string;
}
