import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { sidecarActor } from '../../../control-plane/registry/actor.ts';
import { WatchHub } from '../../../control-plane/watch/watch-hub.ts';
import { ADMIN, hello, hub, Reader, spec } from './hubs.ts';

describe('a stream', () => {
  test('begins with hello and the whole of its services', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    const [first, second] = reader.take();
    assert.equal(first.type, 'hello');
    assert.ok(second.type === 'sync');
    assert.equal(second.services[0].name, 'inventory');
    assert.deepEqual(
      second.services[0].endpoints.map(({ id }) => id),
      ['i1'],
    );
  });

  test('is told of its services alone', () => {
    const { registry, hub: watch, now } = hub();
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.take();
    registry.register(spec({ service: 'payments' }), ADMIN, now());
    assert.deepEqual(reader.take(), []);
    registry.register(spec({ port: 9000 }), ADMIN, now());
    const [change] = reader.take();
    assert.ok(change.type === 'change');
    assert.deepEqual(
      [change.service, change.set.map(({ port }) => port), change.remove],
      ['inventory', [9000], []],
    );
    assert.equal(change.revision, registry.revision);
  });

  test('is told of the services that it asks for later, also where it wanted none at first', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    const reader = new Reader();
    const stream = watch.connect(hello({ services: [] }), reader);
    reader.take();
    watch.receive(stream, { type: 'watch', services: ['inventory'] });
    const [sync] = reader.take();
    assert.ok(sync?.type === 'sync');
    assert.deepEqual(
      sync.services.map(({ name, endpoints }) => [name, endpoints.length]),
      [['inventory', 1]],
    );
  });

  test('is told whether a service is there: it comes into being, and is deleted', () => {
    const { registry, hub: watch, now } = hub();
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.take();
    registry.putService('inventory', {}, ADMIN, now());
    registry.deleteService('inventory', ADMIN, now());
    const told = reader.take().map(message => (message.type === 'change' ? message.exists : message.type));
    assert.deepEqual(told, [true, false]);
  });

  test('is told what leaves: deregistered, drained, down', () => {
    const { registry, hub: watch, now } = hub();
    for (const id of ['a', 'b', 'c']) registry.register(spec({ id, port: id.charCodeAt(0) }), ADMIN, now());
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.take();
    registry.deregister('inventory', 'a', ADMIN, now());
    registry.drain('inventory', 'b', ADMIN, now());
    registry.register(spec({ id: 'c', port: 99, status: 'down' }), ADMIN, now());
    const removed = reader.take().map(message => (message.type === 'change' ? message.remove : message.type));
    assert.deepEqual(removed, [['a'], ['b'], ['c']]);
  });

  test('goes on from a revision that is still remembered', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    const since = registry.revision;
    registry.register(spec({ id: 'i2', port: 8081 }), ADMIN, now());
    const reader = new Reader();
    watch.connect({ ...hello({ known: { epoch: 'e1', revision: since } }), instance: null }, reader);
    const types = reader
      .take()
      .map(message => (message.type === 'change' ? message.set.map(({ id }) => id) : message.type));
    assert.deepEqual(types, ['hello', ['i2']]);
  });

  test('is told everything where its epoch is another one, or its revision too old', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    for (const known of [
      { epoch: 'e0', revision: registry.revision },
      { epoch: 'e1', revision: -1 },
    ]) {
      const reader = new Reader();
      watch.connect({ ...hello({ known }), instance: null }, reader);
      assert.deepEqual(
        reader.take().map(({ type }) => type),
        ['hello', 'sync'],
      );
    }
  });

  test('that asks for one more service is told the whole of that one alone', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec({ service: 'payments' }), ADMIN, now());
    const reader = new Reader();
    const stream = watch.connect(hello(), reader);
    reader.take();
    watch.receive(stream, { type: 'watch', services: ['inventory', 'payments'] });
    const [sync] = reader.take();
    assert.ok(sync.type === 'sync');
    assert.deepEqual(
      sync.services.map(({ name }) => name),
      ['payments'],
    );
  });

  test('of a sidecar is told that the registration of its instance has ended, and why', () => {
    const { registry, hub: watch, now } = hub();
    const own = { service: 'orders', id: 'orders-1' };
    registry.register(spec(own), sidecarActor('s1'), now());
    const [owner, other] = [new Reader(), new Reader()];
    watch.connect(hello({ services: [] }), owner);
    watch.connect({ ...hello({ sidecar: 's2', services: [] }), instance: 'orders-2' }, other);
    owner.take();
    other.take();
    registry.drain('orders', 'orders-1', ADMIN, now());
    registry.register(spec({ id: 'x' }), ADMIN, now());
    const reason = 'x of inventory registered at 10.0.0.1:8080, which was its address.';
    assert.deepEqual([owner.take(), other.take()], [[{ type: 'unregistered', reason }], []]);
  });

  test('of a sidecar that comes back is told so where it ended meanwhile', () => {
    const { registry, hub: watch, now } = hub();
    const types = (known: { epoch: string; revision: number } | null) => {
      const reader = new Reader();
      watch.close(watch.connect(hello({ known, services: [] }), reader), null);
      return reader.take().map(({ type }) => type);
    };
    const known = { epoch: 'e1', revision: registry.revision };
    assert.deepEqual(types(known), ['hello', 'unregistered']);
    // What another history, or a sidecar that begins, knows nothing of has not ended.
    assert.deepEqual([types({ epoch: 'e0', revision: 0 }), types(null)], [['hello'], ['hello']]);
    registry.register(spec({ service: 'orders', id: 'orders-1' }), sidecarActor('s1'), now());
    assert.deepEqual(types(known), ['hello']);
  });

  test('that is read too slowly is cut off, and what waits for its reader forgotten', () => {
    const { registry, hub: watch, now } = hub();
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.waiting = 1024 * 1024 * 1024;
    registry.register(spec(), ADMIN, now());
    assert.ok(reader.isDestroyed);
  });

  test('of which nothing is read for three heartbeats is cut off, one that is read slowly is not', () => {
    const { hub: watch } = hub();
    const [stuck, slow] = [new Reader(), new Reader()];
    watch.listen(['inventory'], null, stuck);
    watch.listen(['inventory'], null, slow);
    stuck.waiting = slow.waiting = 5000;
    for (let beat = 0; beat < 3; beat++) {
      assert.equal(stuck.isClosed, false);
      watch.beat();
      // What is told comes on top, unless it is read.
      const told = JSON.stringify({ type: 'heartbeat', revision: 0 }).length + 1;
      stuck.waiting += told;
      slow.waiting += told - 100;
    }
    watch.beat();
    assert.deepEqual([stuck.isDestroyed, slow.isClosed], [true, false]);
  });

  test('is not blamed for what it could not read while the control plane stood still', () => {
    const { hub: watch, registry, clock, now } = hub();
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.waiting = 1e6;
    for (let beat = 0; beat < 10; beat++) {
      clock.ms += 10_000;
      registry.tick(now());
      watch.beat();
      reader.waiting += JSON.stringify({ type: 'heartbeat', revision: 0 }).length + 1;
    }
    assert.equal(reader.isClosed, false);
  });

  test('is refused where there are as many as there may be', () => {
    const { hub: watch } = hub({ maxStreams: 1 });
    assert.equal(watch.refusal, null);
    const stream = watch.listen(['inventory'], null, new Reader());
    assert.match(watch.refusal ?? '', /1 streams are open/);
    watch.close(stream, null);
    assert.equal(watch.refusal, null);
  });

  test('is refused where too much waits for all, and the slowest ones end', () => {
    const { hub: watch } = hub({ maxWaiting: 1000 });
    const readers = [new Reader(), new Reader(), new Reader()];
    for (const reader of readers) watch.listen(['inventory'], null, reader);
    for (const [i, waiting] of [400, 500, 300].entries()) readers[i].waiting = waiting;
    assert.match(watch.refusal ?? '', /Too much waits/);
    watch.beat();
    assert.deepEqual(
      readers.map(({ isClosed }) => isClosed),
      [false, true, false],
    );
    assert.equal(watch.refusal, null);
  });

  test('is told of a service as it is now, whoever asked before', () => {
    const { registry, hub: watch, now } = hub();
    const told = () => {
      const reader = new Reader();
      watch.listen(['inventory'], null, reader);
      const sync = reader.messages.find(({ type }) => type === 'sync');
      assert.ok(sync?.type === 'sync');
      const [{ exists, policy, endpoints }] = sync.services;
      return [sync.revision, exists, policy, endpoints.map(({ id }) => id)];
    };
    assert.deepEqual(told(), [0, false, {}, []]);
    registry.register(spec(), ADMIN, now());
    assert.deepEqual([told(), told()], Array(2).fill([1, true, {}, ['i1']]));
    registry.putService('inventory', { hedge: {} }, ADMIN, now());
    registry.drain('inventory', 'i1', ADMIN, now());
    assert.deepEqual(told(), [3, true, { hedge: {} }, []]);
    registry.deregister('inventory', 'i1', ADMIN, now());
    registry.deleteService('inventory', ADMIN, now());
    assert.deepEqual(told(), [5, false, {}, []]);
  });

  test('is told everything where it says to know more than there was', () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    const typesTold = (revision: number) => {
      const [listener, sidecar] = [new Reader(), new Reader()];
      watch.listen(['inventory'], revision, listener);
      const known = { epoch: registry.epoch, revision };
      watch.connect({ ...hello({ known }), instance: null }, sidecar);
      return [listener, sidecar].map(({ messages }) => messages.map(({ type }) => type));
    };
    assert.deepEqual(typesTold(registry.revision), [['hello'], ['hello']]);
    assert.deepEqual(typesTold(registry.revision + 1), Array(2).fill(['hello', 'sync']));
    assert.deepEqual(
      watch.sidecars().map(({ applied }) => applied),
      [1, 0],
    );
  });

  test('is told once of what it asks for twice', () => {
    const { hub: watch } = hub();
    const reader = new Reader();
    watch.connect(hello({ services: ['inventory', 'inventory'] }), reader);
    const sync = reader.messages.find(({ type }) => type === 'sync');
    assert.equal(sync?.type === 'sync' && sync.services.length, 1);
  });
});

