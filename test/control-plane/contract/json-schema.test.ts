// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toJsonSchema } from '../../../control-plane/contract/json-schema.ts';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import { read } from '../../../control-plane/contract/read.ts';
import { fits } from './json-schema-check.ts';
import { writtenBy } from './settings-arbitrary.ts';
import { treeOf } from './trees.ts';

const SCHEMA = toJsonSchema(POLICY_SCHEMA, 'Policy');

for (const value of [
  {},
  { timeouts: null },
  { timeouts: { total: 'off', connect: '1.5s' }, retry: { methods: ['POST'], attempts: 3 } },
  { breaker: {}, hedge: { after: '20ms' }, limits: { retryBody: '1MiB' } },
  { retry: { attempts: '${ATTEMPTS:-3}' }, balancer: '${BALANCER}' },
  { fault: { delay: { for: '1s' } } },
  { 'x-anchors': { anything: [1] } },
]) {
  test(`fits: ${JSON.stringify(value)}`, () => assert.ok(fits(value, SCHEMA)));
}

for (const value of [
  { tiemouts: {} },
  { timeouts: { total: 5 } },
  { timeouts: { total: '5' } },
  { timeouts: { connect: 'off' } },
  { retry: { attempts: 0 } },
  { retry: { attempts: 1.5 } },
  { retry: { on: ['nothing'] } },
  { retry: { methods: ['get'] } },
  { balancer: 'best' },
  { fault: { delay: {} } },
  { breaker: { 'x-mine': 1 } },
  [],
]) {
  test(`does not fit: ${JSON.stringify(value)}`, () => assert.ok(!fits(value, SCHEMA)));
}

test('every setting tells editors what it is about', () => {
  const tell = (schema: Record<string, unknown>, path: string): void => {
    assert.match(String(schema.description), /\S/, path);
    for (const [key, inner] of Object.entries(
      (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      tell(inner, `${path}.${key}`);
    }
  };
  tell(SCHEMA, 'policy');
});

test('patterns are such as Python understands too, not JavaScript alone', () => {
  const pattern = (schema: unknown): string[] =>
    typeof schema !== 'object' || schema === null
      ? []
      : Object.entries(schema).flatMap(([key, value]) =>
          key === 'pattern' && typeof value === 'string' ? [value] : pattern(value),
        );
  const patterns = pattern(SCHEMA);
  assert.ok(patterns.length > 20);
  assert.deepEqual(
    patterns.filter(text => /\\[pPkcu]\{|\(\?<?[^:=!]/.test(text)),
    [],
  );
});

test('what is read without an error fits', () => {
  let fitting = 0;
  fc.assert(
    fc.property(writtenBy(POLICY_SCHEMA), value => {
      const { problems } = read(POLICY_SCHEMA, treeOf(JSON.stringify(value)));
      if (problems.length === 0) fitting++;
      assert.ok(problems.length > 0 || fits(value, SCHEMA), problems.map(formatProblem).join());
    }),
    { numRuns: 500, seed: 9 },
  );
  assert.ok(fitting > 50 && fitting < 450, `${fitting} of 500`);
});
