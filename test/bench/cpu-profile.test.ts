import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CpuProfile, renderSelfTimes, selfTimes } from './cpu-profile.ts';

const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber });
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('parse', 'file:///x/outrider.js', 41) },
    { id: 3, callFrame: frame('(garbage collector)') },
    { id: 4, callFrame: frame('parse', 'file:///x/outrider.js', 41) },
  ],
  startTime: 1000,
  samples: [2, 1, 2, 3, 4, 2],
  timeDeltas: [0, 100, 100, 300, 50, 50],
};

test('sums a function over its places in the tree, without the idle time', () => {
  assert.deepEqual(selfTimes(PROFILE, 0, Infinity), [
    { name: 'parse outrider.js:42', us: 450, share: 0.9 },
    { name: '(garbage collector)', us: 50, share: 0.1 },
  ]);
});

test('counts only what was sampled within the time', () => {
  assert.deepEqual(
    selfTimes(PROFILE, 1200, 1500).map(({ name, us }) => [name, us]),
    [
      ['parse outrider.js:42', 300],
      ['(garbage collector)', 50],
    ],
  );
});

test('prints the first lines per request', () => {
  assert.equal(
    renderSelfTimes(selfTimes(PROFILE, 0, Infinity), 1, 100),
    ['function                self  µs/req', 'parse outrider.js:42  90.0 %    4.50'].join('\n'),
  );
});
