import {
  ACKNOWLEDGEMENT,
  type Acknowledgement,
  type ConnectedSidecar,
  EVENT_PAGE,
  FIELD_ERROR,
  HEALTH,
  type Health,
  INSTANCE_PAGE,
  type InstanceResource,
  type Page,
  SERVICE,
  SERVICE_PAGE,
  type ServiceResource,
  SIDECAR_PAGE,
} from './answers.ts';
import { type MeshEvent, REVISION, type Revision } from './resources.ts';
import {
  listOf,
  Misshapen,
  nothing,
  optional,
  readJson,
  record,
  type Shape,
  type Shaped,
  text,
} from './shape.ts';

/** A call of the control plane's API, with what it answers where it succeeds. */
export interface ApiCall<T> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly answer: Shape<T>;
}

/** A call that answers a list, a page at a time. @param after what the page before said is next; null for the first */
export type ListCall<T> = (after: string | null) => ApiCall<Page<T>>;

export function readiness(): ApiCall<Health> {
  return { method: 'GET', path: '/readyz', answer: HEALTH };
}

export const listServices: ListCall<ServiceResource> = after => ({
  method: 'GET',
  path: `/v1/services${pageQuery(after)}`,
  answer: SERVICE_PAGE,
});

export function getService(service: string): ApiCall<ServiceResource> {
  return { method: 'GET', path: pathOf(service), answer: SERVICE };
}

export function putService(service: string): ApiCall<ServiceResource> {
  return { method: 'PUT', path: pathOf(service), answer: SERVICE };
}

export function deleteService(service: string): ApiCall<null> {
  return { method: 'DELETE', path: pathOf(service), answer: nothing };
}

/** @param service null: of all services */
export function listInstances(service: string | null): ListCall<InstanceResource> {
  const path = service === null ? '/v1/instances' : `${pathOf(service)}/instances`;
  return after => ({ method: 'GET', path: path + pageQuery(after), answer: INSTANCE_PAGE });
}

/** Registers an instance. @param ifFree only where nobody else who is alive is at its address */
export function putInstance(
  service: string,
  id: string,
  ifFree = false,
): ApiCall<{ readonly revision: Revision }> {
  const path = `${pathOf(service, id)}${ifFree ? '?ifFree=true' : ''}`;
  return { method: 'PUT', path, answer: record({ revision: REVISION }) };
}

/** @param waitMs how long callers get to apply it */
export function drainInstance(service: string, id: string, waitMs: number): ApiCall<Acknowledgement> {
  return { method: 'POST', path: `${pathOf(service, id)}/drain?wait=${waitMs}ms`, answer: ACKNOWLEDGEMENT };
}

/** Takes an instance that was drained into use again. */
export function undrainInstance(service: string, id: string): ApiCall<Acknowledgement> {
  return { method: 'POST', path: `${pathOf(service, id)}/undrain`, answer: ACKNOWLEDGEMENT };
}

export function deleteInstance(service: string, id: string): ApiCall<null> {
  return { method: 'DELETE', path: pathOf(service, id), answer: nothing };
}

export const listSidecars: ListCall<ConnectedSidecar> = after => ({
  method: 'GET',
  path: `/v1/sidecars${pageQuery(after)}`,
  answer: SIDECAR_PAGE,
});

/** The most recent events. */
export function listEvents(): ApiCall<{ readonly items: readonly MeshEvent[] }> {
  return { method: 'GET', path: `/v1/events?limit=${MOST}`, answer: EVENT_PAGE };
}

/** Reads the body of an answer that is a success. @throws Misshapen */
export function readAnswer<T>({ answer }: ApiCall<T>, body: string): T {
  return body === '' ? answer.read(null, 'the answer') : readJson(answer, body, 'the answer');
}

/** What a refusal says of itself; null where it is none of the control plane's. */
export function readProblem(body: string): Shaped<typeof REFUSAL> | null {
  try {
    return readJson(REFUSAL, body, 'the answer');
  } catch (error) {
    if (error instanceof Misshapen) return null;
    throw error;
  }
}

/** What callers look at of a problem. */
const REFUSAL = record({ detail: text(), errors: optional(listOf(FIELD_ERROR), []) });

/** As many as the API answers at once. */
const MOST = 1000;

function pageQuery(after: string | null): string {
  return `?limit=${MOST}${after === null ? '' : `&after=${encodeURIComponent(after)}`}`;
}

function pathOf(service: string, id?: string): string {
  const path = `/v1/services/${encodeURIComponent(service)}`;
  return id === undefined ? path : `${path}/instances/${encodeURIComponent(id)}`;
}
