import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { HostLookup } from '../../../sidecar/io/host-lookup.ts';
import { FakeResolver, records } from './fake-resolver.ts';

let resolver: FakeResolver;
let hosts: HostLookup;
let now = 0;

beforeEach(() => {
  resolver = new FakeResolver();
  hosts = new HostLookup(
    resolver,
    () => ({ domains: ['shop.test'], ndots: 1 }),
    () => now,
  );
});

/** The addresses, or why there are none. */
function ask(host: string): Promise<string> {
  return new Promise(resolve => {
    hosts.lookUp(host, (error, addresses) => resolve(error?.message ?? addresses.join(' ')));
  });
}

test('asks nobody about an address', async () => {
  assert.equal(await ask('10.0.0.1'), '10.0.0.1');
  assert.equal(await ask('fd00::1'), 'fd00::1');
  assert.deepEqual(resolver.asked, []);
});

test('takes what the hosts file says', async () => {
  resolver.hosts.set('inventory', ['10.0.0.1', 'fd00::1']);
  assert.equal(await ask('inventory'), '10.0.0.1 fd00::1');
  assert.deepEqual(resolver.asked, []);
});

test('asks DNS for both families, IPv4 first, in the search domains too', async () => {
  resolver.ipv6.set('inventory.shop.test', records(5, 'fd00::1'));
  resolver.ipv4.set('inventory.shop.test', records(5, '10.0.0.1', '10.0.0.2'));
  assert.equal(await ask('Inventory'), '10.0.0.1 10.0.0.2 fd00::1');
  resolver.ipv4.set('payments', records(5, '10.0.0.3'));
  assert.equal(await ask('payments'), '10.0.0.3');
  resolver.ipv4.set('legacy', 'ENODATA');
  resolver.ipv6.set('legacy', records(5, 'fd00::2'));
  assert.equal(await ask('legacy'), 'fd00::2');
});

test('does not wait long for the IPv6 addresses of what has others', async () => {
  resolver.ipv4.set('inventory.shop.test', records(5, '10.0.0.1'));
  resolver.resolve6 = () => new Promise(() => {});
  assert.equal(await ask('inventory'), '10.0.0.1');
});

test('asks the system for what DNS does not know, and where there is no DNS', async () => {
  resolver.system.set('printer.local', ['fd00::5', '10.0.0.5']);
  assert.equal(await ask('printer.local'), '10.0.0.5 fd00::5');
  resolver.ipv4.set('scanner.local', 'ECONNREFUSED');
  resolver.ipv6.set('scanner.local', 'ECONNREFUSED');
  resolver.system.set('scanner.local', ['10.0.0.6']);
  assert.equal(await ask('scanner.local'), '10.0.0.6');
});

test('does not have the system wait for a DNS that is silent', async () => {
  resolver.ipv4.set('inventory.test', 'ETIMEOUT');
  resolver.ipv6.set('inventory.test', 'ETIMEOUT');
  assert.equal(await ask('inventory.test'), 'DNS gave no answer (ETIMEOUT)');
  assert.deepEqual(resolver.asked, ['resolve6 inventory.test', 'resolve4 inventory.test']);
});

test('goes on to the next search domain where DNS fails for one', async () => {
  resolver.ipv4.set('inventory.shop.test', 'ESERVFAIL');
  resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
  assert.equal(await ask('inventory'), '10.0.0.1');
  resolver.ipv4.delete('inventory');
  assert.equal(await ask('inventory'), '10.0.0.1');
  now += 1000;
  assert.equal(await ask('inventory'), 'DNS gave no answer (ESERVFAIL)');
});

test('says that there is no such host', async () => {
  assert.equal(await ask('nowhere.test'), 'there is no such host (ENOTFOUND)');
});

test('shares one lookup among those who ask at the same time', async () => {
  resolver.ipv4.set('a.test', records(5, '10.0.0.1'));
  assert.deepEqual(
    await Promise.all([ask('a.test'), ask('A.test'), ask('a.test')]),
    Array(3).fill('10.0.0.1'),
  );
  assert.equal(resolver.asked.filter(asked => asked.startsWith('resolve4')).length, 1);
});

test('uses an answer for a second, or shorter where DNS says so', async () => {
  for (const [ttl, age] of [
    [600, 1000],
    [0, 0],
  ] as const) {
    const name = `ttl-${ttl}.test`;
    resolver.ipv4.set(name, records(ttl, '10.0.0.1'));
    assert.equal(await ask(name), '10.0.0.1');
    resolver.ipv4.set(name, records(ttl, '10.0.0.2'));
    if (age > 0) {
      now += age - 1;
      assert.equal(await ask(name), '10.0.0.1');
      now += 1;
    }
    assert.equal(await ask(name), '10.0.0.2');
  }
});

test('tells nothing to those who gave up, and gives up with the last of them', async () => {
  let signal: AbortSignal | undefined;
  let answer = () => {};
  resolver.resolve4 = (_name: string, given?: AbortSignal) => {
    signal = given;
    return new Promise(resolve => {
      answer = () => resolve(records(5, '10.0.0.1'));
    });
  };
  const told: string[] = [];
  const first = hosts.lookUp('a.test', () => told.push('first'));
  const second = hosts.lookUp('a.test', () => told.push('second'));
  first();
  assert.equal(signal?.aborted, false);
  second();
  assert.equal(signal?.aborted, true);
  answer();
  await nextTurn();
  assert.deepEqual(told, []);
  resolver.resolve4 = async () => records(5, '10.0.0.2');
  now += 2000;
  assert.equal(await ask('a.test'), '10.0.0.2');
});

test('serves as the lookup of the runtime: all addresses, or one of a family', async () => {
  resolver.hosts.set('inventory', ['10.0.0.1', 'fd00::1']);
  const ask = (options: object, host = 'inventory') =>
    new Promise(resolve => hosts.lookup(host, options, (error, ...found) => resolve(error?.code ?? found)));
  assert.deepEqual(await ask({ all: true }), [
    [
      { address: '10.0.0.1', family: 4 },
      { address: 'fd00::1', family: 6 },
    ],
  ]);
  assert.deepEqual(await ask({}), ['10.0.0.1', 4]);
  assert.deepEqual(await ask({ family: 6 }), ['fd00::1', 6]);
  resolver.hosts.set('ipv4', ['10.0.0.1']);
  assert.equal(await ask({ family: 6 }, 'ipv4'), 'ENOTFOUND');
  assert.equal(await ask({}, 'nowhere.test'), 'ENOTFOUND');
});
