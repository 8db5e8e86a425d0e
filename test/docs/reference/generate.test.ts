import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TObject } from '@sinclair/typebox';
import { MESH_FILE_SCHEMA } from '../../../control-plane/contract/mesh-file.ts';
import { generate } from '../../../docs/reference/generate.ts';
import { sectionsOf } from '../../../docs/reference/settings.ts';
import { SIDECAR_FILE_SCHEMA } from '../../../sidecar/config/sidecar-file.ts';
import { ROOT } from '../../bin/outrider.ts';

for (const [path, content] of generate()) {
  test(`${path} is up to date`, () => {
    const hint = 'run: npx tsx docs/reference/generate.ts';
    assert.equal(readFileSync(join(ROOT, path), 'utf8'), content, hint);
  });
}

for (const [name, schema] of [
  ['sidecar file', SIDECAR_FILE_SCHEMA],
  ['mesh file', MESH_FILE_SCHEMA],
] as const) {
  test(`every setting of the ${name} has a description, a form, and a range where there is one to have`, () => {
    const sections = sectionsOf(schema as TObject);
    assert.ok(sections.length > 5);
    for (const { path, description, settings } of sections) {
      assert.match(description, /^[A-Z`].*\.$/, path);
      for (const setting of settings) {
        const where = `${path}.${setting.key}`;
        assert.match(setting.description, /^[A-Z`].*\.$/, where);
        assert.match(setting.takes, /\S/, where);
        if (/^(duration|size|percentage|count|number)/.test(setting.takes))
          assert.match(setting.takes, / to /, where);
        assert.notEqual(setting.default, '', where);
      }
    }
  });
}

test('only what names things has to be given', () => {
  const required = sectionsOf(SIDECAR_FILE_SCHEMA).flatMap(({ path, settings }) =>
    settings.filter(setting => setting.default === null).map(({ key }) => `${path}.${key}`),
  );
  const policy = 'upstreams.NAME.policy';
  assert.deepEqual(required, [
    'app.port',
    'controlPlane.url',
    'upstreams.NAME.endpoints[].address',
    'upstreams.NAME.endpoints[].port',
    `${policy}.retry.on[].header.name`,
    `${policy}.breaker.force.state`,
    `${policy}.rateLimit.rate`,
    `${policy}.fault.delay.for`,
    `${policy}.fault.match[].name`,
  ]);
});
