import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatExcerpt, formatProblemsWithExcerpts } from '../../../control-plane/contract/excerpt.ts';
import { problem } from '../../../control-plane/contract/problem.ts';

const at = (line: number, column: number, length = 1) => ({ source: 'a.yaml', line, column, length });

test('shows the line with a caret under what is wrong', () => {
  const excerpt = formatExcerpt(problem(at(2, 7, 4), 'wait', ''), ['a: 1', 'wait: 5sec # why', '']);
  assert.equal(excerpt, '   2 | wait: 5sec # why\n     |       ^^^^');
});

test('shows of a long line the part around the mistake', () => {
  const excerpt = formatExcerpt(problem(at(1, 5_001, 3), 'x', ''), [
    `${'a'.repeat(5_000)}BAD${'c'.repeat(5_000)}`,
  ]);
  const [line, carets] = (excerpt ?? '').split('\n');
  assert.ok(line.length < 130);
  assert.equal(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1), 'BAD');
});

test('keeps the caret in place behind tabs', () => {
  const excerpt = formatExcerpt(problem(at(1, 5), 'x', ''), ['a:\t\tb']);
  assert.equal(excerpt, '   1 | a:  b\n     |     ^');
});

test('has nothing to show for what is in no file', () => {
  assert.equal(formatExcerpt(problem(at(0, 0), 'x', ''), ['a']), null);
  assert.equal(formatExcerpt(problem(at(9, 1), 'x', ''), ['a']), null);
});

for (const line of [
  'controlPlane: { token: s3cret, urll: x }',
  '  token: "s3cret"',
  'tokn: s3cret',
  'apiKey: s3cret',
  '"password": s3cret',
]) {
  test(`does not show the secret in ${line}`, () => {
    const excerpt = formatExcerpt(problem(at(1, 1), 'x', ''), [line]);
    assert.ok(excerpt !== null && !excerpt.includes('s3cret'), excerpt ?? '');
  });
}

test('shows no line at all where the secret itself is wrong', () => {
  assert.equal(formatExcerpt(problem(at(1, 1), 'controlPlane.token', ''), ['  s3cret']), null);
  assert.equal(
    formatExcerpt({ ...problem(at(1, 1), 'toekn', ''), suggestion: 'token' }, ['toekn: s3cret']),
    null,
  );
});

test('shows nothing of a very long line that may have a secret in it', () => {
  const line = `x: [${'token, '.repeat(100_000)}`;
  assert.equal(formatExcerpt(problem(at(1, 2), 'x', ''), [line]), null);
});

test('tells of twenty problems, and how many more there are', () => {
  const problems = Array.from({ length: 120 }, () => problem(at(1, 1), 'x', 'is wrong'));
  const told = formatProblemsWithExcerpts(problems, ['x: 1']);
  assert.equal(told.match(/is wrong/g)?.length, 20);
  assert.match(told, /… and 100 more\n$/);
});

test('does not show what a URL says of a user', () => {
  const line = 'controlPlane: { url: "http://user:s3cret@a:7600" }';
  const excerpt = formatExcerpt(problem(at(1, 22), 'controlPlane.url', ''), [line]);
  assert.ok(excerpt?.includes('http://***@a:7600') && !excerpt.includes('s3cret'), excerpt ?? '');
});
