import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sidecarActor } from '../../../control-plane/registry/actor.ts';
import { ADMIN, specOf, TestMesh } from './meshes.ts';

describe('services', () => {
  test('a service is created, then written; each time its revision grows', () => {
    const { registry, now } = new TestMesh();
    const created = registry.putService('orders', { balancer: 'random' }, ADMIN, now);
    const before = { name: 'orders', policy: { balancer: 'random' }, revision: 1 };
    assert.deepEqual(created, { kind: 'done', service: before, created: true, changed: true });
    const written = registry.putService('orders', {}, ADMIN, now);
    const service = { name: 'orders', policy: {}, revision: 2 };
    assert.deepEqual(written, { kind: 'done', service, created: false, changed: true });
    assert.deepEqual(registry.service('orders'), service);
  });

  test('the same policy once more is no change, whatever the order of its keys', () => {
    const mesh = new TestMesh();
    mesh.registry.putService('orders', { a: 1, b: { c: [1], d: 2 } }, ADMIN, mesh.now);
    const again = mesh.registry.putService('orders', { b: { d: 2, c: [1] }, a: 1 }, ADMIN, mesh.now);
    assert.ok(again.kind === 'done' && !again.created && !again.changed && again.service.revision === 1);
    assert.equal(mesh.changes.length, 1);
  });

  test('a precondition that does not hold changes nothing, and shows what is there', () => {
    const mesh = new TestMesh();
    const { registry, now } = mesh;
    assert.equal(registry.putService('orders', {}, ADMIN, now, 'present').kind, 'mismatch');
    assert.equal(registry.putService('orders', {}, ADMIN, now, 'absent').kind, 'done');
    const current = { name: 'orders', policy: {}, revision: 1 };
    for (const wrong of ['absent', [2], [0, 2], []] as const) {
      assert.deepEqual(registry.putService('orders', { a: 1 }, ADMIN, now, wrong), {
        kind: 'mismatch',
        current,
      });
      assert.deepEqual(registry.deleteService('orders', ADMIN, now, wrong), { kind: 'mismatch', current });
    }
    assert.equal(registry.putService('orders', { a: 1 }, ADMIN, now, [7, 1]).kind, 'done');
    assert.equal(registry.deleteService('orders', ADMIN, now, [2]).kind, 'done');
    assert.equal(mesh.changes.length, 3);
  });

  test('a service is not deleted under instances that are alive, but with expired ones', () => {
    const mesh = new TestMesh();
    mesh.register();
    assert.deepEqual(mesh.registry.deleteService('inventory', ADMIN, mesh.now), {
      kind: 'in-use',
      instances: 1,
    });
    mesh.pass(7_000);
    assert.equal(mesh.registry.deleteService('inventory', ADMIN, mesh.now).kind, 'done');
    assert.equal(mesh.registry.service('inventory'), null);
    assert.equal(mesh.registry.instance('inventory', 'a1'), null);
    assert.deepEqual(mesh.registry.deleteService('inventory', ADMIN, mesh.now), { kind: 'unknown' });
  });

  test('a registration makes the service, which stays when the instance has gone', () => {
    const mesh = new TestMesh();
    assert.equal(mesh.registry.stateOf('inventory').exists, false);
    mesh.register();
    const [change] = mesh.changes;
    assert.deepEqual([change.existed, change.exists], [false, true]);
    assert.deepEqual(
      change.records.map(({ kind }) => kind),
      ['service', 'instance'],
    );
    mesh.registry.deregister('inventory', 'a1', ADMIN, mesh.now);
    assert.deepEqual(mesh.registry.stateOf('inventory'), {
      name: 'inventory',
      exists: true,
      policy: {},
      endpoints: [],
    });
  });

  test('services and instances are listed by name', () => {
    const mesh = new TestMesh();
    for (const id of ['a3', 'a1', 'a2']) mesh.register({ id });
    mesh.register({ id: 'a9', service: 'delivery' });
    assert.deepEqual(
      mesh.registry.services().map(({ name }) => name),
      ['delivery', 'inventory'],
    );
    assert.deepEqual(
      mesh.registry.instances('inventory').map(({ id }) => id),
      ['a1', 'a2', 'a3'],
    );
    assert.deepEqual(mesh.registry.instances('nobody'), []);
  });
});

