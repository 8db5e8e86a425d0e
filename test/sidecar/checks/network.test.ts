import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { checkNetwork } from '../../../sidecar/checks/network.ts';
import { configOf } from '../config/files.ts';

const LO = networkInterfaces().lo ?? networkInterfaces().lo0;
const ETHERNET = LO!.map(address => ({ ...address, address: '172.18.0.3', internal: false }));

test('an interface besides lo is told with its address', () => {
  const finding = checkNetwork({ lo: LO, eth0: ETHERNET }, null);
  assert.deepEqual(finding, { result: 'ok', detail: 'eth0 172.18.0.3', fix: null });
});

test('of many interfaces the first ones are told', () => {
  const many = Object.fromEntries([...'abcde'].map(name => [name, ETHERNET]));
  const few = ['a', 'b', 'c'].map(name => `${name} 172.18.0.3`).join(', ');
  assert.equal(checkNetwork(many, null).detail, `${few} and 2 more`);
});

test('lo alone fails, and says how that comes about', () => {
  const unused = ETHERNET.map(address => ({ ...address, address: 'fe80::1' }));
  for (const interfaces of [{ lo: LO }, {}, { lo: LO, eth0: unused }]) {
    const { result, detail, fix } = checkNetwork(interfaces, null);
    assert.equal(result, 'failed');
    assert.match(detail, /no network but lo/);
    assert.match(fix!, /recreate/);
  }
});

for (const [what, file, result] of [
  ['a control plane elsewhere', 'controlPlane: { url: "http://mesh:7600" }', 'failed'],
  ['a control plane here', 'controlPlane: { url: "http://127.0.0.1:7600" }', 'skipped'],
  ['one at [::1]', 'controlPlane: { url: "http://[::1]:7600" }', 'skipped'],
  ['endpoints here', 'upstreams: { a: { endpoints: ["127.0.0.1:1"] } }', 'skipped'],
  ['endpoints elsewhere', 'upstreams: { a: { endpoints: ["10.0.0.1:1"] } }', 'failed'],
  ['endpoints from DNS', 'upstreams: { a: { dns: "a:80" } }', 'failed'],
  ['nothing', '{}', 'failed'],
] as const) {
  test(`with ${what} configured, lo alone is ${result}`, () => {
    assert.equal(checkNetwork({ lo: LO }, configOf(file)).result, result);
  });
}
