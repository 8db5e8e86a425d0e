import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';
import { HttpUpstream } from '../e2e/harness/http-upstream.ts';
import { until } from '../e2e/harness/until.ts';
import { TestMesh } from './meshes.ts';

let mesh: TestMesh;
let upstreams: HttpUpstream[];
beforeEach(async () => {
  mesh = new TestMesh();
  upstreams = [];
  await mesh.startControlPlane();
});
afterEach(async () => {
  await mesh.close();
  await Promise.all(upstreams.map(upstream => upstream.stop()));
});

/** An application that answers every request with its name. */
async function application(name: string, port = 0): Promise<HttpUpstream> {
  const upstream = await HttpUpstream.start((_, response) => response.end(name), port);
  upstreams.push(upstream);
  return upstream;
}

interface Registered {
  readonly items: readonly { id: string; status: string; lease: string; address: string; port: number }[];
}

async function instancesOf(service: string): Promise<Registered['items']> {
  const page = (await mesh
    .call('GET', `/v1/services/${service}/instances`)
    .catch(() => ({ items: [] }))) as Registered;
  return page.items;
}

describe('a service that nobody configured', () => {
  test('is learnt at the first request for it, whatever its method', async () => {
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    const caller = await mesh.startSidecar();
    await until(() => mesh.log.lines.includes('connected to the control plane'), 'a stream');
    const answer = await caller.get('inventory', { method: 'POST', body: 'x' });
    assert.deepEqual([answer.status, answer.text], [200, 'inventory']);
    assert.equal((await caller.get('inventory.mesh')).text, 'inventory');
    assert.equal((await caller.get('INVENTORY:8080')).text, 'inventory');
  });

  test('is learnt by requests that come before the control plane is reached', async () => {
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    const caller = await mesh.startSidecar();
    const answers = await Promise.all([1, 2, 3].map(() => caller.get('inventory')));
    assert.deepEqual(
      answers.map(({ text }) => text),
      ['inventory', 'inventory', 'inventory'],
    );
  });

  test('falls back to unknownHosts where the control plane does not know it either, and is found once it does', async () => {
    const caller = await mesh.startSidecar({ egress: { unknownHosts: 'refuse' } });
    const refused = await caller.get('inventory');
    assert.deepEqual([refused.status, refused.error], [404, 'no-route']);
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    await until(
      async () => (await caller.get('inventory')).status === 200,
      'the service that has come into being',
    );
  });

  test('is never looked for in DNS where it is named as one of the mesh', async () => {
    const caller = await mesh.startSidecar();
    const { status, error, text } = await caller.get('invntory.mesh');
    assert.deepEqual([status, error], [503, 'no-endpoint']);
    assert.match(
      text,
      /invntory\.mesh is no service that is known here\. The control plane .* knows no service of this name/,
    );
  });

  test('is passed on to its host as before, also while the control plane is away', async () => {
    const outside = await application('outside');
    await mesh.stopControlPlane();
    const caller = await mesh.startSidecar();
    const started = performance.now();
    assert.equal((await caller.get(`127.0.0.1:${outside.port}`)).text, 'outside');
    assert.ok(performance.now() - started < 1000, 'an address is nothing to ask about');
    assert.equal((await caller.get(`localhost:${outside.port}`)).text, 'outside');
    assert.ok(performance.now() - started > 1900, 'a name is worth a wait');
    const again = performance.now();
    assert.equal((await caller.get(`localhost:${outside.port}`)).text, 'outside');
    assert.ok(performance.now() - again < 1000, 'but not twice');
  });
});

describe('an upstream without endpoints', () => {
  test('says so where the control plane does not know it, or refuses to speak of it', async () => {
    await mesh.stopControlPlane();
    const tokens = { admin: 'right', sidecar: null };
    await mesh.startControlPlane(new MemoryStore(), {}, tokens);
    const reasons: string[] = [];
    for (const token of ['wrong', 'right']) {
      const { sidecar } = await mesh.startSidecar({
        controlPlane: { token },
        egress: { ports: { [await freePort()]: 'invntory' } },
        admin: { listen: '127.0.0.1:0' },
      });
      const url = `http://127.0.0.1:${sidecar.adminAddress?.port}`;
      const problem = async () => {
        const [{ problem }] = (await (await fetch(`${url}/v1/upstreams`)).json()) as { problem?: string }[];
        return problem ?? '';
      };
      await until(async () => /401|knows/.test(await problem()), 'what the control plane says');
      reasons.push(await problem(), await (await fetch(`${url}/readyz`)).text());
    }
    const [refused, notReady, unknown, ready] = reasons;
    const refusal = `The control plane at ${mesh.url} answered 401: The token is not one of this control plane; look at controlPlane.token.`;
    assert.equal(refused, refusal);
    assert.ok(notReady.includes(`The endpoints of invntory are not known yet: ${refusal}`), notReady);
    assert.match(unknown, /^The control plane at \S+ knows no service of this name: check how it is written/);
    assert.match(ready, /"ready": true/);
  });

  test('holds requests until its only instance is back', async () => {
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    const caller = await mesh.startSidecar();
    assert.equal((await caller.get('inventory')).status, 200);
    await mesh.call('DELETE', '/v1/services/inventory/instances/i1');
    const held = [1, 2, 3].map(() => caller.get('inventory', { method: 'POST', body: 'x' }));
    await sleep(300);
    assert.equal(inventory.requests, 1);
    await mesh.register('inventory', 'i2', inventory.port);
    assert.deepEqual(
      (await Promise.all(held)).map(({ status }) => status),
      [200, 200, 200],
    );
  });

  test('holds no longer than it has been empty for limits.hold, then fails at once', async () => {
    const caller = await mesh.startSidecar();
    await mesh.call('PUT', '/v1/services/inventory', { policy: { limits: { hold: '400ms' } } });
    const started = performance.now();
    const first = await caller.get('inventory');
    assert.deepEqual([first.status, first.error], [503, 'no-endpoint']);
    assert.ok(performance.now() - started >= 350, `held for ${performance.now() - started} ms`);
    const again = performance.now();
    assert.equal((await caller.get('inventory')).error, 'no-endpoint');
    assert.ok(performance.now() - again < 200);
  });
});

