import { DEFAULT_POLICY } from '../../control-plane/contract/default-policy.ts';
import { TooDeep, treeOf } from '../../control-plane/contract/document-tree.ts';
import { POLICY_SCHEMA, type Policy } from '../../control-plane/contract/policy.ts';
import { checkPolicy } from '../../control-plane/contract/policy-checks.ts';
import { formatProblem, type Problem } from '../../control-plane/contract/problem.ts';
import { read } from '../../control-plane/contract/read.ts';
import type { PolicyDocument } from '../../control-plane/contract/resources.ts';

/** A policy that came from the control plane, or what is wrong with it. */
type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly reason: string };

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

/** Reads a policy document as the control plane does: a newer one may know what this version does not. */
export function readPolicy(service: string, document: PolicyDocument): ReadPolicy {
  if (Object.keys(document).length === 0) return { ok: true, policy: DEFAULT_POLICY };
  try {
    const { value, problems, written } = read(POLICY_SCHEMA, treeOf(document, `policy of ${service}`));
    const errors = [...problems, ...checkPolicy(value, [], written, service)].filter(isError);
    if (errors.length === 0) return { ok: true, policy: value };
    return { ok: false, reason: errors.map(formatProblem).join('; ') };
  } catch (error) {
    if (error instanceof TooDeep) return { ok: false, reason: error.message };
    throw error;
  }
}
