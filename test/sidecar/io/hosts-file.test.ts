import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HostsFile, parseHosts } from '../../../sidecar/io/hosts-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-hosts-'));
after(() => rmSync(folder, { recursive: true }));

test('has all names of all lines, IPv4 first', () => {
  const names = parseHosts(
    [
      '# 10.0.0.9 commented',
      '::1 localhost ip6-localhost # loopback',
      '127.0.0.1\tlocalhost',
      '  10.0.0.1  Inventory inventory.shop.   inventory',
      'fe80::1%lo0 link',
      'nonsense name',
      '10.0.0.2',
      '',
    ].join('\r\n'),
  );
  assert.deepEqual(Object.fromEntries(names), {
    localhost: ['127.0.0.1', '::1'],
    'ip6-localhost': ['::1'],
    inventory: ['10.0.0.1'],
    'inventory.shop': ['10.0.0.1'],
    link: ['fe80::1%lo0'],
  });
});

test('finds a name whatever its case, and follows the file', () => {
  const path = join(folder, 'hosts');
  const file = new HostsFile(path);
  assert.deepEqual(file.addressesOf('inventory'), []);
  writeFileSync(path, '10.0.0.1 inventory');
  assert.deepEqual(file.addressesOf('Inventory.'), ['10.0.0.1']);
  writeFileSync(path, '10.0.0.22 inventory');
  assert.deepEqual(file.addressesOf('inventory'), ['10.0.0.22']);
  rmSync(path);
  assert.deepEqual(file.addressesOf('inventory'), ['10.0.0.22']);
});

test('knows localhost without a file, and the names below it', () => {
  const file = new HostsFile(join(folder, 'none'));
  for (const name of ['localhost', 'LOCALHOST.', 'app.localhost']) {
    assert.deepEqual(file.addressesOf(name), ['127.0.0.1', '::1']);
  }
  assert.deepEqual(file.addressesOf('notlocalhost'), []);
});