describe('registration', () => {
  test('an instance is told of as it was registered', () => {
    const mesh = new TestMesh();
    const { instance, created } = mesh.register({
      zone: 'z',
      version: '1.2',
      weight: 5,
      metadata: { build: '17' },
    });
    assert.equal(created, true);
    assert.deepEqual(instance, {
      ...specOf({ zone: 'z', version: '1.2', weight: 5, metadata: { build: '17' } }),
      lease: 'kept',
      registeredBy: null,
      registeredAt: '2026-01-01T00:00:00.000Z',
      revision: 1,
    });
    assert.deepEqual(mesh.registry.endpointsOf('inventory'), [
      {
        id: 'a1',
        address: '10.0.0.1',
        port: 8001,
        weight: 5,
        zone: 'z',
        version: '1.2',
        preference: 'normal',
      },
    ]);
  });

  test('the same registration once more renews the lease and changes nothing', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.pass(5_000);
    assert.equal(mesh.register().created, false);
    mesh.pass(5_500);
    assert.equal(mesh.lease(), 'kept');
    assert.equal(mesh.changes.length, 1);
  });

  test('an update says what callers knew and what they are to know', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.register({ weight: 7 });
    const change = mesh.changes[1];
    assert.ok(change.kind === 'instance');
    assert.deepEqual([change.before?.weight, change.endpoint?.weight, change.isVisible], [1, 7, true]);
    mesh.register({ weight: 7, metadata: { note: 'callers do not see this' } });
    const second = mesh.changes[2];
    assert.ok(second.kind === 'instance' && !second.isVisible);
  });

  test('what is starting, down or draining is told to nobody', () => {
    const mesh = new TestMesh();
    for (const status of ['starting', 'down', 'draining'] as const) {
      mesh.register({ status });
      assert.deepEqual(mesh.endpoints(), []);
    }
    mesh.register({ status: 'up' });
    assert.deepEqual(mesh.endpoints(), ['a1']);
  });

  test('an address has one owner: whoever registers there ends the registration of the other', () => {
    const mesh = new TestMesh();
    mesh.register({ id: 'a1', service: 'inventory', address: 'Host.internal', port: 80 });
    mesh.register({ id: 'b1', service: 'delivery', address: 'host.internal', port: 80 });
    assert.equal(mesh.registry.instance('inventory', 'a1'), null);
    assert.equal(mesh.registry.heartbeat('inventory', 'a1', mesh.now), null);
    assert.deepEqual(mesh.endpoints('delivery'), ['b1']);
    // The loss comes first: no caller is ever told of two owners.
    assert.deepEqual(
      mesh.changes.map(({ service }) => service),
      ['inventory', 'inventory', 'delivery'],
    );
    const event = mesh.registry.events(0, 10).find(({ kind }) => kind === 'instance-replaced');
    assert.match(event?.detail ?? '', /b1 of delivery registered at host\.internal:80/);
  });

  for (const [one, other] of [
    ['::1', '0:0:0:0:0:0:0:1'],
    ['2001:DB8::a', '2001:db8:0:0::000a'],
    ['10.0.0.7', '::ffff:10.0.0.7'],
    ['::FFFF:a00:7', '10.0.0.7'],
    ['fe80::1%eth0', 'FE80::1%eth0'],
  ]) {
    test(`${one} and ${other} are one address`, () => {
      const mesh = new TestMesh();
      mesh.register({ id: 'a1', address: one, port: 80 });
      mesh.register({ id: 'a2', address: other, port: 80 });
      assert.deepEqual(mesh.endpoints(), ['a2']);
    });
  }

  test('an instance that moves gives its address free', () => {
    const mesh = new TestMesh();
    mesh.register({ id: 'a1', port: 80 });
    mesh.register({ id: 'a1', port: 81 });
    mesh.register({ id: 'a2', port: 80 });
    assert.deepEqual(mesh.endpoints(), ['a1', 'a2']);
    mesh.register({ id: 'a3', port: 81 });
    assert.deepEqual(mesh.endpoints(), ['a2', 'a3']);
  });

  test('deregistration removes at once', () => {
    const mesh = new TestMesh();
    mesh.register();
    assert.equal(mesh.registry.deregister('inventory', 'a1', ADMIN, mesh.now), 2);
    assert.deepEqual(mesh.endpoints(), []);
    assert.equal(mesh.registry.deregister('inventory', 'a1', ADMIN, mesh.now), null);
  });
});