describe('endpoints', () => {
  test('of the last resort are used only where there is nothing better', async () => {
    const good = await application('good');
    const app = await application('suspect');
    const owner = await mesh.startSidecar({ service: 'inventory', app: { port: app.port } });
    await until(async () => (await instancesOf('inventory')).length === 1, 'the registration');
    const caller = await mesh.startSidecar();
    assert.equal((await caller.get('inventory')).text, 'suspect');
    await mesh.register('inventory', 'good', good.port, { ttl: '1m' });
    // A process that is killed: its stream breaks, and nobody deregisters.
    const { client } = (owner.sidecar as unknown as { mesh: { client: { stop(): void } } }).mesh;
    client.stop();
    await until(
      async () => (await instancesOf('inventory')).some(({ lease }) => lease === 'suspect'),
      'suspect',
    );
    await until(async () => (await caller.get('inventory')).text === 'good', 'the good one alone');
    for (let i = 0; i < 20; i++) assert.equal((await caller.get('inventory')).text, 'good');
    await mesh.call('DELETE', '/v1/services/inventory/instances/good');
    await until(async () => (await caller.get('inventory')).text === 'suspect', 'the last resort');
  });

  test('at an address that another instance took over get connections of their own', async () => {
    const before = await application('before');
    await mesh.register('inventory', 'i1', before.port);
    const caller = await mesh.startSidecar();
    const agent = new Agent({ keepAlive: true });
    await caller.get('inventory', { agent });
    await caller.get('inventory', { agent });
    assert.equal(before.connections, 1);
    await mesh.register('inventory', 'i2', before.port);
    await until(async () => {
      await caller.get('inventory', { agent });
      return before.connections === 2;
    }, 'a new connection');
    agent.destroy();
  });

  test('keep their connections when others come and go', async () => {
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    const caller = await mesh.startSidecar();
    for (let i = 0; i < 5; i++) {
      assert.equal((await caller.get('inventory')).text, 'inventory');
      await mesh.register('inventory', 'other', 9, { weight: 0, version: String(i) });
      await mesh.call('DELETE', '/v1/services/inventory/instances/other');
    }
    assert.equal(inventory.connections, 1);
  });
});

describe('a policy of the control plane', () => {
  test('is applied while the sidecar runs', async () => {
    const slow = await HttpUpstream.start((_, response) => void setTimeout(() => response.end('slow'), 150));
    upstreams.push(slow);
    await mesh.register('inventory', 'i1', slow.port);
    const caller = await mesh.startSidecar();
    assert.equal((await caller.get('inventory')).status, 200);
    await mesh.call('PUT', '/v1/services/inventory', { policy: { timeouts: { total: '50ms' } } });
    await until(async () => (await caller.get('inventory')).error === 'deadline', 'the new policy');
  });
});

