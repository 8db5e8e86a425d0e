import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { queryEndpoints } from '../../../sidecar/discovery/dns-query.ts';
import { DnsSource } from '../../../sidecar/discovery/dns-source.ts';
import { scheduleByTimer } from '../../../sidecar/discovery/schedule.ts';
import { SystemResolver } from '../../../sidecar/io/name-resolver.ts';
import { DnsServer } from './dns-server.ts';

describe('SystemResolver, asking a DNS server', () => {
  let server: DnsServer;
  let resolver: SystemResolver;

  before(async () => {
    server = await DnsServer.start();
    resolver = new SystemResolver([server.address]);
  });

  beforeEach(() => {
    server.zone.clear();
    server.failure = 0;
    server.questions = 0;
  });

  after(() => server.stop());

  async function ask(host: string, port: number | null, mayLookUp = false) {
    const { endpoints, ttl } = await queryEndpoints(resolver, { host, port }, mayLookUp);
    return { endpoints: endpoints.map(({ id, weight }) => `${id} ${weight}`), ttl };
  }

  test('finds addresses and their TTL', async () => {
    server.zone.set('inventory.test', [
      { type: 'A', ttl: 600, address: '10.0.0.2' },
      { type: 'A', ttl: 30, address: '10.0.0.1' },
      { type: 'AAAA', ttl: 30, groups: [0xfd00, 0, 0, 0, 0, 0, 0, 1] },
    ]);
    assert.deepEqual(await ask('inventory.test', 80), {
      endpoints: ['10.0.0.1:80 1', '10.0.0.2:80 1'],
      ttl: 30,
    });
  });

  test('finds IPv6 addresses where there are no others', async () => {
    server.zone.set('inventory.test', [{ type: 'AAAA', ttl: 7, groups: [0xfd00, 0, 0, 0, 0, 0, 0, 1] }]);
    assert.deepEqual(await ask('inventory.test', 80), { endpoints: ['[fd00::1]:80 1'], ttl: 7 });
  });

  test('finds services', async () => {
    const srv = { type: 'SRV', ttl: 5, port: 8080, weight: 1 } as const;
    server.zone.set('_http._tcp.shop.test', [
      { ...srv, priority: 1, target: 'a.test' },
      { ...srv, priority: 1, weight: 3, target: 'b.test' },
      { ...srv, priority: 2, target: 'c.test' },
    ]);
    server.zone.set('a.test', [{ type: 'A', ttl: 9, address: '10.0.0.1' }]);
    server.zone.set('b.test', [{ type: 'A', ttl: 8, address: '10.0.0.2' }]);
    assert.deepEqual(await ask('_http._tcp.shop.test', null), {
      endpoints: ['10.0.0.1:8080 1', '10.0.0.2:8080 3'],
      ttl: 8,
    });
  });

  test('knows a service that is not offered', async () => {
    const none = { type: 'SRV', ttl: 5, port: 0, weight: 0, priority: 0, target: '.' } as const;
    server.zone.set('_http._tcp.shop.test', [none]);
    assert.deepEqual(await ask('_http._tcp.shop.test', null), { endpoints: [], ttl: null });
  });

  test('remembers nothing: a further question gets a new answer', async () => {
    server.zone.set('inventory.test', [{ type: 'A', ttl: 600, address: '10.0.0.1' }]);
    await ask('inventory.test', 80);
    server.zone.set('inventory.test', [{ type: 'A', ttl: 600, address: '10.0.0.2' }]);
    assert.deepEqual((await ask('inventory.test', 80)).endpoints, ['10.0.0.2:80 1']);
    assert.equal(server.questions, 2);
  });

  test('tells absence from failure', async () => {
    await assert.rejects(ask('nowhere.test', 80), { code: 'ENOTFOUND' });
    server.zone.set('empty.test', []);
    await assert.rejects(ask('empty.test', 80), { code: 'ENODATA' });
    server.failure = 2;
    await assert.rejects(ask('nowhere.test', 80), { code: 'ESERVFAIL' });
    server.failure = 5;
    await assert.rejects(ask('nowhere.test', 80), { code: 'EREFUSED' });
  });

  test('finds names that only the system knows', async () => {
    assert.deepEqual((await ask('localhost', 80)).endpoints, ['127.0.0.1:80 1']);
    assert.equal(server.questions, 0);
  });

  test('a source follows the server by the TTL', { timeout: 10_000 }, async () => {
    server.zone.set('inventory.test', [{ type: 'A', ttl: 0, address: '10.0.0.1' }]);
    const source = new DnsSource({
      target: { host: 'inventory.test', port: 80 },
      resolver,
      // Sooner than it asks for.
      schedule: task => scheduleByTimer(task, 20),
      random: Math.random,
    });
    const said: string[] = [];
    // Its own timers do not keep the process running.
    const keepRunning = setInterval(() => {}, 1000);
    await new Promise<void>(resolve => {
      source.start({
        onChange: assert.fail,
        onEndpoints: endpoints => {
          said.push(endpoints.map(({ id }) => id).join(' '));
          if (said.length === 1) {
            server.zone.set('inventory.test', [{ type: 'A', ttl: 0, address: '10.0.0.2' }]);
          } else if (said.length === 2) {
            server.failure = 2;
          } else resolve();
        },
        onProblem: problem => {
          said.push(problem);
          server.failure = 0;
        },
      });
    });
    source.stop();
    clearInterval(keepRunning);
    assert.deepEqual(said, [
      '10.0.0.1:80',
      '10.0.0.2:80',
      "DNS could not say 'inventory.test' (ESERVFAIL); the last answer stays in use.",
      '10.0.0.2:80',
    ]);
  });
});
