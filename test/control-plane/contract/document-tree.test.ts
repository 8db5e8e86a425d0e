import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { documentOf, TooDeep, treeOf } from '../../../control-plane/contract/document-tree.ts';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { print } from '../../../control-plane/contract/print.ts';
import { read } from '../../../control-plane/contract/read.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';

test('gives back what was put in', () => {
  // What is null comes back as the schema has it, and there is none here.
  const noNull = (value: unknown) => JSON.parse(JSON.stringify(value), (_, inner) => inner ?? 0);
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }).map(noNull), document => {
      assert.deepEqual(documentOf(treeOf({ document }, 'it'), null), { document });
    }),
    { seed: 10 },
  );
});

test('types what came from the environment as its setting wants it', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: references to the environment
  const text = 'retry: { attempts: "${N}", on: ["${KIND}"] }\ntimeouts: { total: "${T}" }';
  const { root } = parseYaml('it', Buffer.from(text), { N: '4', KIND: 'reset', T: '3s' });
  assert.ok(root !== null);
  const { value, problems } = read(POLICY_SCHEMA, root);
  assert.deepEqual(problems, []);
  const document = documentOf(root, print(POLICY_SCHEMA, value));
  assert.deepEqual(document, { retry: { attempts: 4, on: ['reset'] }, timeouts: { total: '3s' } });
});

test('leaves out what is left to the writer, however much its aliases would make of it', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `x-${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`)}]`);
  const text = ['x-0: &a0 [1]', ...levels, 'retry: { attempts: 2 }'].join('\n');
  const { root } = parseYaml('it', Buffer.from(text), {});
  assert.ok(root !== null);
  const { value, problems } = read(POLICY_SCHEMA, root);
  assert.deepEqual(problems, []);
  assert.deepEqual(documentOf(root, print(POLICY_SCHEMA, value)), { retry: { attempts: 2 } });
});

test('refuses what is nested without end', () => {
  let document: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) document = [document];
  assert.throws(() => treeOf(document, 'it'), TooDeep);
});
