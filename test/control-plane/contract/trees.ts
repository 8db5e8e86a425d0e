import assert from 'node:assert/strict';
import { formatProblem } from '../../../control-plane/contract/problem.ts';
import type { MapNode, SourceNode } from '../../../control-plane/contract/source-tree.ts';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';

/** A YAML text that is right, as a tree. */
export function treeOf(text: string, environment: Record<string, string> = {}): MapNode {
  const { root, problems } = parseYaml('file', Buffer.from(text), environment);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.notEqual(root, null);
  return root!;
}

/** What a tree says, as plain data. */
export function plainOf(node: SourceNode): unknown {
  switch (node.kind) {
    case 'map':
      return Object.fromEntries(node.entries.map(({ key, value }) => [key, plainOf(value)]));
    case 'list':
      return node.items.map(plainOf);
    case 'scalar':
      return node.value;
    case 'broken':
      return undefined;
  }
}

/** What is wrong with a YAML text, a line each. */
export function complaintsOf(text: string | Uint8Array, environment: Record<string, string> = {}): string[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return parseYaml('file', bytes, environment).problems.map(formatProblem);
}
