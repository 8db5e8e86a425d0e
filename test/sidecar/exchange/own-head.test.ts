import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownHead } from '../../../sidecar/exchange/own-head.ts';
import { aResponseHead } from '../exchanges.ts';

test('a head has the reason phrase of its status, unless it brings one along', () => {
  const fields = ['Content-Length', '2'];
  assert.deepEqual(ownHead(200, fields, 2), aResponseHead({ fields, bodyLength: 2 }));
  assert.equal(ownHead(503, [], 0).reason, 'Service Unavailable');
  assert.equal(ownHead(299, [], 0).reason, '');
  assert.equal(ownHead(200, [], 0, 'Fine').reason, 'Fine');
});
