import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryTree } from './temporary-tree.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const PASSES = `import { test } from 'node:test';\ntest('passes', (): void => {});\ntest('as well', () => {});\n`;
const FAILS = `import { test } from 'node:test';\ntest('fails', () => { throw new Error('on purpose'); });\n`;

/** Runs the tests of a project that has the given ones. */
function run(t: TestContext, tests: Readonly<Record<string, string>>, ...args: string[]) {
  const root = temporaryTree(t, {
    ...tests,
    'tools/test.mjs': readFileSync(join(ROOT, 'tools', 'test.mjs'), 'utf8'),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // Without this the runner would take itself for a part of the run that this test belongs to.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'tools', 'test.mjs'), ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('runs every test file at any depth and ends with the summary', t => {
  const { status, stdout } = run(t, {
    'test/a.test.ts': PASSES,
    'test/deep/er/b.test.ts': PASSES,
    'test/not-a-test.ts': FAILS,
  });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /ℹ tests 4\n[\s\S]*ℹ pass 4\n[\s\S]*ℹ duration_ms \S+\s*$/);
});

test('passes on that a test failed', t => {
  const { status, stdout } = run(t, { 'test/a.test.ts': PASSES, 'test/b.test.ts': FAILS });
  assert.equal(status, 1);
  assert.match(stdout, /ℹ fail 1/);
});

test('words choose files by their path, options go to the runner', t => {
  const tests = { 'test/a.test.ts': PASSES, 'test/deep/b.test.ts': PASSES, 'test/c.test.ts': FAILS };
  const { status, stdout } = run(t, tests, 'a.test', 'deep', '--test-name-pattern=as well');
  assert.equal(status, 0, stdout);
  assert.match(stdout, /ℹ pass 2\n/);
});

test('words that choose nothing fail the run', t => {
  const { status, stderr } = run(t, { 'test/a.test.ts': PASSES }, 'nowhere');
  assert.equal(status, 1);
  assert.match(stderr, /No test file has nowhere in its path/);
});

test('what is deployed runs by itself and first, and fails the whole run where it fails', t => {
  const { status, stdout } = run(t, { 'test/e2e/deployed/a.test.ts': FAILS, 'test/b.test.ts': PASSES });
  assert.equal(status, 1);
  assert.match(stdout, /ℹ tests 1\n[\s\S]*ℹ fail 1\n[\s\S]*ℹ tests 2\n[\s\S]*ℹ fail 0\n/);
});
