import {
  ENDPOINT,
  type EndpointResource,
  type Epoch,
  POLICY,
  type PolicyDocument,
  REVISION,
  type Revision,
} from './resources.ts';
import { SERVICE_NAME_FORM } from './service-name.ts';
import { listOf, named, orNull, record, type Shape, tagged, text, toggle, whole } from './shape.ts';

/**
 * The watch: lines of JSON over one connection. `GET /v1/watch?services=a,b&since=REV` streams the control plane's lines to
 * anybody. A sidecar asks for `Upgrade: outrider-watch` on the same path and then speaks as well: which services it wants,
 * what it has applied, that it is alive. Either side takes a connection for lost that was silent for three heartbeats.
 */
export const WATCH_PROTOCOL = 'outrider-watch';

/**
 * The header by which a call of the API says which sidecar makes it: the id that its stream's `hello` names. What it registers
 * is renewed by that stream, and suspect when that breaks.
 */
export const SIDECAR_HEADER = 'x-outrider-sidecar';

/** How often either side says that it is alive, in ms. */
export const WATCH_HEARTBEAT_MS = 2000;

/** Within so long after its stream broke, in ms, a sidecar tries again to open one, as often as it takes. */
export const WATCH_RETRY_MS = 4000;

/** The longest line either side accepts, in bytes. */
export const WATCH_LINE_LIMIT = 16 * 1024 * 1024;

/** What is known of one service at a revision. */
export interface ServiceState {
  readonly name: string;
  /** False where nobody wrote the service and no instance of it was ever registered. */
  readonly exists: boolean;
  readonly policy: PolicyDocument;
  readonly endpoints: readonly EndpointResource[];
}

export const SERVICE_STATE: Shape<ServiceState> = record({
  name: text(),
  exists: toggle(),
  policy: POLICY,
  endpoints: listOf(ENDPOINT),
});

/** From the control plane. */
export type WatchMessage =
  /** The first line. `epoch` differs from the one known before: everything known is to be forgotten once `sync` comes. */
  | { readonly type: 'hello'; readonly epoch: Epoch; readonly revision: Revision; readonly heartbeat: number }
  /** The whole of the named services: what is known of them is replaced. Sent for services just asked for, and after a gap. */
  | { readonly type: 'sync'; readonly revision: Revision; readonly services: readonly ServiceState[] }
  /** What one revision changed of one service. */
  | {
      readonly type: 'change';
      readonly revision: Revision;
      readonly service: string;
      /** Whether the service is there now: it may have come into being by this, or have been deleted. */
      readonly exists: boolean;
      /** Null where the policy is the same. */
      readonly policy: PolicyDocument | null;
      /** Endpoints that are new or different. */
      readonly set: readonly EndpointResource[];
      /** Ids of endpoints that are no more to be used. */
      readonly remove: readonly string[];
    }
  | { readonly type: 'heartbeat'; readonly revision: Revision }
  /** The registration of the instance beside the sidecar has ended, and not by its own doing: why, a sentence. */
  | { readonly type: 'unregistered'; readonly reason: string }
  /** The last line before the control plane ends the connection, with the reason. */
  | { readonly type: 'goodbye'; readonly reason: string };

const WATCH_MESSAGE_SHAPE: Shape<WatchMessage> = tagged({
  hello: { epoch: text(), revision: REVISION, heartbeat: whole() },
  sync: { revision: REVISION, services: listOf(SERVICE_STATE) },
  change: {
    revision: REVISION,
    service: text(),
    exists: toggle(),
    policy: orNull(POLICY),
    set: listOf(ENDPOINT),
    remove: listOf(text()),
  },
  heartbeat: { revision: REVISION },
  unregistered: { reason: text() },
  goodbye: { reason: text() },
});

export const WATCH_MESSAGE = named('WatchMessage', WATCH_MESSAGE_SHAPE);

/** From a sidecar. */
export type SidecarMessage =
  | {
      readonly type: 'hello';
      /** The sidecar's own id, new with each process. */
      readonly sidecar: string;
      /** The service and the instance beside it; null where it has none. */
      readonly service: string | null;
      readonly instance: string | null;
      readonly version: string;
      /** What it knows already, to be resumed from; null: nothing. */
      readonly known: { readonly epoch: Epoch; readonly revision: Revision } | null;
      readonly services: readonly string[];
    }
  /** The whole list of services that it wants, replacing the one before. */
  | { readonly type: 'watch'; readonly services: readonly string[] }
  /** Its next pick uses this revision. */
  | { readonly type: 'applied'; readonly revision: Revision }
  /** It could not apply what this revision says of a service, and goes on with what it had. */
  | {
      readonly type: 'refused';
      readonly revision: Revision;
      readonly service: string;
      readonly reason: string;
    }
  /** It is alive, and so renews the leases of the instances that it registered. */
  | { readonly type: 'heartbeat' };

/** Services that one stream may watch. */
export const MAX_WATCHED = 2000;

const WORD = text({ minLength: 1, maxLength: 512, expected: 'text of 1 to 512 characters' });
const SERVICE_NAME = text({ pattern: SERVICE_NAME_FORM.pattern, expected: SERVICE_NAME_FORM.expected });
const WATCHED = listOf(SERVICE_NAME, { maxItems: MAX_WATCHED });

export const SIDECAR_MESSAGE: Shape<SidecarMessage> = tagged({
  hello: {
    sidecar: WORD,
    service: orNull(WORD),
    instance: orNull(WORD),
    version: WORD,
    known: orNull(record({ epoch: WORD, revision: REVISION })),
    services: WATCHED,
  },
  watch: { services: WATCHED },
  applied: { revision: REVISION },
  refused: { revision: REVISION, service: WORD, reason: text() },
  heartbeat: {},
});
