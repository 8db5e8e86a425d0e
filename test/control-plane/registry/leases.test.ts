import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sidecarActor } from '../../../control-plane/registry/actor.ts';
import { ADMIN, specOf, TestMesh } from './meshes.ts';

const S1 = sidecarActor('s1');

describe('a lease', () => {
  test('runs out when it is not renewed, and not before', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.pass(5_500);
    assert.equal(mesh.lease(), 'kept');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
    assert.deepEqual(mesh.endpoints(), ['a1 last-resort']);
  });

  test('is kept by heartbeats, which are no changes', () => {
    const mesh = new TestMesh();
    mesh.register();
    for (let i = 0; i < 10; i++) {
      mesh.pass(5_000);
      assert.equal(mesh.registry.heartbeat('inventory', 'a1', mesh.now)?.lease, 'kept');
    }
    assert.equal(mesh.changes.length, 1);
  });

  test('has the length that its instance asked for', () => {
    const mesh = new TestMesh();
    mesh.register({ ttl: 20_000 });
    mesh.pass(19_500);
    assert.equal(mesh.lease(), 'kept');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
  });

  test('that ran out is back with the next heartbeat', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.pass(7_000);
    mesh.registry.heartbeat('inventory', 'a1', mesh.now);
    assert.deepEqual(mesh.endpoints(), ['a1']);
    assert.deepEqual(mesh.eventKinds().slice(-2), ['instance-expired', 'instance-returned']);
  });

  test('that ran out is forgotten after ten minutes', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.pass(6_000 + 599_500);
    assert.equal(mesh.lease(), 'expired');
    mesh.pass(500);
    assert.equal(mesh.lease(), undefined);
    assert.equal(mesh.registry.heartbeat('inventory', 'a1', mesh.now), null);
  });
});

describe("a sidecar's stream", () => {
  test('makes its instances suspect at once when it breaks, and no others', () => {
    const mesh = new TestMesh();
    mesh.register({ id: 'a1' }, S1);
    mesh.register({ id: 'a2' }, sidecarActor('s2'));
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.registry.streamBroken('s1', mesh.now);
    assert.deepEqual(mesh.endpoints(), ['a1 last-resort', 'a2']);
    assert.deepEqual(
      mesh.changes.at(-1)?.records,
      [],
      'a start makes nothing of it, so nothing is to be stored',
    );
  });

  test('that is back makes them whole', () => {
    const mesh = new TestMesh();
    mesh.register({}, S1);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.registry.streamBroken('s1', mesh.now);
    mesh.pass(1_000);
    mesh.registry.streamOpened('s1', mesh.now);
    assert.deepEqual(mesh.endpoints(), ['a1']);
  });

  test('that breaks after another one was opened means nothing', () => {
    const mesh = new TestMesh();
    mesh.register({}, S1);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.registry.streamBroken('s1', mesh.now);
    assert.equal(mesh.lease(), 'kept');
    mesh.registry.streamBroken('s1', mesh.now);
    assert.equal(mesh.lease(), 'suspect');
  });

  test('renews all leases of its sidecar', () => {
    const mesh = new TestMesh();
    mesh.register({ id: 'a1' }, S1);
    mesh.register({ id: 'b1', service: 'delivery', port: 1 }, S1);
    mesh.pass(5_000);
    assert.equal(mesh.registry.renewAll('s1', mesh.now), 2);
    mesh.pass(5_500);
    assert.deepEqual([mesh.lease('a1'), mesh.lease('b1', 'delivery')], ['kept', 'kept']);
    assert.equal(mesh.registry.renewAll('unknown', mesh.now), 0);
  });

  test('that broke lets the lease run out at its time', () => {
    const mesh = new TestMesh();
    mesh.register({}, S1);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.pass(2_000);
    mesh.registry.streamBroken('s1', mesh.now);
    mesh.pass(3_500);
    assert.equal(mesh.lease(), 'suspect');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
  });

  test('does not concern an instance that another sidecar took over', () => {
    const mesh = new TestMesh();
    mesh.register({}, S1);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.register({}, sidecarActor('s2'));
    mesh.registry.streamBroken('s1', mesh.now);
    assert.equal(mesh.lease(), 'kept');
  });
});