describe('a sidecar', () => {
  test('whose stream breaks makes its instances suspect at once, and kept again when it is back', () => {
    const { registry, hub: watch, now } = hub();
    const stream = watch.connect(hello(), new Reader());
    registry.register(spec(), sidecarActor('s1'), now());
    const reader = new Reader();
    watch.listen(['inventory'], null, reader);
    reader.take();
    watch.close(stream, null);
    assert.equal(registry.instance('inventory', 'i1')?.lease, 'suspect');
    const [suspect] = reader.take();
    assert.ok(suspect.type === 'change');
    assert.equal(suspect.set[0].preference, 'last-resort');
    watch.connect(hello(), new Reader());
    assert.equal(registry.instance('inventory', 'i1')?.lease, 'kept');
  });

  test('that was silent for three heartbeats is cut off', () => {
    const { hub: watch, clock } = hub();
    const reader = new Reader();
    const stream = watch.connect(hello(), reader);
    clock.ms += 5000;
    watch.receive(stream, { type: 'heartbeat' });
    clock.ms += 5000;
    watch.beat();
    assert.equal(reader.isClosed, false);
    clock.ms += 1001;
    watch.beat();
    assert.ok(reader.isClosed);
    assert.deepEqual(watch.sidecars(), []);
  });

  test('is shown with what it applied and refused', () => {
    const { hub: watch } = hub();
    const stream = watch.connect(hello(), new Reader());
    watch.receive(stream, { type: 'applied', revision: 7 });
    watch.receive(stream, { type: 'refused', revision: 8, service: 'inventory', reason: 'no' });
    const [shown] = watch.sidecars();
    assert.deepEqual([shown.sidecar, shown.applied, shown.services], ['s1', 7, ['inventory']]);
    assert.deepEqual(shown.refused, { revision: 8, service: 'inventory', reason: 'no' });
  });

  test('is not taken for lost when the control plane stops', () => {
    const { registry, hub: watch, now } = hub();
    const reader = new Reader();
    watch.connect(hello(), reader);
    registry.register(spec(), sidecarActor('s1'), now());
    watch.stop();
    assert.equal(registry.instance('inventory', 'i1')?.lease, 'kept');
    assert.equal(reader.messages.at(-1)?.type, 'goodbye');
  });
});

