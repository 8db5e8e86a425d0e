import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../control-plane/contract/duration.ts';
import { METRICS_TYPE } from '../../process/metrics-text.ts';
import { Paced } from '../../process/paced.ts';
import { type AdminAnswer, jsonAnswer, problemAnswer, textAnswer } from './admin-answer.ts';
import type { AdminView } from './admin-view.ts';

type Action = (query: URLSearchParams) => AdminAnswer | Promise<AdminAnswer>;

/** What answers to a path: one method each. */
interface AdminRoute {
  readonly method: 'GET' | 'POST';
  readonly act: Action;
}

/** The calls of the admin API on one sidecar. */
export class AdminRoutes {
  private readonly routes: ReadonlyMap<string, AdminRoute>;

  constructor(view: AdminView) {
    this.routes = new Map([
      get('/healthz', () => jsonAnswer(200, { status: 'ok' })),
      get('/readyz', () => {
        const readiness = view.ready();
        return jsonAnswer(readiness.ready ? 200 : 503, readiness);
      }),
      getPaced('/metrics', async () => textAnswer(200, METRICS_TYPE, await view.metrics())),
      get('/v1/info', () => jsonAnswer(200, view.info())),
      getPaced('/v1/config', () => jsonAnswer(200, view.config())),
      getPaced('/v1/upstreams', () => jsonAnswer(200, view.upstreams())),
      post('/v1/drain', query => drain(view, query.get('wait'))),
    ]);
  }

  /** Finds what a request asks for: what to do, or why there is nothing to do. HEAD is answered as GET. */
  find(method: string, path: string): Action {
    const route = this.routes.get(path);
    if (route === undefined) {
      return () => problemAnswer(404, `There is no '${path}' here.`, { paths: [...this.routes.keys()] });
    }
    if (method === route.method || (method === 'HEAD' && route.method === 'GET')) return route.act;
    const allow = route.method === 'GET' ? 'GET, HEAD' : route.method;
    return () => problemAnswer(405, `'${path}' takes ${allow}, not ${method}.`, {}, { allow });
  }
}

function get(path: string, act: Action): [string, AdminRoute] {
  return [path, { method: 'GET', act }];
}

function post(path: string, act: Action): [string, AdminRoute] {
  return [path, { method: 'POST', act }];
}

/** Answers that grow with the upstreams: whoever asks for them may not thereby hold up the data path. */
function getPaced(path: string, act: () => AdminAnswer | Promise<AdminAnswer>): [string, AdminRoute] {
  const paced = new Paced(act);
  return get(path, () => paced.get());
}

/** @param wait a duration: how long to wait at most until callers have left the application; null: not at all */
async function drain(view: AdminView, wait: string | null): Promise<AdminAnswer> {
  const most = wait === null ? 0 : parseDuration(wait);
  if (most === null || most > MOST_WAIT_MS)
    return problemAnswer(400, `'wait' is no duration of up to ${MOST_WAIT_MS / 1000}s, such as 5s.`);
  const drained = view.drain().then(() => true);
  if (wait === null) return jsonAnswer(202, { draining: true });
  const ending = new AbortController();
  const late = sleep(most, false, { signal: ending.signal, ref: false }).catch(() => false);
  const isDrained = await Promise.race([drained, late]);
  ending.abort();
  return jsonAnswer(200, { draining: true, drained: isDrained });
}

const MOST_WAIT_MS = 60_000;
