import { isMap } from '../contract/document-tree.ts';
import { formatKeyPath, type KeyPath } from '../contract/problem.ts';

/** What differs between two documents, a line for each value: `+ retry.attempts: 3`, `- …`, `~ retry.attempts: 2 -> 3`. */
export function describeChanges(before: unknown, after: unknown): string[] {
  const old = leavesOf(before);
  const young = leavesOf(after);
  const lines: string[] = [];
  for (const [key, value] of old) {
    const next = young.get(key);
    if (next === undefined) lines.push(`- ${key}: ${value}`);
    else if (next !== value) lines.push(`~ ${key}: ${value} -> ${next}`);
  }
  for (const [key, value] of young) if (!old.has(key)) lines.push(`+ ${key}: ${value}`);
  return lines;
}

/** Values by their keys, written out; an empty map and a list are values. */
function leavesOf(
  document: unknown,
  path: KeyPath = [],
  leaves = new Map<string, string>(),
): Map<string, string> {
  const entries = isMap(document) ? Object.entries(document) : [];
  for (const [key, value] of entries) leavesOf(value, [...path, key], leaves);
  if (entries.length === 0 && path.length > 0) leaves.set(formatKeyPath(path), written(document));
  return leaves;
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