describe('after the control plane itself was away', () => {
  test('a start gives every lease its full length', () => {
    const instance = {
      ...specOf(),
      isDrained: false,
      isExpired: false,
      registeredBy: 's1',
      registeredAt: '2025-01-01T00:00:00.000Z',
      revision: 3,
    };
    const stored = { starts: 1, revisionCeiling: 10, services: [], instances: [instance] };
    const mesh = new TestMesh({ stored });
    assert.equal(mesh.registry.revision, 10);
    mesh.pass(5_500);
    assert.equal(mesh.lease(), 'kept');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
  });

  test('a start brings nobody back who had expired, and remembers them for ten minutes', () => {
    const base = {
      isDrained: false,
      registeredBy: null,
      registeredAt: '2025-01-01T00:00:00.000Z',
      revision: 3,
    };
    const instances = ['a1', 'a2', 'a3'].map(id => ({ ...specOf({ id }), ...base, isExpired: true }));
    const mesh = new TestMesh({ stored: { starts: 1, revisionCeiling: 10, services: [], instances } });
    mesh.pass(10_000);
    assert.equal(mesh.lease(), 'expired');
    assert.equal(mesh.registry.health().massExpiry, null);
    mesh.pass(590_000);
    assert.equal(mesh.lease(), undefined);
  });

  test('after a start callers are told of what was kept as unconfirmed, until it is heard of', () => {
    const base = {
      isDrained: false,
      isExpired: false,
      registeredAt: '2026-01-01T00:00:00.000Z',
      revision: 3,
    };
    const instances = ['a1', 'a2', 'a3', 'a4'].map(id => ({
      ...specOf({ id }),
      ...base,
      registeredBy: 's1',
    }));
    instances[0]!.registeredBy = 's0';
    const mesh = new TestMesh({ stored: { starts: 1, revisionCeiling: 10, services: [], instances } });
    assert.deepEqual(
      mesh.endpoints(),
      instances.map(({ id }) => `${id} unconfirmed`),
    );
    mesh.registry.streamOpened('s0', mesh.now);
    mesh.registry.heartbeat('inventory', 'a2', mesh.now);
    mesh.register({ id: 'a3' });
    assert.deepEqual(mesh.endpoints(), ['a1', 'a2', 'a3', 'a4 unconfirmed']);
    assert.ok(mesh.changes.every(change => change.kind === 'instance' && change.isVisible));
    assert.equal(mesh.changes.length, 3);
    // Whoever was not heard of is no reason to refuse its address to another.
    const another = { ...specOf({ id: 'a4' }), id: 'b4' };
    assert.equal(mesh.registry.liveOwner(another), null);
    assert.equal(mesh.registry.liveOwner({ ...specOf({ id: 'a1' }), id: 'b1' })?.id, 'a1');
  });

  test('a stall gives every lease its full length, whatever is heard first', () => {
    for (const hear of ['tick', 'heartbeat of another'] as const) {
      const mesh = new TestMesh();
      mesh.register({ id: 'a1' });
      mesh.register({ id: 'a2' });
      mesh.pass(5_000);
      mesh.jump(30_000);
      if (hear === 'tick') mesh.registry.tick(mesh.now);
      else mesh.registry.heartbeat('inventory', 'a2', mesh.now);
      mesh.pass(5_500);
      assert.equal(mesh.lease('a1'), 'kept', hear);
      mesh.pass(500);
      assert.equal(mesh.lease('a1'), 'expired', hear);
    }
  });

  test('streams that break because of a stall make nobody suspect, and those opened since do', () => {
    const mesh = new TestMesh();
    mesh.register({ id: 'a1' }, S1);
    mesh.register({ id: 'a2' }, sidecarActor('s2'));
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.jump(30_000);
    mesh.registry.streamBroken('s1', mesh.now);
    assert.equal(mesh.lease('a1'), 'kept');
    mesh.registry.streamOpened('s2', mesh.now);
    mesh.pass(1_000);
    mesh.registry.streamBroken('s2', mesh.now);
    assert.equal(mesh.lease('a2'), 'suspect');
  });

  test('the wall clock may be set back and forth: no lease ends by it', () => {
    const mesh = new TestMesh();
    mesh.register();
    mesh.pass(3_000);
    mesh.jump(0, 3_600_000);
    mesh.pass(500);
    assert.equal(mesh.lease(), 'kept');
    // A jump looks like a machine that slept, so the lease begins anew with the tick that notices it.
    mesh.jump(0, -7_200_000);
    mesh.pass(6_000);
    assert.equal(mesh.lease(), 'kept');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
  });
});