describe('drain', () => {
  test('a drained instance is told to nobody until it is undrained', () => {
    const mesh = new TestMesh();
    mesh.register();
    const drained = mesh.registry.drain('inventory', 'a1', ADMIN, mesh.now);
    assert.deepEqual([drained?.status, drained?.revision], ['draining', 2]);
    assert.deepEqual(mesh.endpoints(), []);
    const again = mesh.registry.drain('inventory', 'a1', ADMIN, mesh.now);
    assert.equal(again?.revision, 2, 'what callers have to apply is still the first one');
    assert.equal(mesh.registry.undrain('inventory', 'a1', ADMIN, mesh.now)?.status, 'up');
    assert.deepEqual(mesh.endpoints(), ['a1']);
    assert.equal(mesh.registry.undrain('inventory', 'a1', ADMIN, mesh.now)?.revision, 3);
  });

  test("a drain outlives the instance's own word that it is up", () => {
    const mesh = new TestMesh();
    mesh.register({}, sidecarActor('s1'));
    mesh.registry.drain('inventory', 'a1', ADMIN, mesh.now);
    mesh.register({ weight: 3 }, sidecarActor('s1'));
    assert.deepEqual(mesh.endpoints(), []);
  });

  test('a new process under the same id is not drained', () => {
    const mesh = new TestMesh();
    mesh.register({}, sidecarActor('s1'));
    mesh.registry.drain('inventory', 'a1', ADMIN, mesh.now);
    mesh.register({}, sidecarActor('s2'));
    assert.deepEqual(mesh.endpoints(), ['a1']);
  });

  test('an instance that says itself that it drains can be undrained', () => {
    const mesh = new TestMesh();
    mesh.register({ status: 'draining' });
    mesh.registry.undrain('inventory', 'a1', ADMIN, mesh.now);
    assert.deepEqual(mesh.endpoints(), ['a1']);
  });

  test('nobody can be drained who is not known', () => {
    const { registry, now } = new TestMesh();
    assert.equal(registry.drain('inventory', 'a1', ADMIN, now), null);
    assert.equal(registry.undrain('inventory', 'a1', ADMIN, now), null);
  });
});

describe('events', () => {
  test('say who changed what, when', () => {
    const mesh = new TestMesh();
    mesh.register({}, sidecarActor('s1'));
    assert.deepEqual(mesh.registry.events(0, 10), [
      {
        revision: 1,
        at: '2026-01-01T00:00:00.000Z',
        kind: 'instance-registered',
        service: 'inventory',
        instance: 'a1',
        by: 'sidecar s1',
        detail: 'It was registered at 10.0.0.1:8001, up.',
      },
    ]);
  });

  test('are listed in pages, and forgotten beyond the capacity', () => {
    const { registry, now } = new TestMesh({ eventCapacity: 5 });
    for (let i = 1; i <= 8; i++) registry.putService('orders', { i }, ADMIN, now);
    const revisions = (since: number, limit: number) => registry.events(since, limit).map(e => e.revision);
    assert.deepEqual(revisions(0, 10), [4, 5, 6, 7, 8]);
    assert.deepEqual(revisions(5, 2), [6, 7]);
    assert.deepEqual(revisions(8, 2), []);
    assert.deepEqual(
      registry.latestEvents(2).map(e => e.revision),
      [7, 8],
    );
  });
});

describe('what the store could not keep', () => {
  test('is put back by a change of its own, so that no revision is told twice', () => {
    const mesh = new TestMesh();
    mesh.registry.putService('inventory', { a: 1 }, ADMIN, mesh.now);
    mesh.register({ id: 'a1', port: 80 });
    const kept = mesh.changes.flatMap(({ records }) => records);
    mesh.registry.putService('inventory', { a: 2 }, ADMIN, mesh.now);
    mesh.register({ id: 'a2', port: 80 });
    mesh.register({ id: 'b1', service: 'delivery' });
    const told = mesh.registry.revision;
    mesh.registry.restore(
      [
        ...kept,
        { kind: 'instance', service: 'inventory', id: 'a2', value: null },
        { kind: 'instance', service: 'delivery', id: 'b1', value: null },
        { kind: 'service', name: 'delivery', value: null },
      ],
      'the disk is full',
      mesh.now,
    );
    assert.ok(mesh.registry.revision > told);
    assert.deepEqual(mesh.registry.service('inventory')?.policy, { a: 1 });
    assert.deepEqual(mesh.endpoints(), ['a1']);
    assert.equal(mesh.registry.service('delivery'), null);
    mesh.register({ id: 'a3', port: 80 });
    assert.deepEqual(mesh.endpoints(), ['a3']);
  });
});