describe('an acknowledgement', () => {
  test('after a stall waits for those who may be on their way back', async () => {
    const { registry, hub: watch, clock, now } = hub();
    registry.register(spec(), ADMIN, now());
    const stream = watch.connect(hello(), new Reader());
    clock.ms += 16_000;
    watch.close(stream, null);
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const nobody = { acknowledged: false, waitingFor: [] };
    assert.deepEqual(await watch.awaitApplied('inventory', revision, 1), nobody);
    for (let passed = 0; passed < 5000; passed += 500) {
      clock.ms += 500;
      registry.tick(now());
    }
    assert.deepEqual(await watch.awaitApplied('inventory', revision, 1), {
      acknowledged: true,
      waitingFor: [],
    });
  });

  test('that is waited for in a stall does not come because callers gave up their streams in it', async () => {
    const { registry, hub: watch, clock, now } = hub();
    registry.register(spec(), ADMIN, now());
    const stream = watch.connect(hello(), new Reader());
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const answer = watch.awaitApplied('inventory', revision, 1);
    clock.ms += 16_000;
    watch.close(stream, null);
    assert.deepEqual(await answer, { acknowledged: false, waitingFor: [] });
  });

  test('comes when every caller has applied the revision', async () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    const one = watch.connect(hello(), new Reader());
    const two = watch.connect(hello({ sidecar: 's2' }), new Reader());
    watch.connect(hello({ sidecar: 's3', services: ['payments'] }), new Reader());
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const answer = watch.awaitApplied('inventory', revision, 10_000);
    watch.receive(one, { type: 'applied', revision });
    watch.receive(two, { type: 'applied', revision: revision + 3 });
    assert.deepEqual(await answer, { acknowledged: true, waitingFor: [] });
  });

  test('does not come because the control plane stops', async () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    watch.connect(hello(), new Reader());
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const answer = watch.awaitApplied('inventory', revision, 10_000);
    watch.stop();
    assert.deepEqual(await answer, { acknowledged: false, waitingFor: ['orders/orders-1'] });
    assert.deepEqual(await watch.awaitApplied('inventory', revision, 10_000), {
      acknowledged: false,
      waitingFor: [],
    });
  });

  test('names who has not when the time is over', async () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec(), ADMIN, now());
    watch.connect(hello(), new Reader());
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    assert.deepEqual(await watch.awaitApplied('inventory', revision, 1), {
      acknowledged: false,
      waitingFor: ['orders/orders-1'],
    });
  });

  test('does not wait for a sidecar that has gone, nor for a change that nobody was told of', async () => {
    const { registry, hub: watch, now } = hub();
    registry.register(spec({ status: 'starting' }), ADMIN, now());
    const stream = watch.connect(hello(), new Reader());
    const hidden = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    // The instance was never told of; that its service exists now was, before this sidecar came.
    watch.receive(stream, { type: 'applied', revision: hidden - 1 });
    assert.equal((await watch.awaitApplied('inventory', hidden, 10_000)).acknowledged, true);
    registry.register(spec({ id: 'i2', port: 8081 }), ADMIN, now());
    const revision = registry.drain('inventory', 'i2', ADMIN, now())?.revision ?? 0;
    const answer = watch.awaitApplied('inventory', revision, 10_000);
    watch.close(stream, null);
    assert.equal((await answer).acknowledged, true);
  });
});

