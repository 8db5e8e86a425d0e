import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOffered } from '../../../sidecar/http1/offered-protocol.ts';

test('a protocol was offered where the request names it, and all of them where the answer switches to several', () => {
  assert.equal(isOffered('websocket', 'websocket'), true);
  assert.equal(isOffered('b', 'a, b'), true);
  assert.equal(isOffered('a, b', 'b, a, c'), true);
  assert.equal(isOffered('a, d', 'b, a, c'), false);
  assert.equal(isOffered('websocket', 'h2c'), false);
});

test('nothing was offered, or nothing was chosen, where the field is absent', () => {
  assert.equal(isOffered('websocket', null), false);
  assert.equal(isOffered(null, 'websocket'), false);
});
