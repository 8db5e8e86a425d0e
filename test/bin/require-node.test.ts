import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryTree } from '../tools/temporary-tree.ts';
import { ROOT } from './outrider.ts';

const SCRIPT = join(ROOT, 'bin/require-node.js');

/** Runs a program under this Node, which says that it is another one. */
function runAs(t: TestContext, version: string, args: readonly string[]) {
  const root = temporaryTree(t, {
    'disguise.cjs': `
      Object.defineProperty(process, 'version', { value: 'v${version}' });
      Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });
    `,
  });
  return spawnSync(process.execPath, ['--require', join(root, 'disguise.cjs'), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
}

for (const version of ['20.18.1', '20.18.2', '20.19.0', '21.0.0', '100.0.0', '22.0.0-nightly20260101']) {
  test(`takes Node ${version}`, t => {
    const { status, stderr } = runAs(t, version, [SCRIPT]);
    assert.deepEqual([status, stderr], [0, '']);
  });
}

for (const version of ['20.18.0', '20.9.9', '19.99.99', '9.0.0', '18.20.4']) {
  test(`refuses Node ${version}`, t => {
    const { status, stdout, stderr } = runAs(t, version, [SCRIPT]);
    assert.deepEqual(
      [status, stdout, stderr],
      [2, '', `Outrider needs Node >=20.18.1, this is v${version} (${process.execPath}).\n`],
    );
  });
}

for (const args of [['bin/outrider.js', '--version'], ['tools/install.mjs']]) {
  test(`${args[0]} says it before anything else`, t => {
    const { status, stdout, stderr } = runAs(t, '18.20.4', args);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^Outrider needs Node [^\n]*\n$/);
  });
}

test('asks for the Node that package.json asks for', () => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [, wanted] = /wanted = \[(.*)\]/.exec(readFileSync(SCRIPT, 'utf8')) ?? [];
  assert.equal(engines.node, `>=${wanted.split(', ').join('.')}`);
});
