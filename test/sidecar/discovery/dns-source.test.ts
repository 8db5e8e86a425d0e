import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { DnsSource, type DnsSourceOptions } from '../../../sidecar/discovery/dns-source.ts';
import { FakeResolver, records } from '../io/fake-resolver.ts';

describe('DnsSource', () => {
  let resolver: FakeResolver;
  let said: string[];
  let next: { task: () => void; delayMs: number } | null;
  let random: number;
  let source: DnsSource;

  beforeEach(() => {
    resolver = new FakeResolver();
    said = [];
    next = null;
    random = 0;
  });

  async function start(options: Partial<DnsSourceOptions> = {}): Promise<void> {
    source = new DnsSource({
      target: { host: 'inventory', port: 80 },
      resolver,
      schedule: (task, delayMs) => {
        assert.equal(next, null, 'one question at a time');
        next = { task, delayMs };
        return () => {
          next = null;
        };
      },
      random: () => random,
      ...options,
    });
    source.start({
      onChange: assert.fail,
      onEndpoints: endpoints => said.push(endpoints.map(({ id }) => id).join(' ')),
      onProblem: problem => said.push(problem),
    });
    await settled();
  }

  /** Lets the time pass until the next question, and its answer come. */
  async function refresh(): Promise<void> {
    assert.ok(next);
    const { task } = next;
    next = null;
    task();
    await settled();
  }

  /** All promises that can settle have. */
  function settled(): Promise<void> {
    return new Promise(resolve => setImmediate(resolve));
  }

  test('tells what DNS says, and again when it has changed', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await start();
    assert.deepEqual(said, ['10.0.0.1:80']);
    resolver.ipv4.set('inventory', records(5, '10.0.0.2', '10.0.0.1'));
    await refresh();
    assert.deepEqual(said, ['10.0.0.1:80', '10.0.0.1:80 10.0.0.2:80']);
  });

  test('is silent when the same answer comes in another order', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1', '10.0.0.2'));
    await start();
    resolver.ipv4.set('inventory', records(5, '10.0.0.2', '10.0.0.1'));
    await refresh();
    assert.equal(said.length, 1);
  });

  test('tells of a weight that has changed', async () => {
    const record = { name: 'a', port: 80, priority: 0, weight: 1 };
    resolver.ipv4.set('a', records(5, '10.0.0.1'));
    resolver.services.set('shop', [record]);
    await start({ target: { host: 'shop', port: null } });
    resolver.services.set('shop', [{ ...record, weight: 2 }]);
    await refresh();
    assert.equal(said.length, 2);
  });

  test('asks again when the TTL is over, within bounds, and a little later by chance', async () => {
    const delayFor = async (ttl: number) => {
      next = null;
      resolver.ipv4.set('inventory', records(ttl, '10.0.0.1'));
      await start();
      return next!.delayMs;
    };
    assert.equal(await delayFor(3), 3000);
    assert.equal(await delayFor(0), 1000);
    assert.equal(await delayFor(600), 5000);
    random = 0.5;
    assert.equal(await delayFor(3), 3300);
  });

  test('keeps the last answer when it fails, tells once, asks less and less often', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await start();
    const delays: number[] = [];
    resolver.ipv4.set('inventory', 'ESERVFAIL');
    for (let i = 0; i < 7; i++) {
      await refresh();
      delays.push(next!.delayMs);
    }
    assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    assert.deepEqual(said.slice(1), [
      "DNS could not say 'inventory' (ESERVFAIL); the last answer stays in use.",
    ]);
    resolver.ipv4.set('inventory', 'ETIMEOUT');
    await refresh();
    await refresh();
    assert.equal(said.length, 3);
    assert.match(said[2], /did not answer in time/);
  });

  test('a name that is gone keeps its endpoints, too, and is not looked for in other places', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await start();
    resolver.ipv4.delete('inventory');
    resolver.system.set('inventory', ['127.0.0.1']);
    await refresh();
    assert.deepEqual(said, ['10.0.0.1:80', "DNS does not know 'inventory'; the last answer stays in use."]);
  });

  test('tells that a problem is over, though the answer is the same', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await start();
    resolver.ipv4.set('inventory', 'ECONNREFUSED');
    await refresh();
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await refresh();
    await refresh();
    assert.deepEqual(said, [
      '10.0.0.1:80',
      "No DNS server could be reached to ask for 'inventory'; the last answer stays in use.",
      '10.0.0.1:80',
    ]);
    resolver.ipv4.set('inventory', 'ECONNREFUSED');
    await refresh();
    assert.equal(next!.delayMs, 500, 'the backoff begins anew');
  });

  test('has nothing to tell but the problem until there is a first answer', async () => {
    await start();
    assert.deepEqual(said, ["DNS does not know 'inventory'; there are no endpoints yet."]);
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await refresh();
    assert.equal(said[1], '10.0.0.1:80');
  });

  test('takes a name from the system until DNS knows it', async () => {
    resolver.system.set('inventory', ['10.0.0.9']);
    await start();
    assert.deepEqual(said, ['10.0.0.9:80']);
    assert.equal(next!.delayMs, 5000);
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await refresh();
    assert.equal(said[1], '10.0.0.1:80');
  });

  test('tells nothing more once stopped, not even an answer that is on its way', async () => {
    resolver.ipv4.set('inventory', records(5, '10.0.0.1'));
    await start();
    source.stop();
    source.stop();
    assert.equal(next, null);
    const started = start();
    source.stop();
    await started;
    assert.deepEqual(said, ['10.0.0.1:80']);
    assert.equal(next, null);
  });
});
