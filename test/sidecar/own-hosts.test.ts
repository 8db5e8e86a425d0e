import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { hostsOfThisMachine } from '../../sidecar/own-hosts.ts';

test('this machine is called by its name, its addresses, and where it was told to listen', () => {
  const hosts = hostsOfThisMachine('inventory.internal');
  for (const host of [
    'localhost',
    '127.0.0.1',
    '0.0.0.0',
    '::1',
    hostname().toLowerCase(),
    'inventory.internal',
  ])
    assert.ok(hosts.has(host), host);
  assert.ok(!hostsOfThisMachine(null).has('inventory.internal'));
});
