import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clip,
  firstProblems,
  formatFirstProblems,
  formatKeyPath,
  formatProblem,
  problem,
  sortProblems,
} from '../../../control-plane/contract/problem.ts';

const at = (source: string, line: number, column: number) => ({ source, line, column, length: 1 });

for (const [path, formatted] of [
  [[], ''],
  [['egress', 'listen'], 'egress.listen'],
  [['upstreams', 'a.b', 'endpoints', 0, 'port'], 'upstreams["a.b"].endpoints[0].port'],
  [['egress', 'ports', '9001'], 'egress.ports.9001'],
  [['with space'], '["with space"]'],
] as const) {
  test(`writes the path ${formatted || 'of the whole'}`, () => assert.equal(formatKeyPath(path), formatted));
}

test('writes a problem as file:line:column: key: message', () => {
  assert.equal(
    formatProblem(problem(at('a.yaml', 3, 5), 'egress', 'is wrong')),
    'a.yaml:3:5: egress: is wrong',
  );
  assert.equal(formatProblem(problem(at('a.yaml', 1, 1), '', 'is empty')), 'a.yaml:1:1: is empty');
  assert.equal(
    formatProblem(problem(at('--listen', 0, 0), 'egress.listen', 'is wrong')),
    '--listen: egress.listen: is wrong',
  );
  assert.equal(
    formatProblem(problem(at('a.yaml', 1, 1), 'app', 'is odd', 'warning')),
    'a.yaml:1:1: warning: app: is odd',
  );
});

test('sorts by source, line, column', () => {
  const places = [at('b', 1, 1), at('a', 10, 1), at('a', 2, 7), at('a', 2, 1), at('--flag', 0, 0)];
  const sorted = sortProblems(places.map(place => problem(place, '', ''))).map(
    ({ at }) => `${at.source}:${at.line}:${at.column}`,
  );
  assert.deepEqual(sorted, ['--flag:0:0', 'a:2:1', 'a:2:7', 'a:10:1', 'b:1:1']);
});

test('cuts what is too long', () => {
  assert.equal(clip('short'), 'short');
  assert.equal(clip('x'.repeat(100), 10), `${'x'.repeat(9)}…`);
});

test('a key that is far too long is cut where it is told of', () => {
  assert.equal(formatProblem(problem(at('a.yaml', 1, 1), 'x'.repeat(1_000_000), 'is wrong')).length, 322);
});

test('tells of twenty problems, of errors rather than of warnings, in their order', () => {
  const warnings = Array.from({ length: 30 }, (_, i) => problem(at('a', i + 1, 1), '', 'odd', 'warning'));
  const problems = [...warnings, ...[40, 41, 42].map(line => problem(at('a', line, 1), '', 'wrong'))];
  const { first, more } = firstProblems(problems);
  assert.deepEqual([first.length, more], [20, '… and 13 more']);
  assert.deepEqual(
    first.slice(-4).map(told => told.at.line),
    [17, 40, 41, 42],
  );
  assert.equal(formatFirstProblems(problems).at(-1), '… and 13 more');
  assert.deepEqual(formatFirstProblems(problems.slice(-1)), ['a:42:1: wrong']);
});
