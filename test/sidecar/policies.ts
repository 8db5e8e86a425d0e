import assert from 'node:assert/strict';
import { POLICY_SCHEMA, type Policy } from '../../control-plane/contract/policy.ts';
import { formatProblem } from '../../control-plane/contract/problem.ts';
import { read } from '../../control-plane/contract/read.ts';
import { treeOf } from '../control-plane/contract/trees.ts';

/** A policy as a file says it, with all its defaults. */
export function policyOf(yaml: string): Policy {
  const { value, problems } = read(POLICY_SCHEMA, treeOf(yaml));
  assert.deepEqual(problems.map(formatProblem), []);
  return value as Policy;
}
