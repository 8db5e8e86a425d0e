import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshPlan, UNDRAIN_BEHIND } from './mesh-plan.ts';

const SIZE = { services: 30, instances: 300, watchers: 100, uses: 10 };
const plan = new MeshPlan(SIZE);

test('a watcher uses different services, and every service has about as many watchers', () => {
  const watchers = new Map<string, number>();
  for (let i = 0; i < SIZE.watchers; i++) {
    const services = plan.servicesOf(i);
    assert.equal(new Set(services).size, 10);
    for (const service of services) watchers.set(service, (watchers.get(service) ?? 0) + 1);
  }
  assert.equal(watchers.size, 30);
  const counts = [...watchers.values()];
  assert.ok(Math.min(...counts) >= 30 && Math.max(...counts) <= 36, String(counts));
});

test('no two instances have the same address', () => {
  assert.equal(new Set(plan.instances.map(({ address }) => address)).size, 300);
  assert.equal(new MeshPlan({ ...SIZE, instances: 90_000 }).instances.at(-1)!.address, '10.1.95.143');
});

test('what is drained comes back, and is nothing that is changed otherwise', () => {
  const changes = Array.from({ length: 1000 }, (_, i) => plan.change(i));
  const drained = new Set<object>();
  changes.forEach((change, i) => {
    if (change.kind !== 'drain') return;
    assert.deepEqual(changes[i + UNDRAIN_BEHIND], { ...change, kind: 'undrain' });
    drained.add(change.instance);
  });
  assert.equal(drained.size > 0, true);
  assert.deepEqual(
    changes.filter(change => change.kind === 'weight' && drained.has(change.instance)),
    [],
  );
});

test('every write changes something', () => {
  const large = new MeshPlan({ ...SIZE, services: 300, instances: 3000 });
  const before = new Map<string, string>();
  for (let i = 0; i < 3000; i++) {
    const change = large.change(i);
    if (change.kind === 'drain' || change.kind === 'undrain') continue;
    const what = change.kind === 'policy' ? change.service : change.instance.id;
    const written = JSON.stringify(change);
    assert.notEqual(before.get(what), written, `change ${i}`);
    before.set(what, written);
  }
});
