import { isLeftToWriter } from './read.ts';
import { type MapNode, type Place, type SourceNode, wholeOf } from './source-tree.ts';

/** Maps deeper than this are no configuration, and would not be read one by one without end. */
const MAX_DEPTH = 64;

/** JSON is nested too deeply to be a configuration. */
export class TooDeep extends Error {}

/**
 * What was JSON already, as a tree to be read by a schema.
 * @param source what to call it in messages
 * @throws TooDeep
 */
export function treeOf(document: Readonly<Record<string, unknown>>, source: string): MapNode;
export function treeOf(document: unknown, source: string): SourceNode;
export function treeOf(document: unknown, source: string): SourceNode {
  return convert(document, wholeOf(source), 0);
}

/**
 * The inverse: what was written as JSON, nothing added. What came from the environment is typed as its setting wants it. Keys that
 * are left to the writer are left out: nobody has read them, so nobody knows how much their aliases make of them.
 * @param printed the same, read by its schema and printed again
 */
export function documentOf(root: MapNode, printed: unknown): Readonly<Record<string, unknown>> {
  return objectOf({ ...root, entries: root.entries.filter(({ key }) => !isLeftToWriter(key)) }, printed);
}

function objectOf({ entries }: MapNode, printed: unknown): Record<string, unknown> {
  const known = isMap(printed) ? printed : {};
  return Object.fromEntries(entries.map(({ key, value }) => [key, dataOf(value, known[key] ?? null)]));
}

function dataOf(node: SourceNode, printed: unknown): unknown {
  switch (node.kind) {
    case 'map':
      return objectOf(node, printed);
    case 'list':
      return node.items.map((item, index) =>
        dataOf(item, Array.isArray(printed) ? (printed[index] ?? null) : null),
      );
    case 'scalar':
      return node.untyped ? printed : node.value;
    case 'broken':
      return null;
  }
}

function convert(value: unknown, at: Place, depth: number): SourceNode {
  if (depth > MAX_DEPTH) throw new TooDeep(`${at.source} is nested too deeply`);
  if (Array.isArray(value)) {
    return { kind: 'list', items: value.map(item => convert(item, at, depth + 1)), at };
  }
  if (isMap(value)) {
    const entries = Object.entries(value).map(([key, inner]) => ({
      key,
      keyAt: at,
      value: convert(inner, at, depth + 1),
    }));
    return { kind: 'map', entries, at };
  }
  // In JSON, null says that there is nothing: as good as not given.
  if (value === null) return { kind: 'scalar', value, text: '', untyped: true, at };
  const scalar = value as string | number | boolean;
  return { kind: 'scalar', value: scalar, text: String(scalar), untyped: false, at };
}

/** Whether a value of a JSON document is a map. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
