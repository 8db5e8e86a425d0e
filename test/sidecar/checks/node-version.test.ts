import assert from 'node:assert/strict';
import { test } from 'node:test';
import packageFile from '../../../package.json' with { type: 'json' };
import { checkNodeVersion, NEEDED_NODE } from '../../../sidecar/checks/node-version.ts';

test('the version that is needed is the one of the package', () => {
  assert.equal(packageFile.engines.node, `>=${NEEDED_NODE}`);
});

for (const [version, result] of [
  ['20.18.1', 'ok'],
  ['20.18.2', 'ok'],
  ['20.19.0', 'ok'],
  ['24.0.0', 'ok'],
  ['20.18.0', 'failed'],
  ['20.9.9', 'failed'],
  ['18.20.8', 'failed'],
] as const) {
  test(`Node ${version} is ${result}`, () => {
    assert.equal(checkNodeVersion(version).result, result);
  });
}