describe('a caller that was cut off because nothing was heard of it', () => {
  /** A caller that was told to leave an instance, and is silent until it is cut off. */
  function cutOff() {
    const parts = hub();
    const { registry, hub: watch, clock, now } = parts;
    registry.register(spec({ ttl: 600_000 }), ADMIN, now());
    watch.connect(hello(), new Reader());
    const drain = () => registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const pass = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.ms += 1000;
        registry.tick(now());
        watch.beat();
      }
    };
    return { ...parts, drain, pass };
  }

  test('is named by the drain that waits for it, as it may still call the instance', async () => {
    const { hub: watch, drain, pass } = cutOff();
    const answer = watch.awaitApplied('inventory', drain(), 5);
    pass(7000);
    assert.deepEqual(watch.sidecars(), []);
    assert.deepEqual(await answer, { acknowledged: false, waitingFor: ['orders/orders-1'] });
  });

  test('is named by a drain that begins soon after, and not for ever', async () => {
    const { hub: watch, drain, pass } = cutOff();
    pass(7000);
    const revision = drain();
    assert.deepEqual((await watch.awaitApplied('inventory', revision, 1)).waitingFor, ['orders/orders-1']);
    assert.equal((await watch.awaitApplied('payments', revision, 1)).acknowledged, true);
    pass(60_000);
    assert.equal((await watch.awaitApplied('inventory', revision, 1)).acknowledged, true);
  });

  test('is waited for until it is back and has applied it', async () => {
    const { hub: watch, drain, pass } = cutOff();
    pass(7000);
    const revision = drain();
    const answer = watch.awaitApplied('inventory', revision, 10_000);
    const stream = watch.connect(hello({ known: { epoch: 'e1', revision: 1 } }), new Reader());
    watch.receive(stream, { type: 'applied', revision });
    assert.deepEqual(await answer, { acknowledged: true, waitingFor: [] });
  });

  test('is not missed where it has another stream', async () => {
    const { hub: watch, drain, pass } = cutOff();
    pass(4000);
    const another = watch.connect(hello(), new Reader());
    pass(3000);
    assert.equal(watch.sidecars().length, 1);
    const revision = drain();
    watch.receive(another, { type: 'applied', revision });
    assert.equal((await watch.awaitApplied('inventory', revision, 1)).acknowledged, true);
  });
});

