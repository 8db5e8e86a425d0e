import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  calledLocally,
  formatHostPort,
  HOST,
  isLoopback,
  LISTEN_ADDRESS,
  PEER_ADDRESS,
  parseHostPort,
} from '../../../control-plane/contract/host-port.ts';

for (const [text, host, port] of [
  ['127.0.0.1:9301', '127.0.0.1', 9301],
  ['[::1]:9301', '::1', 9301],
  ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ['inventory:8080', 'inventory', 8080],
  ['order_service.internal:1', 'order_service.internal', 1],
  ['0.0.0.0:0', '0.0.0.0', 0],
  ['a:65535', 'a', 65_535],
] as const) {
  test(`reads ${text}`, () => {
    assert.deepEqual(parseHostPort(text), { host, port });
    assert.equal(formatHostPort({ host, port }), text);
  });
}

for (const text of [
  '',
  ':80',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:65536',
  '127.0.0.1:-1',
  '127.0.0:80',
  '::1:80',
  '[::1]',
  '[127.0.0.1]:80',
  '[zz]:80',
  'a b:80',
  'http://a:80',
  'a:80/',
  '-a:80',
  'a..b:80',
  'é:80',
  '1.2.3.999:80',
]) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseHostPort(text), null));
}

test('takes port 0 to listen on but not to connect to', () => {
  assert.deepEqual(LISTEN_ADDRESS.parse('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
  assert.equal(PEER_ADDRESS.parse('127.0.0.1:0'), null);
});

for (const address of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0']) {
  test(`takes ${address} for no host that others reach`, () => assert.equal(HOST.parse(address), null));
}

test('takes other addresses and names for hosts that others reach', () => {
  for (const host of ['127.0.0.1', '0.0.0.1', '::1', 'fe80::1%eth0', 'inventory']) {
    assert.equal(HOST.parse(host), host);
  }
});

for (const [form, text, guess] of [
  [LISTEN_ADDRESS, '15001', '127.0.0.1:15001'],
  [LISTEN_ADDRESS, ':15001', '127.0.0.1:15001'],
  [LISTEN_ADDRESS, '::1:15001', '[::1]:15001'],
  [PEER_ADDRESS, 'http://inventory:8080/', 'inventory:8080'],
  [PEER_ADDRESS, 'nonsense', null],
  [HOST, '[::1]', '::1'],
] as const) {
  test(`guesses ${guess} from ${text}`, () => assert.equal(form.guess?.(text) ?? null, guess));
}

for (const [host, called] of [
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
  ['10.0.0.1', '10.0.0.1'],
] as const) {
  test(`calls what listens on ${host} at ${called}`, () => {
    assert.deepEqual(calledLocally({ host, port: 80 }), { host: called, port: 80 });
  });
}

test('knows this machine from others', () => {
  const own = ['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'];
  const others = ['0.0.0.0', '::', '10.0.0.1', '127.example', 'inventory'];
  assert.deepEqual([...own, ...others].filter(isLoopback), own);
});

test('an address reads as it was written', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
      fc.pre(!/(^|\.)[0-9]+$/.test(name) || /^[0-9.]+$/.test(name));
      assert.deepEqual(parseHostPort(formatHostPort({ host: name, port })), { host: name, port });
    }),
  );
});
