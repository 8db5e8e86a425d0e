import type { TObject } from '@sinclair/typebox';
import { type JsonSchema, toApiSchema } from '../contract/json-schema.ts';
import { SERVICE_NAME_FORM } from '../contract/service-name.ts';
import { isRequired } from '../contract/setting.ts';
import { ANSWER_SCHEMAS } from './answer-schemas.ts';
import { PROBLEM_TYPE } from './api-problem.ts';
import { INSTANCE_ID_PATTERN } from './api-schemas.ts';
import { JSON_TYPES, YAML_TYPES } from './request-body.ts';
import type { Access, AnswerDescription, Route } from './route.ts';

/** The API as an OpenAPI 3.1 document: made of the routes, and of the schemas that their calls are read by. */
export function openApiDocument(routes: readonly Route[], version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path][route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Outrider control plane',
      version,
      description:
        'Services, instances, and what sidecars are told of them. Bodies may be JSON or YAML; answers are JSON, errors application/problem+json (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: ANSWER_SCHEMAS,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The admin token, or the sidecar token. A control plane that was given none asks for none.',
        },
      },
    },
  };
}

function operationOf(route: Route): JsonSchema {
  const { id, summary, access, body, query, method } = route;
  const entries = Object.entries({ ...commonAnswers(route), ...route.answers });
  return {
    operationId: id,
    summary,
    description: ACCESS[access],
    security: access === 'open' ? [] : [{ token: [] }, {}],
    parameters: [...pathParameters(route.path), ...queryParameters(query), ...headerParameters(route)],
    ...(body === null ? {} : { requestBody: requestBody(body) }),
    responses: Object.fromEntries(entries.map(([status, answer]) => [status, response(answer, method)])),
  };
}

const ACCESS: Readonly<Record<Access, string>> = {
  open: 'Needs no token.',
  sidecar: 'Needs the sidecar token or the admin token.',
  admin: 'Needs the admin token.',
};

/** What any call of its kind may be answered. */
function commonAnswers({ access, body, method }: Route): Record<number, AnswerDescription> {
  const problem = (description: string): AnswerDescription => ({ description, schema: 'Problem' });
  const answers: Record<number, AnswerDescription> = {
    400: problem('Something in the call is wrong; `errors` names every field.'),
    403: problem('The token does not do, or the call comes from another site.'),
    429: problem('Too many calls; Retry-After says when to come again.'),
  };
  if (access !== 'open') answers[401] = problem('A token is missing, or none of this control plane.');
  if (body !== null) {
    answers[413] = problem('The body is too long.');
    answers[415] = problem('The body is neither JSON nor YAML.');
  }
  if (method !== 'GET') {
    answers[503] = problem('The change can not be kept.');
    answers[507] = problem(
      'The change can not be kept: the disk is full, or the mesh has as much of it as it may have.',
    );
  }
  return answers;
}

function response({ description, schema }: AnswerDescription, method: string): JsonSchema {
  if (schema === null) return { description };
  const type = schema === 'Problem' ? PROBLEM_TYPE : (CONTENT_TYPES[schema] ?? JSON_TYPES[0]);
  const known =
    ANSWER_SCHEMAS[schema] === undefined ? { type: 'string' } : { $ref: `#/components/schemas/${schema}` };
  const content = { [type]: { schema: schema === 'OpenApi' ? { type: 'object' } : known } };
  const etag = schema === 'Service' && method !== 'DELETE';
  const headers = etag
    ? { headers: { ETag: { description: 'Its revision.', schema: { type: 'string' } } } }
    : {};
  return { description, ...headers, content };
}

/** Of what is not JSON. */
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  WatchMessage: 'application/x-ndjson',
  Metrics: 'text/plain',
};

function requestBody(body: TObject): JsonSchema {
  // A place for whatever else, as in files.
  const schema = { ...toApiSchema(body), patternProperties: { '^x-': {} } };
  const types = [JSON_TYPES[0], YAML_TYPES[0]];
  return { required: true, content: Object.fromEntries(types.map(type => [type, { schema }])) };
}

function pathParameters(path: string): JsonSchema[] {
  const patterns: Readonly<Record<string, string>> = {
    service: SERVICE_NAME_FORM.pattern,
    id: INSTANCE_ID_PATTERN,
  };
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: patterns[name] },
  }));
}

function queryParameters(query: TObject): JsonSchema[] {
  return Object.entries(query.properties).map(([name, setting]) => {
    const { description, ...schema } = toApiSchema(setting);
    return { name, in: 'query', required: isRequired(setting), description, schema };
  });
}

function headerParameters({ headers }: Route): JsonSchema[] {
  return Object.values(headers).map(({ name, pattern, description }) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string', pattern },
  }));
}
