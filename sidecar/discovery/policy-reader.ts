import { DEFAULT_POLICY } from '../../control-plane/contract/default-policy.ts';
import { POLICY_SCHEMA, type Policy } from '../../control-plane/contract/policy.ts';
import { formatProblem, hasErrors } from '../../control-plane/contract/problem.ts';
import { read } from '../../control-plane/contract/read.ts';
import type { PolicyDocument } from '../../control-plane/contract/resources.ts';
import type { MapNode, Place, SourceNode } from '../../control-plane/contract/source-tree.ts';

/** A policy that came from the control plane, or what is wrong with it. */
export type ReadPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly reason: string };

/** Reads a policy document as the mesh file's: a newer control plane may know what this version does not. */
export function readPolicy(service: string, document: PolicyDocument): ReadPolicy {
  if (Object.keys(document).length === 0) return { ok: true, policy: DEFAULT_POLICY };
  const at: Place = { source: `policy of ${service}`, line: 0, column: 0, length: 1 };
  const { value, problems } = read(POLICY_SCHEMA, mapNode(document, at));
  if (!hasErrors(problems)) return { ok: true, policy: value };
  return { ok: false, reason: problems.map(formatProblem).join('; ') };
}

function mapNode(map: PolicyDocument, at: Place): MapNode {
  const entries = Object.entries(map).map(([key, value]) => ({ key, keyAt: at, value: node(value, at) }));
  return { kind: 'map', entries, at };
}

function node(value: unknown, at: Place): SourceNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(item => node(item, at)), at };
  if (typeof value === 'object' && value !== null) return mapNode(value as PolicyDocument, at);
  const scalar = value as string | number | boolean | null;
  return { kind: 'scalar', value: scalar, text: scalar === null ? '' : String(scalar), untyped: false, at };
}
