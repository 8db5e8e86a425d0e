import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from '../../../control-plane/api/api-problem.ts';
import {
  EVENTS_QUERY,
  INSTANCE_BODY,
  NO_QUERY,
  SERVICE_BODY,
} from '../../../control-plane/api/api-schemas.ts';
import { readBody, readQuery } from '../../../control-plane/api/request-body.ts';

const json = (value: unknown) => ({ format: 'json' as const, bytes: Buffer.from(JSON.stringify(value)) });
const yaml = (text: string) => ({ format: 'yaml' as const, bytes: Buffer.from(text) });

function problemOf(run: () => unknown): ApiProblem {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiProblem) return error;
    throw error;
  }
  return assert.fail('nothing was wrong');
}

test('reads the same from JSON and from YAML', () => {
  const document = { address: '10.0.0.1', port: 8080, ttl: '3s', metadata: { build: '17' } };
  const text = 'address: 10.0.0.1\nport: 8080\nttl: 3s\nmetadata: { build: "17" }\n';
  const { value } = readBody(INSTANCE_BODY, json(document));
  assert.deepEqual(readBody(INSTANCE_BODY, yaml(text)).value, value);
  assert.deepEqual([value.ttl, value.weight, value.zone, value.status], [3000, 1, null, 'up']);
});

test('keeps what was written, with nothing added', () => {
  const policy = { retry: { attempts: 3 }, timeouts: { total: '3s', attempt: null } };
  const { document } = readBody(SERVICE_BODY, json({ policy }));
  assert.deepEqual(document, { policy: { ...policy, timeouts: { total: '3s', attempt: 'off' } } });
});

test('reads so much YAML and no more, and any JSON of that length', () => {
  const filled = (length: number) => `{}${' '.repeat(length - 2)}`;
  assert.deepEqual(readBody(SERVICE_BODY, yaml(filled(65_536))).document, {});
  const { status, message } = problemOf(() => readBody(SERVICE_BODY, yaml(filled(65_537))));
  assert.equal(status, 413);
  assert.match(message, /longer than 65536 bytes, which is the most that is read of YAML: send JSON/);
  const bytes = Buffer.from(filled(65_537));
  assert.deepEqual(readBody(SERVICE_BODY, { format: 'json', bytes }).document, {});
});

test('takes null in JSON for not given', () => {
  const { value } = readBody(INSTANCE_BODY, json({ address: 'a', port: 1, zone: null, weight: null }));
  assert.deepEqual([value.zone, value.weight], [null, 1]);
});

test('takes a lease as a duration, not as a bare number', () => {
  const read = (ttl: unknown) => readBody(INSTANCE_BODY, json({ address: 'a', port: 1, ttl })).value.ttl;
  assert.equal(read('6s'), 6000);
  assert.match(
    problemOf(() => read(30_000)).message,
    /: ttl: expected a duration .*, found 30000; did you mean 30s\?/,
  );
});

test('names every field that is wrong, and what was probably meant', () => {
  const { status, errors, message } = problemOf(() =>
    readBody(SERVICE_BODY, json({ policy: { retry: { attempts: 'three' }, timeout: {} } })),
  );
  assert.equal(status, 400);
  assert.match(
    message,
    /policy\.retry\.attempts: expected a whole number from 1 to 10, found "three" \(and 1 more/,
  );
  assert.deepEqual(
    errors.map(({ field, suggestion }) => [field, suggestion]),
    [
      ['policy.retry.attempts', null],
      ['policy.timeout', 'timeouts'],
    ],
  );
});

test('refuses a key that is given twice, and names it', () => {
  const bytes = Buffer.from('{"address":"a","port":1,"metadata":{"build":"1","build":"2"}}');
  const { status, message, errors } = problemOf(() => readBody(INSTANCE_BODY, { format: 'json', bytes }));
  assert.deepEqual([status, errors[0].field], [400, 'metadata.build']);
  assert.match(message, /metadata\.build: given twice/);
});

test('refuses JSON that is not UTF-8, of which it would keep something else', () => {
  const bytes = Buffer.from('{ "address": "a", "port": 1, "zone": "\xe9" }', 'latin1');
  const { status, message } = problemOf(() => readBody(INSTANCE_BODY, { format: 'json', bytes }));
  assert.equal(status, 400);
  assert.match(message, /not UTF-8/);
});

test('refuses the address of no machine', () => {
  for (const address of ['0.0.0.0', '::']) {
    const { status, errors } = problemOf(() => readBody(INSTANCE_BODY, json({ address, port: 1 })));
    assert.deepEqual([status, errors.map(({ field }) => field)], [400, ['address']]);
  }
});

test('says in which line of YAML it is', () => {
  const { errors } = problemOf(() => readBody(SERVICE_BODY, yaml('policy:\n  retry:\n    attempts: 99\n')));
  assert.deepEqual([errors[0].line, errors[0].column], [3, 15]);
});

test('fills nothing in from the environment of the control plane', () => {
  process.env.OUTRIDER_TEST_SECRET = 'hidden';
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference to the environment
    const reference = '${OUTRIDER_TEST_SECRET}';
    const { message } = problemOf(() =>
      readBody(INSTANCE_BODY, yaml(`address: a\nport: 1\nzone: "${reference}"\n`)),
    );
    assert.doesNotMatch(message, /hidden/);
    const { value } = readBody(INSTANCE_BODY, json({ address: 'a', port: 1, zone: reference }));
    assert.equal(value.zone, reference);
  } finally {
    delete process.env.OUTRIDER_TEST_SECRET;
  }
});

for (const [what, body, complaint] of [
  ['nothing', null, /The body is missing/],
  ['no JSON', { format: 'json' as const, bytes: Buffer.from('{') }, /is not JSON/],
  ['a list', json([]), /expected an object/],
  ['text', json('x'), /expected an object/],
  ['no YAML', yaml('a: [b'), /not valid YAML/],
  ['a YAML list', yaml('- a'), /expected settings/],
] as const) {
  test(`refuses ${what}`, () => {
    const problem = problemOf(() => readBody(SERVICE_BODY, body));
    assert.equal(problem.status, 400);
    assert.match(problem.message, complaint);
  });
}

test('refuses what is nested without end', () => {
  const bytes = Buffer.from(`{"policy":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
  assert.match(
    problemOf(() => readBody(SERVICE_BODY, { format: 'json', bytes })).message,
    /nested too deeply/,
  );
});

test('says where a query takes nothing', () => {
  const { message, errors } = problemOf(() => readQuery(NO_QUERY, { wait: '5s' }));
  assert.equal(message, 'The query is not what it should be: wait: unknown key, expected none');
  assert.equal(errors[0].expected, 'none');
});

test('reads a query, and refuses what it does not know', () => {
  assert.deepEqual(readQuery(EVENTS_QUERY, { since: '12' }), { limit: 100, since: 12 });
  assert.deepEqual(readQuery(EVENTS_QUERY, {}), { limit: 100, since: null });
  const { errors } = problemOf(() => readQuery(EVENTS_QUERY, { limt: '5', since: '-1' }));
  assert.deepEqual(errors.map(({ field }) => field).sort(), ['limt', 'since']);
  assert.throws(() => readQuery(EVENTS_QUERY, { limit: ['1', '2'] }), ApiProblem);
});
