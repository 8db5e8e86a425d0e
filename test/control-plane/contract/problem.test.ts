import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clip,
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