describe('many leases that run out together', () => {
  const registerMany = (mesh: TestMesh, count: number) => {
    for (let i = 1; i <= count; i++) mesh.register({ id: `a${i}` });
  };
  const renew = (mesh: TestMesh, from: number, to: number) => {
    for (let i = from; i <= to; i++) mesh.registry.heartbeat('inventory', `a${i}`, mesh.now);
  };

  test('are kept in use, and it is said', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 10);
    mesh.pass(4_000);
    renew(mesh, 4, 10);
    mesh.pass(4_000);
    renew(mesh, 4, 10);
    assert.equal(mesh.endpoints().length, 10);
    assert.ok(mesh.endpoints().every(endpoint => !endpoint.includes('last-resort')));
    assert.deepEqual(mesh.registry.health().massExpiry, { held: 3, since: '2026-01-01T00:00:06.000Z' });
    const event = mesh.registry.events(0, 100).find(({ kind }) => kind === 'mass-expiry');
    assert.match(event?.detail ?? '', /3 of 10 instances/);
  });

  test('those that had expired one by one within the minute are taken back', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 10);
    mesh.pass(4_000);
    renew(mesh, 2, 10);
    mesh.pass(4_000);
    assert.equal(mesh.lease('a1'), 'expired');
    renew(mesh, 4, 10);
    mesh.pass(4_000);
    assert.deepEqual([mesh.lease('a1'), mesh.lease('a2'), mesh.lease('a3')], ['kept', 'kept', 'kept']);
  });

  test('two are never many, nor are 15 of a hundred', () => {
    for (const [lost, all] of [
      [2, 2],
      [15, 100],
    ] as const) {
      const mesh = new TestMesh();
      registerMany(mesh, all);
      mesh.pass(4_000);
      renew(mesh, lost + 1, all);
      mesh.pass(4_000);
      renew(mesh, lost + 1, all);
      assert.equal(mesh.registry.health().expired, lost);
      assert.equal(mesh.registry.health().massExpiry, null);
    }
  });

  test('more than a minute apart they are not together', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 4);
    for (let alive = 2; alive <= 4; alive++) {
      for (let i = 0; i < 16; i++) {
        mesh.pass(4_000);
        renew(mesh, alive, 4);
      }
    }
    assert.equal(mesh.registry.health().expired, 3);
    assert.equal(mesh.registry.health().massExpiry, null);
  });

  test('suspect ones stay the last resort', () => {
    const mesh = new TestMesh();
    for (const id of ['a1', 'a2', 'a3']) mesh.register({ id }, S1);
    mesh.registry.streamOpened('s1', mesh.now);
    mesh.registry.streamBroken('s1', mesh.now);
    mesh.pass(10_000);
    assert.equal(mesh.registry.health().massExpiry?.held, 3);
    assert.deepEqual(mesh.endpoints(), ['a1 last-resort', 'a2 last-resort', 'a3 last-resort']);
  });

  test('who returns or leaves is held no more, and with the last one it is over', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 3);
    mesh.pass(7_000);
    renew(mesh, 1, 1);
    assert.equal(mesh.registry.health().massExpiry?.held, 2);
    mesh.registry.deregister('inventory', 'a2', ADMIN, mesh.now);
    mesh.register({ id: 'a3' });
    assert.equal(mesh.registry.health().massExpiry, null);
    mesh.pass(500);
    assert.equal(mesh.eventKinds().at(-1), 'mass-expiry-over');
  });

  test('who does not return expires after ten minutes, and is then forgotten', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 3);
    mesh.pass(6_000 + 599_500);
    assert.equal(mesh.lease(), 'kept');
    mesh.pass(500);
    assert.equal(mesh.lease(), 'expired');
    assert.equal(mesh.registry.health().massExpiry, null);
    mesh.pass(600_000);
    assert.equal(mesh.registry.health().instances, 0);
  });

  test('a stall ends it: all of them have their leases again', () => {
    const mesh = new TestMesh();
    registerMany(mesh, 3);
    mesh.pass(7_000);
    mesh.jump(5_000);
    mesh.registry.tick(mesh.now);
    assert.equal(mesh.registry.health().massExpiry, null);
  });
});
