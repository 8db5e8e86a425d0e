import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { checkTree, findUnused } from '../../tools/check-imports.ts';
import { temporaryTree } from './temporary-tree.ts';

/** What is wrong with a tree, as it is printed. */
function problemsOf(t: TestContext, files: Readonly<Record<string, string>>): string[] {
  return checkTree(temporaryTree(t, files)).map(({ file, line, message }) => `${file}:${line}: ${message}`);
}

const CODE = 'export const a = 1;\n';

test('a tree that keeps the rules has no problems', t => {
  const problems = problemsOf(t, {
    'sidecar/main.ts': `import { start } from './sidecar.ts';\nstart();\n`,
    'sidecar/sidecar.ts': `import { a } from './downstream/listener.ts';\nexport const start = () => a;\n`,
    'sidecar/downstream/listener.ts': `import { b } from '../http1/head.ts';\nexport const a = b;\n`,
    'sidecar/upstream/balancers/random.ts': `import { b } from '../../http1/head.ts';\nexport const r = b;\n`,
    'sidecar/http1/head.ts': `import { e } from '../exchange/exchange.ts';\nexport const b = e;\n`,
    'sidecar/exchange/exchange.ts': `export const e = 1;\n`,
    'test/sidecar/main.test.ts': `import '../../sidecar/main.ts';\n`,
  });
  assert.deepEqual(problems, []);
});

describe('imports run downhill', () => {
  const cases: [from: string, to: string, allowed: boolean][] = [
    ['sidecar/downstream/x.ts', 'sidecar/routing/y.ts', false],
    ['sidecar/routing/x.ts', 'sidecar/downstream/y.ts', false],
    ['sidecar/routing/x.ts', 'sidecar/policy/y.ts', false],
    ['sidecar/policy/x.ts', 'sidecar/upstream/y.ts', false],
    ['sidecar/policy/x.ts', 'sidecar/http1/y.ts', false],
    ['sidecar/upstream/x.ts', 'sidecar/policy/y.ts', false],
    ['sidecar/sidecar.ts', 'sidecar/policy/y.ts', true],
    ['sidecar/upstream/x.ts', 'sidecar/http1/y.ts', true],
    ['sidecar/http1/x.ts', 'sidecar/upstream/y.ts', false],
    ['sidecar/http1/x.ts', 'sidecar/exchange/y.ts', true],
    ['sidecar/exchange/x.ts', 'sidecar/http1/y.ts', false],
    ['sidecar/io/x.ts', 'sidecar/exchange/y.ts', false],
    ['sidecar/policy/x.ts', 'sidecar/telemetry/y.ts', true],
    ['sidecar/telemetry/x.ts', 'sidecar/policy/y.ts', false],
    ['sidecar/config/x.ts', 'control-plane/contract/y.ts', true],
    ['sidecar/config/x.ts', 'sidecar/upstream/pool.ts', false],
    ['sidecar/sidecar.ts', 'control-plane/registry/y.ts', false],
    ['control-plane/contract/x.ts', 'sidecar/exchange/y.ts', false],
    ['examples/shop/main.ts', 'sidecar/sidecar.ts', false],
    ['examples/shop/main.ts', 'examples/shop/runner/y.ts', true],
    ['examples/shop/main.ts', 'control-plane/contract/y.ts', false],
    ['sidecar/sidecar.ts', 'test/sidecar/fake.ts', false],
    ['tools/build.ts', 'test/tools/y.ts', false],
    ['test/e2e/x.ts', 'sidecar/upstream/y.ts', true],
  ];
  for (const [from, to, allowed] of cases) {
    test(`${from} ${allowed ? 'may' : 'may not'} import ${to}`, t => {
      const up = '../'.repeat(from.split('/').length - 1);
      const problems = problemsOf(t, {
        [from]: `\nimport { a } from './${up}${to}';\nexport const b = a;\n`,
      });
      if (allowed) assert.deepEqual(problems, []);
      else assert.match(problems.join('\n'), new RegExp(`^${from}:2: \\S+ may not import ${to} \\(`));
    });
  }
});

