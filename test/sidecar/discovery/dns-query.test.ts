import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { queryEndpoints } from '../../../sidecar/discovery/dns-query.ts';
import type { ServiceRecord } from '../../../sidecar/io/name-resolver.ts';
import { FakeResolver, records } from '../io/fake-resolver.ts';

let resolver: FakeResolver;

beforeEach(() => {
  resolver = new FakeResolver();
});

async function ask(host: string, port: number | null, mayLookUp = true) {
  const { endpoints, ttl, isFromDns } = await queryEndpoints(resolver, { host, port }, mayLookUp);
  return { endpoints: endpoints.map(({ id, weight }) => `${id} ${weight}`), ttl, isFromDns };
}

describe('a host', () => {
  test('is all its addresses, in a fixed order, without duplicates, for the shortest TTL', async () => {
    resolver.ipv4.set('inventory', [...records(30, '10.0.0.2', '10.0.0.1'), ...records(20, '10.0.0.2')]);
    assert.deepEqual(await ask('inventory', 80), {
      endpoints: ['10.0.0.1:80 1', '10.0.0.2:80 1'],
      ttl: 20,
      isFromDns: true,
    });
    const { endpoints } = await queryEndpoints(resolver, { host: 'inventory', port: 80 }, true);
    assert.deepEqual(endpoints[0], {
      id: '10.0.0.1:80',
      address: '10.0.0.1',
      port: 80,
      weight: 1,
      zone: null,
      version: null,
    });
  });

  test('with addresses of both families is counted once: by IPv4', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    resolver.ipv6.set('inventory', records(5, 'fd00::1'));
    assert.deepEqual((await ask('inventory', 80)).endpoints, ['10.0.0.1:80 1']);
  });

  test('that has IPv6 only is reached by it', async () => {
    for (const none of ['ENODATA', 'ENOTFOUND', []]) {
      resolver.ipv4.set('inventory', none);
      resolver.ipv6.set('inventory', records(5, 'fd00::1'));
      assert.deepEqual((await ask('inventory', 80)).endpoints, ['[fd00::1]:80 1']);
    }
  });

  test('does not change its family because a question about the other one failed', async () => {
    resolver.ipv4.set('inventory', 'ETIMEOUT');
    resolver.ipv6.set('inventory', records(5, 'fd00::1'));
    await assert.rejects(ask('inventory', 80), { code: 'ETIMEOUT' });
  });

  test('that DNS does not know is looked up as the system would', async () => {
    resolver.system.set('printer.local', ['fd00::1', '10.0.0.9']);
    assert.deepEqual(await ask('printer.local', 80), {
      endpoints: ['10.0.0.9:80 1'],
      ttl: null,
      isFromDns: false,
    });
    assert.equal(resolver.asked.at(-1), 'lookup printer.local');
    await assert.rejects(ask('printer.local', 80, false), { code: 'ENOTFOUND' });
  });

  test('that DNS does not know may be in the hosts file', async () => {
    resolver.hosts.set('only-in-hosts', ['10.0.0.9', 'fd00::1']);
    resolver.ipv4.set('only-in-hosts', 'ETIMEOUT');
    const { endpoints, isFromDns } = await ask('only-in-hosts', 80);
    assert.deepEqual([endpoints, isFromDns], [['10.0.0.9:80 1'], false]);
  });

  test('is not looked up by other means while DNS is silent: those would wait for it too', async () => {
    resolver.ipv4.set('inventory', 'ETIMEOUT');
    await assert.rejects(ask('inventory', 80), { code: 'ETIMEOUT' });
    assert.deepEqual(resolver.asked, ['resolve4 inventory']);
  });

  test('that nobody knows fails with what DNS said', async () => {
    resolver.ipv4.set('inventory', 'ESERVFAIL');
    await assert.rejects(ask('inventory', 80), { code: 'ESERVFAIL' });
    assert.ok(resolver.asked.includes('lookup inventory'));
  });

  test('named localhost is not asked for in DNS', async () => {
    for (const name of ['localhost', 'app.localhost', 'LOCALHOST.']) {
      resolver.hosts.set(name, ['127.0.0.1', '::1']);
      assert.deepEqual((await ask(name, 80)).endpoints, ['127.0.0.1:80 1']);
    }
    assert.deepEqual(resolver.asked, []);
  });

  test('that is an address is that address', async () => {
    assert.deepEqual((await ask('10.0.0.7', 80)).endpoints, ['10.0.0.7:80 1']);
    assert.deepEqual((await ask('fd00::7', 80)).endpoints, ['[fd00::7]:80 1']);
    assert.deepEqual(resolver.asked, []);
  });
});

describe('a service', () => {
  function srv(name: string, port: number, priority: number, weight: number): ServiceRecord {
    return { name, port, priority, weight };
  }

  test('is the targets of the lowest priority, with ports and weights', async () => {
    resolver.services.set('_http._tcp.shop', [
      srv('b.shop', 8081, 10, 3),
      srv('a.shop', 8080, 10, 1),
      srv('spare.shop', 8080, 20, 1),
    ]);
    resolver.ipv4.set('a.shop', records(60, '10.0.0.1'));
    resolver.ipv4.set('b.shop', records(9, '10.0.0.2', '10.0.0.3'));
    resolver.ipv4.set('spare.shop', records(1, '10.0.0.4'));
    assert.deepEqual(await ask('_http._tcp.shop', null), {
      endpoints: ['10.0.0.1:8080 1', '10.0.0.2:8081 3', '10.0.0.3:8081 3'],
      ttl: 9,
      isFromDns: true,
    });
  });

  test('is without a target that DNS does not know', async () => {
    resolver.services.set('shop', [srv('a.shop', 80, 0, 0), srv('gone.shop', 80, 0, 0)]);
    resolver.ipv4.set('a.shop', records(60, '10.0.0.1'));
    assert.deepEqual((await ask('shop', null)).endpoints, ['10.0.0.1:80 1']);
    assert.ok(!resolver.asked.includes('lookup gone.shop'));
  });

  test('is not without a target because nobody could be asked for it', async () => {
    resolver.services.set('shop', [srv('a.shop', 80, 0, 0), srv('b.shop', 80, 0, 0)]);
    resolver.ipv4.set('a.shop', records(60, '10.0.0.1'));
    resolver.ipv4.set('b.shop', 'ETIMEOUT');
    await assert.rejects(ask('shop', null), { code: 'ETIMEOUT' });
  });

  test('without any target that is known has no answer', async () => {
    resolver.services.set('shop', [srv('gone.shop', 80, 0, 0)]);
    await assert.rejects(ask('shop', null), { code: 'ENODATA' });
    resolver.services.set('shop', []);
    await assert.rejects(ask('shop', null), { code: 'ENODATA' });
  });

  test('that is said not to be offered is an empty set', async () => {
    for (const name of ['', '.']) {
      resolver.services.set('shop', [srv(name, 0, 0, 0)]);
      assert.deepEqual((await ask('shop', null)).endpoints, []);
    }
  });
});