describe('the application beside the sidecar', () => {
  test('is said not to be registered where nobody said its port, or its name', async () => {
    await mesh.startSidecar({ service: 'orders' });
    await mesh.startSidecar({ app: { port: 8080 } });
    const said = mesh.log.lines.filter(line => line.includes('not registered'));
    assert.deepEqual(said, [
      'orders is not registered: where it listens is not said (app.port, --port)',
      'app is not registered: the file says no service, which would be its name',
    ]);
  });

  test('is registered once it is healthy, down when it is not, and up again', async () => {
    const app = await application('orders');
    const { port } = app;
    await app.stop();
    await mesh.startSidecar({
      service: 'orders',
      app: { port, health: { interval: '100ms' }, version: '1.2' },
    });
    await sleep(300);
    assert.deepEqual(await instancesOf('orders'), []);
    const first = await application('orders', port);
    await until(async () => (await instancesOf('orders'))[0]?.status === 'up', 'up');
    const [instance] = await instancesOf('orders');
    assert.deepEqual([instance?.address, instance?.port], ['127.0.0.1', port]);
    await first.stop();
    await until(async () => (await instancesOf('orders'))[0]?.status === 'down', 'down');
    await application('orders', port);
    await until(async () => (await instancesOf('orders'))[0]?.status === 'up', 'up again');
    assert.equal((await instancesOf('orders')).length, 1);
  });

  test('is registered again where an operator deleted it', async () => {
    const app = await application('orders');
    await mesh.startSidecar({ service: 'orders', app: { port: app.port } });
    await until(async () => (await instancesOf('orders')).length === 1, 'the registration');
    const [before] = await instancesOf('orders');
    await mesh.call('DELETE', `/v1/services/orders/instances/${before!.id}`);
    await until(async () => (await instancesOf('orders'))[0]?.id === before!.id, 'the registration anew');
  });

  test('belongs to one of two sidecars, and to the other one when that one has gone', async () => {
    const app = await application('orders');
    const beside = { service: 'orders', app: { port: app.port, health: { interval: '100ms' as const } } };
    await mesh.startSidecar(beside);
    await until(async () => (await instancesOf('orders')).length === 1, 'the registration');
    const [before] = await instancesOf('orders');
    const second = await mesh.startSidecar(beside);
    const complaint = () => mesh.log.lines.filter(line => line.includes('which is alive'));
    await until(() => complaint().length > 0, 'the complaint');
    await sleep(300);
    assert.equal(complaint().length, 1);
    const [between] = await instancesOf('orders');
    assert.notEqual(between!.id, before!.id);
    await second.sidecar.stop();
    await until(async () => (await instancesOf('orders'))[0]?.id === before!.id, 'the first one again');
  });

  test('is left by its callers before it is deregistered, and the sidecar goes on carrying meanwhile', async () => {
    const [orders, inventory] = [await application('orders'), await application('inventory')];
    await mesh.register('inventory', 'i1', inventory.port, { ttl: '1m' });
    const own = await mesh.startSidecar({ service: 'orders', app: { port: orders.port } });
    const caller = await mesh.startSidecar();
    await until(async () => (await instancesOf('orders')).length === 1, 'the registration');
    assert.equal((await caller.get('orders')).text, 'orders');
    assert.equal((await own.get('inventory')).text, 'inventory');
    const started = performance.now();
    const stopped = own.sidecar.stop();
    assert.equal((await own.get('inventory')).text, 'inventory');
    await stopped;
    assert.ok(performance.now() - started < 1500, `stopped within ${performance.now() - started} ms`);
    assert.deepEqual(await instancesOf('orders'), []);
    assert.ok(
      mesh.log.lines.includes('orders is drained: all callers have left it'),
      mesh.log.lines.join('\n'),
    );
  });
});

describe('without the control plane', () => {
  test('what is known stays in use, also when it comes back and has forgotten everything', async () => {
    const app = await application('inventory');
    await mesh.startSidecar({ service: 'inventory', app: { port: app.port } });
    await until(async () => (await instancesOf('inventory')).length === 1, 'the registration');
    const caller = await mesh.startSidecar();
    const answers: number[] = [];
    const isOver = new AbortController();
    const load = (async () => {
      while (!isOver.signal.aborted) {
        answers.push((await caller.get('inventory')).status);
        await sleep(5);
      }
    })();
    await sleep(100);
    await mesh.stopControlPlane();
    await sleep(300);
    await mesh.startControlPlane();
    await until(async () => (await instancesOf('inventory')).length === 1, 'the registration anew');
    await sleep(500);
    isOver.abort();
    await load;
    assert.ok(answers.length > 50);
    assert.deepEqual(
      answers.filter(status => status !== 200),
      [],
    );
  });

  test('a sidecar starts from its snapshot', async () => {
    const inventory = await application('inventory');
    await mesh.register('inventory', 'i1', inventory.port);
    const controlPlane = { snapshot: join(mesh.folder, 'state', 'snapshot') };
    const first = await mesh.startSidecar({ controlPlane });
    assert.equal((await first.get('inventory')).status, 200);
    await first.sidecar.stop();
    assert.deepEqual(readdirSync(join(mesh.folder, 'state')), ['snapshot']);
    await mesh.stopControlPlane();
    const second = await mesh.startSidecar({ controlPlane });
    assert.equal((await second.get('inventory')).text, 'inventory');
  });

  test('a damaged snapshot is refused with the reason, and the sidecar starts', async () => {
    const path = join(mesh.folder, 'snapshot');
    writeFileSync(path, '{"format":1}\n[]\n');
    await mesh.startSidecar({ controlPlane: { snapshot: path } });
    assert.ok(mesh.log.lines.some(line => line.includes('is damaged: its checksum does not match')));
    assert.equal(readFileSync(path, 'utf8'), '{"format":1}\n[]\n');
  });
});

/** One that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