test('the configuration may name an endpoint, as a type alone', t => {
  const file = 'sidecar/config/endpoints.ts';
  const asType = `import type { EndpointSpec } from '../upstream/endpoint.ts';\nexport type A = EndpointSpec;\n`;
  assert.deepEqual(problemsOf(t, { [file]: asType }), []);
  const [problem] = problemsOf(t, { [file]: asType.replace('import type', 'import') });
  assert.match(problem, /sidecar\/config may not import sidecar\/upstream\/endpoint\.ts/);
});

test('a folder that the table does not know is told', t => {
  const [problem] = problemsOf(t, { 'sidecar/new-room/x.ts': CODE });
  assert.match(problem, /^sidecar\/new-room\/x\.ts:1: sidecar\/new-room is no room of the house/);
});

test('a cycle of values is told once, with its way', t => {
  const problems = problemsOf(t, {
    'sidecar/io/a.ts': `import { b } from './b.ts';\nexport const a = () => b;\n`,
    'sidecar/io/b.ts': `\nimport { a } from './a.ts';\nexport const b = () => a;\n`,
  });
  assert.deepEqual(problems, [
    'sidecar/io/a.ts:1: a cycle of imports: sidecar/io/a.ts -> sidecar/io/b.ts -> sidecar/io/a.ts',
  ]);
});

test('a cycle that only types close is told as such', t => {
  const problems = problemsOf(t, {
    'sidecar/io/a.ts': `import { b } from './b.ts';\nexport const a = () => b;\n`,
    'sidecar/io/b.ts': `import type { A } from './a.ts';\nexport const b = (a: A) => a;\n`,
  });
  assert.deepEqual(problems, [
    'sidecar/io/a.ts:1: a cycle of imports, by types: sidecar/io/a.ts -> sidecar/io/b.ts -> sidecar/io/a.ts',
  ]);
});

test('a barrel is told', t => {
  const [problem] = problemsOf(t, { 'sidecar/io/index.ts': `export * from './a.ts';\n` });
  assert.match(problem, /^sidecar\/io\/index\.ts:1: only re-exports/);
});

test('a default export is told', t => {
  const [problem] = problemsOf(t, { 'sidecar/io/a.ts': `const a = 1;\nexport default a;\n` });
  assert.match(problem, /^sidecar\/io\/a\.ts:2: a default export/);
});

test('a dumping ground is told by its name', t => {
  const problems = problemsOf(t, { 'sidecar/http1/utils/a.ts': CODE, 'test/helpers/b.ts': CODE });
  assert.equal(problems.length, 2);
  assert.match(problems[0], /^sidecar\/http1\/utils\/a\.ts:1: a folder called utils/);
});

test('a file of more than 400 lines is told, a test is not', t => {
  const long = CODE.replace('\n', '') + '\n//'.repeat(400);
  const exact = CODE.replace('\n', '') + '\n//'.repeat(399);
  const problems = problemsOf(t, {
    'sidecar/io/a.ts': long,
    'sidecar/io/b.ts': exact,
    'test/sidecar/io/a.test.ts': long,
  });
  assert.deepEqual(problems, ['sidecar/io/a.ts:401: 401 lines, more than 400: the file is probably two']);
});

test('what the table allows and nobody needs is told', t => {
  const unused = findUnused(
    temporaryTree(t, {
      'sidecar/http1/x.ts': `import { e } from '../exchange/e.ts';\nexport const x = e;\n`,
      'sidecar/telemetry/x.ts': `import type { E } from '../exchange/e.ts';\nexport type X = E;\n`,
      'sidecar/exchange/e.ts': CODE,
    }),
  );
  assert.ok(!unused.includes('sidecar/http1 -> sidecar/exchange'));
  assert.ok(unused.includes('sidecar/telemetry -> sidecar/exchange'));
});