describe('after a restart of the control plane', () => {
  /** A control plane that knows of an instance from before. */
  function restarted() {
    const { registry, clock, now } = hub();
    registry.register(spec(), ADMIN, now());
    return { registry, clock, now, hub: new WatchHub(registry, now) };
  }

  test('a drain is not acknowledged as long as callers may not be back', async () => {
    const { registry, hub: watch, clock, now } = restarted();
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    const answer = await watch.awaitApplied('inventory', revision, 1);
    assert.deepEqual(answer, { acknowledged: false, waitingFor: [] });
    clock.ms += 5000;
    assert.equal((await watch.awaitApplied('inventory', revision, 1)).acknowledged, true);
  });

  test('it is as soon as they have to be, if those that are have applied it', async t => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const { registry, hub: watch, clock, now } = restarted();
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    let answer: object | null = null;
    const waiting = watch.awaitApplied('inventory', revision, 10_000).then(given => {
      answer = given;
    });
    const stream = watch.connect(hello({ known: { epoch: 'e0', revision: 99 } }), new Reader());
    watch.receive(stream, { type: 'applied', revision });
    for (const ms of [4999, 1]) {
      await null;
      assert.equal(answer, null);
      clock.ms += ms;
      mock.timers.tick(ms);
    }
    await waiting;
    assert.deepEqual(answer, { acknowledged: true, waitingFor: [] });
  });

  test('that has kept nothing, those who come back tell of the one before', async () => {
    const { registry, hub: watch, clock, now } = hub();
    const stream = watch.connect(hello({ known: { epoch: 'e0', revision: 99 } }), new Reader());
    registry.register(spec(), ADMIN, now());
    const revision = registry.drain('inventory', 'i1', ADMIN, now())?.revision ?? 0;
    watch.receive(stream, { type: 'applied', revision });
    assert.equal((await watch.awaitApplied('inventory', revision, 1)).acknowledged, false);
    clock.ms += 5000;
    assert.equal((await watch.awaitApplied('inventory', revision, 1)).acknowledged, true);
  });
});
