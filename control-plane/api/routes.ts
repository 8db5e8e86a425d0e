import { INSTANCE_ROUTES } from './instance-routes.ts';
import { MESH_ROUTES } from './mesh-routes.ts';
import { openApiDocument } from './open-api.ts';
import { OPERATION_ROUTES } from './operation-routes.ts';
import { type Route, route } from './route.ts';
import { SERVICE_ROUTES } from './service-routes.ts';

/** Every call that the API offers. */
export const ROUTES: readonly Route[] = [
  ...SERVICE_ROUTES,
  ...INSTANCE_ROUTES,
  ...MESH_ROUTES,
  ...OPERATION_ROUTES,
  route({
    method: 'GET',
    path: '/openapi.json',
    id: 'openApi',
    summary: 'This document.',
    access: 'open',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: 'OpenApi' } },
    run: ({ version }) => ({ status: 200, body: openApiDocument(ROUTES, version) }),
  }),
];
