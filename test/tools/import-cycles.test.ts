import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCycles } from '../../tools/import-cycles.ts';

const graphOf = (edges: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(edges));

test('a graph that runs downhill has no cycle', () => {
  assert.deepEqual(findCycles(graphOf({ a: ['b', 'c'], b: ['c'], c: [] })), []);
});

test('a cycle is told as a walk from its first node back to it', () => {
  assert.deepEqual(findCycles(graphOf({ c: ['b'], b: ['a'], a: ['c'], d: ['a'] })), [['a', 'c', 'b', 'a']]);
});

test('the walk is the shortest one', () => {
  assert.deepEqual(findCycles(graphOf({ a: ['b', 'c'], b: ['c'], c: ['a'] })), [['a', 'c', 'a']]);
});

test('separate cycles are told apart', () => {
  const graph = graphOf({ y: ['z'], z: ['y'], a: ['b'], b: ['a', 'y'] });
  assert.deepEqual(findCycles(graph), [
    ['a', 'b', 'a'],
    ['y', 'z', 'y'],
  ]);
});

test('nodes that are named but not in the graph have no edges', () => {
  assert.deepEqual(findCycles(graphOf({ a: ['elsewhere'] })), []);
});
