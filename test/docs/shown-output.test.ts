import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesShown } from './shown-output.ts';

const CASES: [what: string, shown: string, actual: string, matches: boolean][] = [
  ['the same', 'a\nb', 'a\nb\n', true],
  ['blanks at the end of lines do not count', 'a\nb', 'a  \nb\r\n\n', true],
  ['blanks at the start count', ' a', 'a', false],
  ['another line', 'a\nb', 'a\nc', false],
  ['a line more', 'a', 'a\nb', false],
  ['a line less', 'a\nb', 'a', false],
  ['nothing', '', '', true],
  ['something instead of nothing', '', 'a', false],
  ['characters with a meaning in patterns', 'a{1} (b|c) [d]? $x^ \\', 'a{1} (b|c) [d]? $x^ \\', true],
  ['a dot is a dot', 'a.c', 'abc', false],
  ['an ellipsis stands for the rest of a line', '{"id":"…"}', '{"id":"abc"}', true],
  ['an ellipsis does not stand for a line break', 'a … c', 'a b\nc', false],
  ['a line of an ellipsis stands for any lines', 'a\n…\nd', 'a\nb\nc\nd', true],
  ['a line of an ellipsis stands for no line as well', 'a\n…\nd', 'a\nd', true],
  ['a line of an ellipsis at the end', 'a\n…', 'a\nb\nc', true],
  ['what stands around the ellipsis counts', 'a\n…\nd', 'a\nb', false],
  ['a number', 'x <number> y', 'x 12.5 y', true],
  ['a number that is aligned', '   <number> y', '     8 y', true],
  ['a number without the blank before it', 'x <number> y', 'x8 y', false],
  ['no number', 'x <number> y', 'x z y', false],
];

for (const [what, shown, actual, matches] of CASES) {
  test(what, () => assert.equal(matchesShown(actual, shown), matches));
}
