import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TSchema } from '@sinclair/typebox';
import { findNotApplied, NOT_APPLIED } from '../../../control-plane/contract/not-applied.ts';
import { POLICY_SCHEMA } from '../../../control-plane/contract/policy.ts';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import { read } from '../../../control-plane/contract/read.ts';
import { treeOf } from './trees.ts';

function warningsOf(yaml: string): string[] {
  const { written } = read(POLICY_SCHEMA, treeOf(yaml));
  return findNotApplied([], written).map(formatProblem);
}

test('warns once of each setting that this version does nothing with', () => {
  const [setting] = NOT_APPLIED.filter(name => !name.includes('.'));
  assert.deepEqual(warningsOf(`balancer: random\n${setting}: {}\n`), [
    `file:2:1: warning: ${setting}: is accepted but not applied by this version`,
  ]);
});

test('warns of nothing that nobody wrote', () => {
  assert.deepEqual(warningsOf('balancer: random'), []);
});

test('lists settings that exist', () => {
  for (const setting of NOT_APPLIED) {
    const found = setting.split('.').reduce<TSchema>((schema, step) => {
      assert.ok(schema.properties?.[step], setting);
      return schema.properties[step];
    }, POLICY_SCHEMA);
    assert.ok(found.description, setting);
  }
});
