import type { MapEntry, MapNode, SourceNode } from '../../control-plane/contract/source-tree.ts';

/**
 * What `over` says wins, key by key; lists and scalars are replaced whole. An upstream whose endpoints are said anew
 * loses what said them before, whichever of the three keys that was.
 */
export function overlay(base: MapNode, over: MapNode): MapNode {
  return overlayAt(base, over, []);
}

function overlayAt(base: MapNode, over: MapNode, path: readonly string[]): MapNode {
  const entries = new Map<string, MapEntry>(base.entries.map(entry => [entry.key, entry]));
  const saysEndpoints = over.entries.some(({ key }) => ENDPOINT_KEYS.includes(key));
  if (path.length === 2 && path[0] === 'upstreams' && saysEndpoints) {
    for (const key of ENDPOINT_KEYS) entries.delete(key);
  }
  for (const entry of over.entries) {
    const below = entries.get(entry.key)?.value;
    const value = below === undefined ? entry.value : merge(below, entry.value, [...path, entry.key]);
    entries.set(entry.key, { ...entry, value });
  }
  return { ...base, entries: [...entries.values()] };
}

function merge(below: SourceNode, above: SourceNode, path: readonly string[]): SourceNode {
  return below.kind === 'map' && above.kind === 'map' ? overlayAt(below, above, path) : above;
}

const ENDPOINT_KEYS = ['endpoints', 'dns', 'srv'];
