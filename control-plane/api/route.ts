import type { IncomingHttpHeaders } from 'node:http';
import type { Static, TObject } from '@sinclair/typebox';
import type { Problem } from '../contract/problem.ts';
import type { WrittenSettings } from '../contract/read.ts';
import { isServiceName, SERVICE_NAME_FORM } from '../contract/service-name.ts';
import type { Actor } from '../registry/actor.ts';
import type { Moment } from '../registry/moment.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryKeeper } from '../store/registry-keeper.ts';
import type { LineSink } from '../watch/line-sink.ts';
import type { WatchHub } from '../watch/watch-hub.ts';
import { ApiProblem } from './api-problem.ts';
import { INSTANCE_ID_PATTERN, NO_QUERY } from './api-schemas.ts';
import type { HeaderFields, ReadHeaders } from './header-fields.ts';
import { type RawBody, type ReadBody, readBody, readQuery } from './request-body.ts';

/** What calls work on. */
export interface Mesh {
  readonly registry: Registry;
  readonly keeper: Pick<RegistryKeeper, 'committed' | 'failure'>;
  readonly hub: WatchHub;
  readonly clock: () => Moment;
  readonly version: string;
  /** What the store is, for people. */
  readonly storeName: string;
  /** Why what the mesh file says is not in force; null where it is, or where there is none. */
  meshFileRefusal(): string | null;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
  isStopping(): boolean;
}

/** Who may make a call: anybody, who has either token, who has the admin's. */
export type Access = 'open' | 'sidecar' | 'admin';

/** A call as it came, its caller known. */
interface RawCall {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: RawBody | null;
  readonly by: Actor;
}

/** A call that was understood. */
interface Call<Q, B, H extends HeaderFields> {
  /** The parts of the path, judged; empty where the path has no such part. */
  readonly service: string;
  readonly id: string;
  readonly query: Q;
  readonly body: ReadBody<B>;
  readonly headers: ReadHeaders<H>;
  readonly by: Actor;
}

export type Answer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Sent as JSON, save a text that comes with its content-type; null: no body. */
      readonly body: unknown;
    }
  /** Lines of JSON without an end. @returns what to call when the other side is gone */
  | { readonly stream: (sink: LineSink) => () => void };

/** How an answer is described. */
export interface AnswerDescription {
  readonly description: string;
  /** The name of its schema in the OpenAPI document; null where it has no body. */
  readonly schema: string | null;
}

/** A call that the API offers. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With `{service}` and `{id}`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly access: Access;
  readonly query: TObject;
  readonly body: TObject | null;
  /** The header fields that it heeds. */
  readonly headers: HeaderFields;
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  run(mesh: Mesh, call: RawCall): Answer | Promise<Answer>;
}

interface RouteSpec<Q extends TObject, B extends TObject, H extends HeaderFields> {
  readonly method: Route['method'];
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly access: Access;
  readonly query?: Q;
  readonly body?: B;
  readonly headers?: H;
  /** @param service that the path names */
  readonly check?: (value: Static<B>, written: WrittenSettings, service: string) => readonly Problem[];
  readonly answers: Route['answers'];
  run(mesh: Mesh, call: Call<Static<Q>, Static<B>, H>): Answer | Promise<Answer>;
}

/** Makes a route that reads path, query, header fields and body before it does anything. */
export function route<Q extends TObject, B extends TObject, H extends HeaderFields>(
  spec: RouteSpec<Q, B, H>,
): Route {
  const { query = NO_QUERY, body = null, headers: fields = {}, check } = spec;
  return {
    ...spec,
    query,
    body,
    headers: fields,
    run(mesh, raw) {
      const { params, headers, by } = raw;
      const service = params.service === undefined ? '' : readService(params.service);
      const further = (value: Static<B>, written: WrittenSettings) => check?.(value, written, service) ?? [];
      const call = {
        service,
        id: params.id === undefined ? '' : readId(params.id),
        query: readQuery(query, raw.query) as Static<Q>,
        body: (body === null ? NO_BODY : readBody(body as B, raw.body, further)) as ReadBody<Static<B>>,
        headers: readHeaders(fields, headers) as ReadHeaders<H>,
        by,
      };
      return spec.run(mesh, call);
    },
  };
}

function readHeaders(fields: HeaderFields, headers: IncomingHttpHeaders): Record<string, unknown> {
  const read = Object.entries(fields).map(([key, field]) => {
    const text = headers[field.name.toLowerCase()];
    return [key, text === undefined ? null : field.read(String(text))];
  });
  return Object.fromEntries(read);
}

const NO_BODY: ReadBody<unknown> = { value: {}, document: {} };
const INSTANCE_ID = new RegExp(INSTANCE_ID_PATTERN);

function readService(name: string): string {
  if (isServiceName(name)) return name;
  const guess = SERVICE_NAME_FORM.guess?.(name) ?? null;
  const question = guess === null ? '' : `; did you mean ${guess}?`;
  const found = JSON.stringify(name.slice(0, 80));
  throw wrongPath('service', SERVICE_NAME_FORM.expected, found, `${guess ?? ''}` || null, question);
}

function readId(id: string): string {
  if (INSTANCE_ID.test(id)) return id;
  const expected = 'up to 128 letters, digits, dots, dashes, underscores, colons and @';
  throw wrongPath('id', expected, JSON.stringify(id.slice(0, 80)), null, '');
}

function wrongPath(
  field: string,
  expected: string,
  found: string,
  suggestion: string | null,
  question: string,
): ApiProblem {
  const detail = `expected ${expected}, found ${found}${question}`;
  return new ApiProblem(400, `The path is not what it should be: ${field}: ${detail}`, {
    errors: [{ field, detail, expected, found, suggestion, line: null, column: null }],
  });
}
