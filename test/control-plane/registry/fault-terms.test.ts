import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { type Actor, MESH_FILE } from '../../../control-plane/registry/actor.ts';
import type { StoredService } from '../../../control-plane/registry/stored-state.ts';
import { ADMIN, TestMesh } from './meshes.ts';

const FAULT = { delay: { for: '200ms' }, ttl: '1m' };

describe('faults of a policy', () => {
  let mesh: TestMesh;
  beforeEach(() => {
    mesh = new TestMesh();
  });

  const put = (policy: object, by: Actor = ADMIN) =>
    mesh.registry.putService('inventory', policy as never, by, mesh.now);
  const policy = () => mesh.registry.service('inventory')?.policy;
  const hasFault = () => policy()?.fault !== undefined;
  /** What the store would have at the end. */
  const stored = () => mesh.changes.at(-1)?.records[0]?.value as StoredService;

  test('end by themselves, are told of as ended, and leave the rest as it is', () => {
    put({ balancer: 'random', fault: FAULT });
    mesh.pass(59_500);
    assert.equal(hasFault(), true);
    mesh.pass(500);
    assert.deepEqual(policy(), { balancer: 'random' });
    const change = mesh.changes.at(-1);
    assert.ok(change?.kind === 'service');
    assert.deepEqual([change.policy, change.onLoss], [{ balancer: 'random' }, 'retry']);
    const event = mesh.registry.latestEvents(1)[0];
    assert.deepEqual([event?.kind, event?.by], ['fault-ended', 'control plane']);
    const { revision } = mesh.registry;
    mesh.pass(10 * 60_000);
    assert.equal(mesh.registry.revision, revision);
  });

  test('last for ten minutes where nothing else is said', () => {
    put({ fault: { abort: {} } });
    mesh.pass(599_500);
    assert.equal(hasFault(), true);
    mesh.pass(500);
    assert.equal(hasFault(), false);
  });

  test('go on as before while something else is changed or the same is written again', () => {
    put({ fault: FAULT });
    mesh.pass(40_000);
    put({ fault: { ttl: '1m', delay: { for: '200ms' } }, balancer: 'random' });
    put({ fault: FAULT, balancer: 'random' }, MESH_FILE);
    mesh.pass(20_000);
    assert.equal(hasFault(), false);
  });

  test('begin anew where they are changed, and where they are written again after their end', () => {
    put({ fault: FAULT });
    mesh.pass(40_000);
    put({ fault: { ...FAULT, delay: { for: '100ms' } } });
    mesh.pass(59_500);
    assert.equal(hasFault(), true);
    mesh.pass(500);
    assert.equal(hasFault(), false);
    put({ fault: { ...FAULT, delay: { for: '100ms' } } });
    assert.equal(hasFault(), true);
  });

  test('are not brought back by a mesh file that is read again, but by one that was without them meanwhile', () => {
    put({ fault: FAULT }, MESH_FILE);
    mesh.pass(60_000);
    assert.ok(put({ fault: FAULT }, MESH_FILE).kind === 'done');
    assert.deepEqual(policy(), {});
    put({ fault: FAULT, balancer: 'random' }, MESH_FILE);
    assert.deepEqual(policy(), { balancer: 'random' });
    put({ balancer: 'random' });
    put({ fault: FAULT, balancer: 'random' }, MESH_FILE);
    assert.equal(hasFault(), false);
    put({ balancer: 'random' }, MESH_FILE);
    put({ fault: FAULT, balancer: 'random' }, MESH_FILE);
    assert.equal(hasFault(), true);
  });

  test('go on after a restart of the control plane for what is left, the time between included', () => {
    put({ fault: FAULT });
    mesh.pass(20_000);
    const services = [JSON.parse(JSON.stringify(stored()))];
    const later = { wall: mesh.now.wall + 30_000, monotonic: 5 };
    mesh = new TestMesh({ stored: { starts: 1, revisionCeiling: 9, services, instances: [] }, now: later });
    mesh.now = later;
    mesh.pass(9_500);
    assert.equal(hasFault(), true);
    mesh.pass(1_000);
    assert.equal(hasFault(), false);
    assert.equal(stored().faultTerm?.hasEnded, true);
    assert.deepEqual(put({ fault: FAULT }, MESH_FILE).kind, 'done');
    assert.equal(hasFault(), false);
  });

  test('neither end nor last longer because somebody sets the wall clock', () => {
    put({ fault: FAULT });
    mesh.pass(500);
    mesh.jump(0, 3_600_000);
    mesh.pass(58_500);
    assert.equal(hasFault(), true);
    mesh.jump(0, -7_200_000);
    mesh.pass(1_000);
    assert.equal(hasFault(), false);
  });
});
