import { isServiceName, SERVICE_NAME_FORM } from '../contract/service-name.ts';
import { MAX_WATCHED } from '../contract/watch-messages.ts';
import type { WatchHub } from '../watch/watch-hub.ts';
import { ApiProblem } from './api-problem.ts';
import { EVENTS_QUERY, PAGE_QUERY, WATCH_QUERY } from './api-schemas.ts';
import { pageOf } from './resources.ts';
import { type Route, route } from './route.ts';

/** What happens in the mesh: the watch, who is connected, who changed what. */
export const MESH_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/watch',
    id: 'watch',
    summary:
      'What is known of services, and every change of it, as lines of JSON without an end. A sidecar asks for `Upgrade: outrider-watch` instead, and speaks as well.',
    access: 'sidecar',
    query: WATCH_QUERY,
    answers: {
      200: { description: 'A stream of messages, a line each.', schema: 'WatchMessage' },
      503: {
        description: 'There are too many streams; Retry-After says when to come again.',
        schema: 'Problem',
      },
    },
    run({ hub, registry }, { query }) {
      const services = readNames(query.services);
      admitStream(hub);
      const isKnown = query.epoch === null || query.epoch === registry.epoch;
      return {
        stream(sink) {
          const stream = hub.listen(services, isKnown ? query.since : null, sink);
          return () => hub.close(stream, null);
        },
      };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/sidecars',
    id: 'listSidecars',
    summary: 'The sidecars that are connected: what they have applied, and what they refused and why.',
    access: 'sidecar',
    query: PAGE_QUERY,
    answers: { 200: { description: 'A page of sidecars, by id.', schema: 'SidecarPage' } },
    run({ hub }, { query }) {
      const all = [...hub.sidecars()].sort((a, b) => (a.sidecar < b.sidecar ? -1 : 1));
      return { status: 200, body: pageOf(all, ({ sidecar }) => sidecar, query) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/events',
    id: 'listEvents',
    summary: 'Who changed what, when. The most recent ones are remembered.',
    access: 'sidecar',
    query: EVENTS_QUERY,
    answers: {
      200: {
        description: 'Events, oldest first. `next` is the revision to go on from as `since`.',
        schema: 'EventPage',
      },
    },
    run({ registry }, { query: { since, limit } }) {
      const items = since === null ? registry.latestEvents(limit) : registry.events(since, limit);
      return { status: 200, body: { items, next: items.at(-1)?.revision ?? since ?? registry.revision } };
    },
  }),
];

/** @throws ApiProblem 503 where no further stream can be opened now */
export function admitStream({ refusal }: WatchHub): void {
  if (refusal !== null) throw new ApiProblem(503, refusal, { headers: { 'retry-after': '2' } });
}

function readNames(text: string): string[] {
  const names = [...new Set(text.split(','))];
  const wrong = names.find(name => !isServiceName(name));
  if (wrong !== undefined) {
    const found = JSON.stringify(wrong.slice(0, 80));
    const detail = `expected names of services, joined by commas, found ${found}`;
    const suggestion = SERVICE_NAME_FORM.guess?.(wrong) ?? null;
    const error = { field: 'services', detail, expected: SERVICE_NAME_FORM.expected, found, suggestion };
    throw new ApiProblem(400, `The query is not what it should be: services: ${detail}`, {
      errors: [{ ...error, line: null, column: null }],
    });
  }
  if (names.length > MAX_WATCHED) {
    throw new ApiProblem(400, `One stream watches ${MAX_WATCHED} services at most, not ${names.length}.`);
  }
  return names;
}
