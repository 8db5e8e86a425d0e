import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countSlips, nearest } from '../../../control-plane/contract/nearest.ts';

const KEYS = ['connect', 'attempt', 'total', 'idle', 'unknownHosts', 'pending', 'pendingFor'];

for (const [word, meant] of [
  ['conect', 'connect'],
  ['connetc', 'connect'],
  ['TOTAL', 'total'],
  ['unknown_hosts', 'unknownHosts'],
  ['unknown-host', 'unknownHosts'],
  ['pendingfor', 'pendingFor'],
  ['pendin', 'pending'],
  ['idl', 'idle'],
  ['unknown', 'unknownHosts'],
  ['unk', null],
  ['x', null],
  ['timeout', null],
  ['', null],
  ['c'.repeat(100_000), null],
] as const) {
  test(`takes ${word.slice(0, 20)} for ${meant}`, () => assert.equal(nearest(word, KEYS), meant));
}

test('takes a word for the only one that begins with it', () => {
  const reasons = ['connect-failure', 'reset', 'attempt-timeout', 'gateway-error', 'server-error'];
  assert.equal(nearest('connect', reasons), 'connect-failure');
  assert.equal(nearest('gateway', ['gateway-error', 'gateway-timeout']), null);
});

test('counts a swap of neighbours as one slip', () => {
  assert.equal(countSlips('ab', 'ba'), 1);
  assert.equal(countSlips('connect', 'connect'), 0);
  assert.equal(countSlips('', 'abc'), 3);
});

test('takes a number for the nearest one', () => {
  const percentiles = ['p50', 'p75', 'p90', 'p95', 'p99'];
  assert.deepEqual(
    ['p96', 'p91', 'p98', 'p51', 'P95', 'p9'].map(word => nearest(word, percentiles)),
    ['p95', 'p90', 'p99', 'p50', 'p95', 'p90'],
  );
});
