import { checkPolicy } from '../contract/policy-checks.ts';
import type { PolicyDocument, Service } from '../contract/resources.ts';
import type { Precondition, ServiceDeleted, ServiceWritten } from '../registry/registry.ts';
import { ApiProblem } from './api-problem.ts';
import { PAGE_QUERY, SERVICE_BODY } from './api-schemas.ts';
import { IF_ABSENT, IF_MATCH, IF_NONE_MATCH, type ReadHeaders } from './header-fields.ts';
import { pageOf, serviceResource } from './resources.ts';
import { type Answer, type Mesh, type Route, route } from './route.ts';

/** What a service has to be for a change of it. */
const PRECONDITION = { match: IF_MATCH, absent: IF_ABSENT };

/** Services and their policies. */
export const SERVICE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/services',
    id: 'listServices',
    summary: 'The services, with policy and counts, by name.',
    access: 'sidecar',
    query: PAGE_QUERY,
    answers: { 200: { description: 'A page of services.', schema: 'ServicePage' } },
    run(mesh, { query }) {
      const { items, next } = pageOf(mesh.registry.services(), ({ name }) => name, query);
      return { status: 200, body: { items: items.map(service => serviceResource(mesh, service)), next } };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/services/{service}',
    id: 'getService',
    summary: 'A service.',
    access: 'sidecar',
    headers: { known: IF_NONE_MATCH },
    answers: {
      200: { description: 'The service; its ETag is its revision.', schema: 'Service' },
      304: { description: 'It is as If-None-Match says.', schema: null },
      404: { description: 'There is no such service.', schema: 'Problem' },
    },
    run(mesh, { service: name, headers }) {
      const service = mesh.registry.service(name);
      if (service === null) throw unknownService(name);
      const etag = etagOf(service);
      if (headers.known?.includes(etag) || headers.known?.includes('*'))
        return { status: 304, headers: { etag }, body: null };
      return shown(mesh, 200, service);
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/services/{service}',
    id: 'putService',
    summary:
      'Writes a service: its whole policy. If-Match with its ETag guards against the changes of others.',
    access: 'admin',
    body: SERVICE_BODY,
    headers: PRECONDITION,
    check: ({ policy }, written, service) => checkPolicy(policy, ['policy'], written, service),
    answers: {
      200: { description: 'It is written.', schema: 'Service' },
      201: { description: 'It is written, and is new.', schema: 'Service' },
      412: { description: 'It is not as If-Match says.', schema: 'Problem' },
    },
    async run(mesh, { service: name, body, headers, by }) {
      const policy = (body.document.policy ?? {}) as PolicyDocument;
      const precondition = preconditionOf(headers);
      admitService(mesh, name);
      const outcome = mesh.registry.putService(name, policy, by, mesh.clock(), precondition);
      await mesh.keeper.committed();
      if (outcome.kind !== 'done') throw refusal(name, outcome);
      // Not what is there by now: somebody else may have written meanwhile, whose ETag is not for this caller to have.
      return shown(mesh, outcome.created ? 201 : 200, outcome.service);
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/services/{service}',
    id: 'deleteService',
    summary: 'Deletes a service that has no instances but expired ones.',
    access: 'admin',
    headers: PRECONDITION,
    answers: {
      204: { description: 'It is gone.', schema: null },
      404: { description: 'There is no such service.', schema: 'Problem' },
      409: { description: 'It has instances.', schema: 'Problem' },
      412: { description: 'It is not as If-Match says.', schema: 'Problem' },
    },
    async run(mesh, { service: name, headers, by }) {
      const outcome = mesh.registry.deleteService(name, by, mesh.clock(), preconditionOf(headers));
      await mesh.keeper.committed();
      if (outcome.kind !== 'done') throw refusal(name, outcome);
      return { status: 204, body: null };
    },
  }),
];

/** Services that a mesh may have: nobody is to fill memory and disk with them. */
const MAX_SERVICES = 10_000;

/** @throws ApiProblem 507 where the service would be one too many */
export function admitService({ registry }: Mesh, name: string): void {
  if (registry.size.services < MAX_SERVICES || registry.service(name) !== null) return;
  throw new ApiProblem(507, `The mesh has ${MAX_SERVICES} services, which is as many as it may have.`);
}

export function unknownService(name: string): ApiProblem {
  return new ApiProblem(404, `There is no service ${name}.`);
}

function shown(mesh: Mesh, status: number, service: Service): Answer {
  return { status, headers: { etag: etagOf(service) }, body: serviceResource(mesh, service) };
}

function etagOf({ revision }: Service): string {
  return `"${revision}"`;
}

function preconditionOf({ match, absent }: ReadHeaders<typeof PRECONDITION>): Precondition | undefined {
  if (match === null || absent === null) return match ?? absent ?? undefined;
  throw new ApiProblem(400, 'If-Match and If-None-Match contradict each other: send one of them.');
}

function refusal(
  name: string,
  outcome: Exclude<ServiceWritten | ServiceDeleted, { kind: 'done' }>,
): ApiProblem {
  switch (outcome.kind) {
    case 'unknown':
      return unknownService(name);
    case 'in-use': {
      const { instances } = outcome;
      const what =
        instances === 1
          ? 'an instance: deregister it first.'
          : `${instances} instances: deregister them first.`;
      return new ApiProblem(409, `The service ${name} has ${what}`);
    }
    case 'mismatch': {
      const { current } = outcome;
      if (current === null) return new ApiProblem(412, `There is no service ${name}, or none any more.`);
      const detail = `The service ${name} is at revision ${current.revision}: somebody else has changed it.`;
      return new ApiProblem(412, detail, { headers: { etag: etagOf(current) } });
    }
  }
}
