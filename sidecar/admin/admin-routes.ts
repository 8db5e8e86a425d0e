import { Metrics } from '../telemetry/metrics.ts';
import { type AdminAnswer, jsonAnswer, problemAnswer } from './admin-answer.ts';
import type { AdminView } from './admin-view.ts';

type Action = (view: AdminView) => AdminAnswer | Promise<AdminAnswer>;

/** What answers to a path: one method each. */
interface AdminRoute {
  readonly method: 'GET' | 'POST';
  readonly act: Action;
}

const ROUTES: ReadonlyMap<string, AdminRoute> = new Map([
  get('/healthz', () => jsonAnswer(200, { status: 'ok' })),
  get('/readyz', view => {
    const readiness = view.ready();
    return jsonAnswer(readiness.ready ? 200 : 503, readiness);
  }),
  get('/metrics', async view => ({
    status: 200,
    contentType: Metrics.contentType,
    body: await view.metrics(),
  })),
  get('/v1/info', view => jsonAnswer(200, view.info())),
  get('/v1/config', view => jsonAnswer(200, view.config())),
  get('/v1/upstreams', view => jsonAnswer(200, view.upstreams())),
  post('/v1/drain', view => {
    view.drain();
    return jsonAnswer(202, { draining: true });
  }),
]);

/** Finds what a request asks for: what to do, or why there is nothing to do. HEAD is answered as GET. */
export function findAction(method: string, path: string): Action {
  const route = ROUTES.get(path);
  if (route === undefined) {
    return () => problemAnswer(404, `There is no '${path}' here.`, { paths: [...ROUTES.keys()] });
  }
  if (method === route.method || (method === 'HEAD' && route.method === 'GET')) return route.act;
  const allow = route.method === 'GET' ? 'GET, HEAD' : route.method;
  return () => problemAnswer(405, `'${path}' takes ${allow}, not ${method}.`, {}, { allow });
}

function get(path: string, act: Action): [string, AdminRoute] {
  return [path, { method: 'GET', act }];
}

function post(path: string, act: Action): [string, AdminRoute] {
  return [path, { method: 'POST', act }];
}
