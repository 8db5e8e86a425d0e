import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable } from '../../command-line/text-table.ts';

test('aligns columns, and leaves no spaces at the end', () => {
  const rows = [
    ['inventory', '1', ''],
    ['a', '22', 'x'],
  ];
  assert.equal(formatTable(['NAME', 'N', 'Z'], rows), 'NAME       N   Z\ninventory  1\na          22  x\n');
});

test('lets nobody steer the terminal', () => {
  assert.equal(formatTable(['A'], [['\u001b[2Jx\ny']]), 'A\n [2Jx y\n');
});
