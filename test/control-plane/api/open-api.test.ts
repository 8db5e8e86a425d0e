import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROUTES } from '../../../control-plane/api/routes.ts';
import type { JsonSchema } from '../../../control-plane/contract/json-schema.ts';
import { fits } from '../contract/json-schema-check.ts';
import { type Answered, type RunningControlPlane, type Sent, startControlPlane } from '../running.ts';

/** Calls as they may come, made of the document that the server gives of itself; every answer is held against it. */

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonSchema }> };
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: JsonSchema }> }>;
}

interface Document extends JsonSchema {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}

const SERVICES = ['inventory', 'orders', 'none', 'Not_One'];
const IDS = ['i1', 'i2', 'not one'];

/** Something of each kind, and something that is almost right. */
const SCALAR = fc.oneof(
  fc.constantFrom(
    '5s',
    '250ms',
    '20%',
    '1MiB',
    'off',
    'up',
    'round-robin',
    '10.0.0.1',
    'inventory',
    '',
    '-1',
    '5',
  ),
  fc.constantFrom(0, 1, 3, 8080, 70_000, -1, 1.5, true, false, null),
  fc.string({ maxLength: 5 }),
);
const VALUE = fc.oneof(
  { weight: 4, arbitrary: SCALAR },
  fc.array(SCALAR, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom('a', 'base', 'max', 'x-y'), SCALAR, { maxKeys: 3 }),
);

/** A value that may fit a schema: where it is an object, with keys that it knows for the most part. */
function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { properties, pattern, type, minimum, maximum } = schema as Record<string, never>;
  const fitting: fc.Arbitrary<unknown>[] = [];
  if (schema.enum !== undefined) fitting.push(fc.constantFrom(...(schema.enum as unknown[])));
  if (schema.anyOf !== undefined) fitting.push(...(schema.anyOf as JsonSchema[]).map(arbitraryOf));
  if (type === 'integer')
    fitting.push(fc.integer({ min: Math.max(minimum, 0), max: Math.min(maximum, 2 ** 31 - 1) }));
  if (pattern !== undefined && /\[0-9\]\{1,12\}/.test(pattern))
    fitting.push(fc.constantFrom('1s', '250ms', '3m'));
  if (pattern !== undefined && /A-Za-z/.test(pattern))
    fitting.push(fc.constantFrom('10.0.0.1', 'host', '::1'));
  if (properties !== undefined) {
    const required = (schema.required ?? []) as string[];
    const others = Object.keys(properties).filter(key => !required.includes(key));
    // A few at a time, or there would hardly ever be nothing wrong with any.
    const keys = fc
      .subarray(others, { maxLength: Math.min(3, others.length) })
      .map(some => [...required, ...some]);
    const known = properties as Record<string, JsonSchema>;
    fitting.push(
      keys.chain(some => fc.record(Object.fromEntries(some.map(key => [key, arbitraryOf(known[key])])))),
    );
  }
  if (fitting.length === 0) return VALUE;
  return fc.oneof({ weight: 19, arbitrary: fc.oneof(...fitting) }, VALUE);
}

function parameterOf({ name, schema }: Parameter): fc.Arbitrary<string> {
  if (name === 'service') return fc.constantFrom(...SERVICES);
  if (name === 'id') return fc.constantFrom(...IDS);
  if (name === 'If-Match' || name === 'If-None-Match') return fc.constantFrom('*', '"1"', '"2"', 'x');
  if (name === 'wait') return fc.constantFrom('0s', '1ms', '1', 'x');
  if (name === 'services') return fc.constantFrom('inventory', 'inventory,orders', 'Not_One', '');
  const values = arbitraryOf(schema).map(value => (typeof value === 'object' ? 'x' : String(value)));
  return values.filter(text => /^[\x21-\x7e]+$/.test(text));
}

interface Made {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly sent: Sent;
}

