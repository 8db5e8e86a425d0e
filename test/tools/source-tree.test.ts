import assert from 'node:assert/strict';
import { dirname, posix } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build, type PluginBuild } from 'esbuild';
import {
  countLines,
  findDefaultExport,
  isBarrel,
  parseSource,
  readSourceTree,
} from '../../tools/source-tree.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

describe('the imports of a file', () => {
  const cases: [
    what: string,
    text: string,
    expected: [target: string, line: number, isTypeOnly: boolean][],
  ][] = [
    ['named', `import { a } from './b.ts';`, [['room/b.ts', 1, false]]],
    ['over several lines', `import {\n  a,\n  b,\n} from '../other/b.ts';`, [['other/b.ts', 1, false]]],
    ['for its effect', `\nimport './b.ts';`, [['room/b.ts', 2, false]]],
    ['namespace', `import * as b from "./b.ts";`, [['room/b.ts', 1, false]]],
    ['types', `import type { A } from './b.ts';`, [['room/b.ts', 1, true]]],
    ['some of them types', `import { type A, b } from './b.ts';`, [['room/b.ts', 1, false]]],
    ['re-export', `export { a } from './b.ts';`, [['room/b.ts', 1, false]]],
    ['re-export of all', `export * as b from './b.ts';`, [['room/b.ts', 1, false]]],
    ['re-export of types', `export type { A } from './b.ts';`, [['room/b.ts', 1, true]]],
    ['dynamic', `const b = await import('./b.ts');`, [['room/b.ts', 1, false]]],
    ['type of a module', `let b: typeof import('./b.ts');`, [['room/b.ts', 1, true]]],
    ['of packages', `import { a } from 'node:fs';\nimport b from 'undici';`, []],
    ['in a comment', `// import './a.ts';\n/*\nimport './b.ts';\n*/`, []],
    [
      'after a string that looks like a comment',
      `const a = 'http://x/*';\nimport './b.ts';`,
      [['room/b.ts', 2, false]],
    ],
    ['exports of its own', `export const a = 1;\nexport function f() {}\nlog('from "./b.ts"');`, []],
  ];
  for (const [what, text, expected] of cases) {
    test(what, () => {
      const { imports } = parseSource('room/file.ts', text);
      assert.deepEqual(
        imports.map(found => [found.target, found.line, found.isTypeOnly]),
        expected,
      );
    });
  }
});

test('esbuild sees the same value imports in this repository', async () => {
  const files = readSourceTree(ROOT, [
    'bin',
    'command-line',
    'control-plane',
    'docs',
    'examples',
    'process',
    'rollout',
    'sidecar',
    'tools',
  ]);
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(files.map(({ path }) => [path, path])),
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'unused',
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
    plugins: [{ name: 'imports-only', setup: leaveImportsAlone }],
  });
  for (const file of files) {
    const specifiers = metafile.inputs[file.path].imports.map(({ path }) => path);
    const expected = specifiers
      .filter(path => path.startsWith('.'))
      .map(path => posix.join(dirname(file.path), path));
    const found = file.imports.filter(({ isTypeOnly }) => !isTypeOnly).map(({ target }) => target);
    assert.deepEqual([...new Set(found)].sort(), [...new Set(expected)].sort(), file.path);
  }
});

function leaveImportsAlone(build: PluginBuild): void {
  build.onResolve({ filter: /^\./ }, ({ kind, path }) =>
    kind === 'entry-point' ? undefined : { path, external: true },
  );
}

test('a file of re-exports alone is a barrel, one that adds something is none', () => {
  const isBarrelText = (text: string) => isBarrel(parseSource('room/file.ts', text));
  assert.ok(isBarrelText(`/** All of it. */\nexport * from './a.ts';\nexport {\n  b,\n} from './b.ts';\n`));
  assert.ok(isBarrelText(`import { a } from './a.ts';\nexport { a };\n`));
  assert.ok(!isBarrelText(`export { a } from './a.ts';\nexport const b = 1;\n`));
  assert.ok(!isBarrelText(`import './a.ts';\nimport './b.ts';\n`));
});

test('finds the line of a default export', () => {
  const lineOf = (text: string) => findDefaultExport(parseSource('room/file.ts', text));
  assert.equal(lineOf(`const a = 1;\nexport default a;\n`), 2);
  assert.equal(lineOf(`\n\nexport { a as default };\n`), 3);
  assert.equal(lineOf(`// export default\nexport const defaults = 1;\n`), null);
});

test('counts lines without the empty ones at the end', () => {
  assert.equal(countLines(parseSource('a.ts', 'a\nb\n')), 2);
  assert.equal(countLines(parseSource('a.ts', 'a\n\nb')), 3);
});
