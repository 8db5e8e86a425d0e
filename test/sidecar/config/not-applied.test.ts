import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TSchema } from '@sinclair/typebox';
import { NOT_APPLIED } from '../../../sidecar/config/not-applied.ts';
import { SIDECAR_FILE_SCHEMA } from '../../../sidecar/config/sidecar-file.ts';
import { complaintsOf, configOf } from './files.ts';

test('warns once of each setting that this version does nothing with', () => {
  const yaml = 'upstreams:\n  a.b: { dns: "b:1", policy: { breaker: { window: 20s }, balancer: random } }\n';
  assert.deepEqual(complaintsOf(yaml), [
    'file:2:32: warning: upstreams["a.b"].policy.breaker: is accepted but not applied by this version',
  ]);
  configOf(yaml);
});

test('warns of nothing that nobody wrote', () => {
  assert.deepEqual(complaintsOf('upstreams: {a: {dns: "b:1"}}'), []);
});

test('lists settings that exist', () => {
  for (const pattern of NOT_APPLIED) {
    const found = pattern.split('.').reduce<TSchema>((schema, step) => {
      const inner = step === '*' ? Object.values(schema.patternProperties)[0] : schema.properties?.[step];
      assert.ok(inner, pattern);
      return inner;
    }, SIDECAR_FILE_SCHEMA);
    assert.ok(found.description, pattern);
  }
});