function callOf(path: string, method: string, operation: Operation): fc.Arbitrary<Made> {
  const parameters = fc.record(
    Object.fromEntries(operation.parameters.map(parameter => [parameter.name, parameterOf(parameter)])),
    {
      requiredKeys: operation.parameters.filter(parameter => parameter.in === 'path').map(({ name }) => name),
    },
  );
  const schema = operation.requestBody?.content['application/json'].schema;
  const body = schema === undefined ? fc.constant(undefined) : arbitraryOf(schema);
  return fc.tuple(parameters, body).map(([values, json]) => {
    const given = operation.parameters.filter(({ name }) => values[name] !== undefined);
    const query = given.filter(parameter => parameter.in === 'query');
    const search = query.map(({ name }) => `${name}=${encodeURIComponent(values[name])}`).join('&');
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name]));
    const inHeader = given.filter(parameter => parameter.in === 'header');
    const headers = Object.fromEntries(inHeader.map(({ name }) => [name, values[name]]));
    return {
      method: method.toUpperCase(),
      path: search === '' ? filled : `${filled}?${search}`,
      operation,
      sent: { json, headers },
    };
  });
}

function holdAgainst(document: Document, { operation, sent }: Made, answer: Answered): void {
  const described = operation.responses[answer.status];
  assert.ok(
    described,
    `${operation.operationId} does not say that it may answer ${answer.status}: ${answer.text}`,
  );
  const [[type, { schema }] = ['', { schema: {} }]] = Object.entries(described.content ?? {});
  assert.equal((answer.headers['content-type'] ?? '').split(';')[0], type);
  if (/json$/.test(type)) assert.ok(fits(answer.body, schema, document), `does not fit: ${answer.text}`);
  const bodySchema = operation.requestBody?.content['application/json'].schema;
  if (bodySchema === undefined || answer.status >= 300) return;
  assert.ok(fits(sent.json, bodySchema, document), `was taken in: ${JSON.stringify(sent.json)}`);
}

async function documentOf(api: RunningControlPlane): Promise<Document> {
  return (await api.call('GET', '/openapi.json')).body as Document;
}

test('describes every route, with its own name', async t => {
  const document = await documentOf(await startControlPlane(t));
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(operations.sort(), ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  assert.equal(new Set(ROUTES.map(({ id }) => id)).size, ROUTES.length);
});

test('refers to nothing that is not there', async t => {
  const document = await documentOf(await startControlPlane(t));
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
  const { schemas } = document.components as { schemas: Record<string, unknown> };
  assert.deepEqual(
    references.map(([, name]) => name).filter(name => schemas[name] === undefined),
    [],
  );
  assert.ok(references.length > 10);
});

test('answers every call as the document says, whatever is sent', { timeout: 120_000 }, async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const document = await documentOf(api);
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      // A stream has no end to be waited for.
      operation.operationId === 'watch' ? [] : callOf(path, method, operation),
    ),
  );
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(...calls), async call => {
      const answer = await api.call(call.method, call.path, call.sent);
      holdAgainst(document, call, answer);
      seen.add(`${call.operation.operationId} ${answer.status}`);
    }),
    { numRuns: 2500, seed: 12 },
  );
  // That it was not all refused.
  for (const outcome of [
    'putService 200',
    'putService 400',
    'putService 412',
    'putInstance 201',
    'putInstance 200',
    'putInstance 400',
    'listInstances 200',
    'getInstance 404',
    'drainInstance 200',
    'deleteService 409',
    'listEvents 200',
  ]) {
    assert.ok(seen.has(outcome), `${outcome} was never seen: ${[...seen].sort().join(', ')}`);
  }
});

test('describes the messages of the watch, and who is connected', async t => {
  const { Watcher } = await import('../watchers.ts');
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const document = await documentOf(api);
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  await api.register('inventory', 'i1');
  await watcher.heard(({ type }) => type === 'change');
  const { body } = await api.call('GET', '/v1/sidecars');
  assert.equal(body.items.length, 1);
  assert.ok(fits(body, { $ref: '#/components/schemas/SidecarPage' }, document), JSON.stringify(body));
  await api.controlPlane.stop();
  await watcher.heard(({ type }) => type === 'goodbye');
  for (const message of watcher.messages) {
    assert.ok(
      fits(message, { $ref: '#/components/schemas/WatchMessage' }, document),
      JSON.stringify(message),
    );
  }
});
