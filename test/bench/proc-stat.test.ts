import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoreNotBusy, parseProcessStat, parseResidentBytes } from './proc-stat.ts';

test('reads a process that has parentheses and spaces in its name', () => {
  const text = `4711 (a) R (b 1) S 1 4711 4711 0 -1 4194560 900 0 3 0 250 130 7 9 20 0 11 0 1234 1000000 2000\n`;
  assert.deepEqual(parseProcessStat(text), { userUs: 2_500_000, systemUs: 1_300_000, threads: 11 });
});

test('refuses what is not a stat', () => {
  assert.throws(() => parseProcessStat('4711 (node) S 1'), /not a process's stat/);
});

test('reads the time that a core was idle or taken by the host, and not its neighbour with a longer number', () => {
  const text =
    'cpu  1 1 1 1 1 1 1 1 0 0\ncpu10 9 9 9 9 9 9 9 9 0 0\ncpu1 500 1 200 3000 40 1 2 5 0 0\nintr 1\n';
  assert.equal(parseCoreNotBusy(text, 1), (3000 + 40 + 5) * 10_000);
  assert.throws(() => parseCoreNotBusy(text, 2), /no core 2/);
});

test('reads the resident size', () => {
  assert.equal(parseResidentBytes('VmPeak:\t  900 kB\nVmRSS:\t   512 kB\nRssAnon:\t 1 kB\n'), 512 * 1024);
  assert.throws(() => parseResidentBytes('Name:\tkthreadd\n'), /no VmRSS/);
});
