import { formatDuration } from '../contract/duration.ts';
import { formatHostPort } from '../contract/host-port.ts';
import { type Problem, problem } from '../contract/problem.ts';
import type { WrittenSettings } from '../contract/read.ts';
import type { Instance, InstanceSpec, Revision } from '../contract/resources.ts';
import { LEASE_DEFAULTS } from '../registry/lease-verdicts.ts';
import { ApiProblem } from './api-problem.ts';
import { INSTANCE_BODY, PAGE_QUERY, REGISTER_QUERY, WAIT_QUERY } from './api-schemas.ts';
import { SIDECAR_ID } from './header-fields.ts';
import { instanceResource, type PageQuery, pageOf } from './resources.ts';
import { type Answer, type Mesh, type Route, route } from './route.ts';
import { admitService, unknownService } from './service-routes.ts';

const UNKNOWN = { description: 'There is no such instance.', schema: 'Problem' };
const ACKNOWLEDGEMENT = {
  description: 'Whether all callers have applied it, and which have not.',
  schema: 'Acknowledgement',
};

/** Instances and their leases. */
export const INSTANCE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/instances',
    id: 'listAllInstances',
    summary: 'The instances of all services, by service and id.',
    access: 'sidecar',
    query: PAGE_QUERY,
    answers: { 200: { description: 'A page of instances.', schema: 'InstancePage' } },
    run({ registry }, { query }) {
      const all = registry.services().flatMap(({ name }) => registry.instances(name));
      // A space comes before everything that a name may have, so that keys sort as the list does.
      return listed(all, ({ service, id }) => `${service} ${id}`, query);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/services/{service}/instances',
    id: 'listInstances',
    summary: 'The instances of a service, with status, lease and who registered them, by id.',
    access: 'sidecar',
    query: PAGE_QUERY,
    answers: {
      200: { description: 'A page of instances.', schema: 'InstancePage' },
      404: { description: 'There is no such service.', schema: 'Problem' },
    },
    run({ registry }, { service, query }) {
      if (registry.service(service) === null) throw unknownService(service);
      return listed(registry.instances(service), ({ id }) => id, query);
    },
  }),
  route({
    method: 'GET',
    path: '/v1/services/{service}/instances/{id}',
    id: 'getInstance',
    summary: 'An instance.',
    access: 'sidecar',
    answers: { 200: { description: 'The instance.', schema: 'Instance' }, 404: UNKNOWN },
    run({ registry }, { service, id }) {
      return shown(registry.instance(service, id) ?? unknown(service, id));
    },
  }),
  route({
    method: 'PUT',
    path: '/v1/services/{service}/instances/{id}',
    id: 'putInstance',
    summary:
      'Registers an instance, or updates it, and renews its lease. The registration of another instance at the same address and port ends.',
    access: 'sidecar',
    query: REGISTER_QUERY,
    body: INSTANCE_BODY,
    headers: { sidecar: SIDECAR_ID },
    answers: {
      200: { description: 'It is registered.', schema: 'Instance' },
      201: { description: 'It is registered, and is new.', schema: 'Instance' },
      409: { description: 'Another one is at the address, and `ifFree` was asked for.', schema: 'Problem' },
    },
    check: ({ metadata }, written) => checkMetadata(metadata, written),
    async run(mesh, { service, id, query, body, by }) {
      admitInstance(mesh, service, id);
      const spec: InstanceSpec = { ...body.value, service, id };
      const owner = query.ifFree ? mesh.registry.liveOwner(spec) : null;
      if (owner !== null) throw taken(owner);
      const { instance, created } = mesh.registry.register(spec, by, mesh.clock());
      await mesh.keeper.committed();
      return { ...shown(instance), status: created ? 201 : 200 };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/services/{service}/instances/{id}/heartbeat',
    id: 'renewInstance',
    summary: 'Renews the lease of an instance. Where it is unknown, it has to be registered again.',
    access: 'sidecar',
    answers: { 200: { description: 'The instance.', schema: 'Instance' }, 404: UNKNOWN },
    run({ registry, clock }, { service, id }) {
      return shown(registry.heartbeat(service, id, clock()) ?? unknown(service, id));
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/services/{service}/instances/{id}',
    id: 'deleteInstance',
    summary: 'Deregisters an instance.',
    access: 'sidecar',
    answers: { 204: { description: 'It is gone.', schema: null }, 404: UNKNOWN },
    async run(mesh, { service, id, by }) {
      if (mesh.registry.deregister(service, id, by, mesh.clock()) === null) unknown(service, id);
      await mesh.keeper.committed();
      return { status: 204, body: null };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/services/{service}/instances/{id}/drain',
    id: 'drainInstance',
    summary: 'Takes an instance out of use, and waits until callers have applied it.',
    access: 'sidecar',
    query: WAIT_QUERY,
    answers: { 200: ACKNOWLEDGEMENT, 404: UNKNOWN },
    run: (mesh, { service, id, query, by }) =>
      acknowledged(
        mesh,
        mesh.registry.drain(service, id, by, mesh.clock()) ?? unknown(service, id),
        query.wait,
      ),
  }),
  route({
    method: 'POST',
    path: '/v1/services/{service}/instances/{id}/undrain',
    id: 'undrainInstance',
    summary: 'Takes an instance that was drained into use again, and waits until callers have applied it.',
    access: 'sidecar',
    query: WAIT_QUERY,
    answers: { 200: ACKNOWLEDGEMENT, 404: UNKNOWN },
    run: (mesh, { service, id, query, by }) =>
      acknowledged(
        mesh,
        mesh.registry.undrain(service, id, by, mesh.clock()) ?? unknown(service, id),
        query.wait,
      ),
  }),
];

function shown(instance: Instance): Answer {
  return { status: 200, body: instanceResource(instance) };
}

function listed(all: readonly Instance[], keyOf: (instance: Instance) => string, query: PageQuery): Answer {
  const { items, next } = pageOf(all, keyOf, query);
  return { status: 200, body: { items: items.map(instanceResource), next } };
}

/** Instances that a mesh may have, those that have expired included: nobody is to fill memory and disk with them. */
const MAX_INSTANCES = 50_000;
const MAX_METADATA = 64;

function admitInstance(mesh: Mesh, service: string, id: string): void {
  admitService(mesh, service);
  const { registry } = mesh;
  if (registry.size.instances < MAX_INSTANCES || registry.instance(service, id) !== null) return;
  throw new ApiProblem(507, `The mesh has ${MAX_INSTANCES} instances, which is as many as it may have.`);
}

function checkMetadata(metadata: InstanceSpec['metadata'], written: WrittenSettings): Problem[] {
  const { length } = Object.keys(metadata);
  const at = written.get('metadata')?.keyAt;
  if (length <= MAX_METADATA || at === undefined) return [];
  return [problem(at, 'metadata', `expected ${MAX_METADATA} entries at most, found ${length}`)];
}

async function acknowledged(mesh: Mesh, { service, revision }: Instance, wait: number): Promise<Answer> {
  await mesh.keeper.committed();
  const answer: { revision: Revision; acknowledged: boolean; waitingFor: readonly string[] } = {
    revision,
    ...(await mesh.hub.awaitApplied(service, revision, wait)),
  };
  return { status: 200, body: answer };
}

function taken({ service, id, address, port }: Instance): ApiProblem {
  const at = formatHostPort({ host: address, port });
  return new ApiProblem(409, `${at} is the address of ${id} of ${service}, which is alive.`);
}

function unknown(service: string, id: string): never {
  const detail = `There is no instance ${id} of ${service}: it was never registered, has left or lost its address to another, or its lease ran out ${formatDuration(LEASE_DEFAULTS.removeAfter)} ago or more. Register it again.`;
  throw new ApiProblem(404, detail);
}
