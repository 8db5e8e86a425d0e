import { METRICS_TYPE } from '../../process/metrics-text.ts';
import { type Mesh, type Route, route } from './route.ts';

/** For probes and Prometheus. */
export const OPERATION_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/healthz',
    id: 'health',
    summary: 'Whether the control plane is alive, and what is not as it should be.',
    access: 'open',
    answers: { 200: { description: 'It is alive.', schema: 'Health' } },
    run: mesh => ({ status: 200, body: healthOf(mesh) }),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    id: 'readiness',
    summary: 'Whether the control plane serves.',
    access: 'open',
    answers: {
      200: { description: 'It serves.', schema: 'Health' },
      503: {
        description: 'It stops, or another control plane has taken over what it keeps.',
        schema: 'Health',
      },
    },
    run: mesh => ({ status: serves(mesh) ? 200 : 503, body: healthOf(mesh) }),
  }),
  route({
    method: 'GET',
    path: '/metrics',
    id: 'metrics',
    summary: "Numbers in Prometheus' text format.",
    access: 'sidecar',
    answers: { 200: { description: 'The numbers.', schema: 'Metrics' } },
    async run(mesh) {
      return { status: 200, headers: { 'content-type': METRICS_TYPE }, body: await mesh.metrics() };
    },
  }),
];

/** A full disk is no reason to stop asking; one who is not the registry's keeper any more has nothing true to say. */
function serves({ isStopping, keeper }: Mesh): boolean {
  return !isStopping() && keeper.failure?.kind !== 'conflict';
}

function healthOf(mesh: Mesh) {
  const { registry, keeper, storeName } = mesh;
  const { massExpiry, ...counts } = registry.health();
  const warnings: string[] = [];
  if (massExpiry !== null) {
    warnings.push(
      `The leases of ${massExpiry.held} of ${counts.instances} instances ran out together: they are kept in use since ${massExpiry.since}.`,
    );
  }
  if (keeper.failure !== null) warnings.push(`Changes can not be kept: ${keeper.failure.message}`);
  const refusal = mesh.meshFileRefusal();
  if (refusal !== null) warnings.push(`What the mesh file says is not in force: ${refusal}`);
  const status = mesh.isStopping() ? 'stopping' : warnings.length > 0 ? 'degraded' : 'ok';
  const { epoch, revision } = registry;
  return {
    status,
    warnings,
    version: mesh.version,
    epoch,
    revision,
    store: storeName,
    ...counts,
    massExpiry,
  };
}
