import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainCrash } from '../../../../examples/shop/runner/crash.ts';

test('a crash is told with the end of the log', () => {
  assert.equal(
    explainCrash('kitchen-1', 'exit code 1', 'one\ntwo'),
    'kitchen-1: exit code 1; its log ends with\none\ntwo',
  );
});

test('a log with nothing in it is told as that', () => {
  assert.match(
    explainCrash('control plane', 'was not ready within 60 s', ''),
    /^control plane: was not ready within 60 s; it has logged nothing\. Is this machine busy/,
  );
});

test('a port that somebody else has taken is told as that', () => {
  for (const log of [
    "Emitted 'error' event on Server instance at:\n  code: 'EADDRINUSE',",
    '{"msg":"can not listen on 127.0.0.1:7600: something else does already (EADDRINUSE)"}',
  ]) {
    const told = explainCrash('gateway-1', 'exit code 1', log);
    assert.match(told, /^gateway-1: another program has taken its port .* start this one again$/);
  }
});
