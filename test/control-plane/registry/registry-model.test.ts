import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { EndpointResource, PolicyDocument } from '../../../control-plane/contract/resources.ts';
import { otherActor, sidecarActor } from '../../../control-plane/registry/actor.ts';
import type { LeaseSettings } from '../../../control-plane/registry/lease-verdicts.ts';
import { Registry } from '../../../control-plane/registry/registry.ts';
import type { RegistryChange } from '../../../control-plane/registry/registry-change.ts';
import type {
  StoredInstance,
  StoredService,
  StoredState,
} from '../../../control-plane/registry/stored-state.ts';
import { START, specOf } from './meshes.ts';
import { RegistryModel, type Step } from './registry-model.ts';

const SERVICES = ['inventory', 'orders'];
const id = fc.constantFrom('a1', 'a2', 'a3', 'a4');
const service = fc.constantFrom(...SERVICES);
const sidecar = fc.constantFrom('s1', 's2', 's3');

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('register' as const),
      service,
      id,
      port: fc.integer({ min: 1, max: 5 }),
      status: fc.constantFrom('up', 'up', 'up', 'starting', 'draining', 'down'),
      sidecar: fc.option(sidecar),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('heartbeat', 'heartbeat', 'deregister', 'drain', 'undrain'),
      service,
      id,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('open', 'break', 'renew'), sidecar }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 200, max: 2000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stall' as const),
      ms: fc.integer({ min: 2001, max: 700_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wall' as const),
      ms: fc.constantFrom(-86_400_000, -2001, 2001, 86_400_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** Time that passes in ticks, so that leases run out, are forgotten, or are too far apart to count together. */
const WAIT: fc.Arbitrary<Step[]> = fc
  .constantFrom(3, 4, 4, 40, 310)
  .map(ticks => Array.from({ length: ticks }, () => ({ kind: 'pass', ms: 2000 })));

/** Long enough that much comes together; short ones come by shrinking. */
const STEPS: fc.Arbitrary<Step[]> = fc
  .array(fc.oneof({ weight: 12, arbitrary: STEP.map(step => [step]) }, { weight: 1, arbitrary: WAIT }), {
    minLength: 1,
    maxLength: 120,
    size: 'max',
  })
  .map(groups => groups.flat());

/** The registry as a process has it, with what its listeners know: a watcher, and a store that keeps every record. */
class Subject {
  registry: Registry;
  private now = START;
  private readonly settings: Partial<LeaseSettings>;
  private readonly services = new Map<string, StoredService>();
  private readonly instances = new Map<string, StoredInstance>();
  private told = new Map<string, Map<string, EndpointResource>>();
  private policies = new Map<string, PolicyDocument>();
  private lastRevision = 0;

  constructor(settings: Partial<LeaseSettings>) {
    this.settings = settings;
    this.registry = this.start();
  }

  run(step: Step): void {
    const { registry, now } = this;
    const by = otherActor('admin');
    switch (step.kind) {
      case 'register': {
        const { service, id, port, status, sidecar } = step;
        const spec = specOf({ service, id, port, status });
        registry.register(spec, sidecar === null ? by : sidecarActor(sidecar), now);
        return;
      }
      case 'heartbeat':
        registry.heartbeat(step.service, step.id, now);
        return;
      case 'deregister':
      case 'drain':
      case 'undrain':
        registry[step.kind](step.service, step.id, by, now);
        return;
      case 'open':
        return registry.streamOpened(step.sidecar, now);
      case 'break':
        return registry.streamBroken(step.sidecar, now);
      case 'renew':
        registry.renewAll(step.sidecar, now);
        return;
      case 'pass':
      case 'stall':
        this.now = { wall: now.wall + step.ms, monotonic: now.monotonic + step.ms };
        return registry.tick(this.now);
      case 'wall':
        this.now = { wall: now.wall + step.ms, monotonic: now.monotonic };
        return;
      case 'restart':
        this.registry = this.start();
    }
  }

  stored(): StoredState {
    const services = [...this.services.values()];
    return {
      starts: 0,
      revisionCeiling: this.lastRevision,
      services,
      instances: [...this.instances.values()],
    };
  }

  /** What a watcher that applied every change has to know by now is what the registry says. */
  checkWatcher(): void {
    for (const name of SERVICES) {
      const known = [...(this.told.get(name)?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1));
      const said = [...this.registry.endpointsOf(name)].sort((a, b) => (a.id < b.id ? -1 : 1));
      assert.deepEqual(known, said);
      assert.equal(this.registry.service(name) !== null, this.policies.has(name));
    }
  }

  private start(): Registry {
    const { now, settings } = this;
    const registry = new Registry({ epoch: 'e', now, settings, stored: this.stored() });
    this.told = new Map(
      SERVICES.map(name => [name, new Map(registry.endpointsOf(name).map(e => [e.id, e]))]),
    );
    this.policies = new Map(registry.services().map(({ name, policy }) => [name, policy]));
    registry.subscribe({ onChange: change => this.onChange(change) });
    return registry;
  }

  private onChange(change: RegistryChange): void {
    assert.ok(change.revision > this.lastRevision, 'revisions grow');
    this.lastRevision = change.revision;
    for (const record of change.records) {
      if (record.kind === 'service') set(this.services, record.name, record.value);
      else set(this.instances, `${record.service}/${record.id}`, record.value);
    }
    assert.equal(change.existed, this.policies.has(change.service));
    if (change.kind === 'service') set(this.policies, change.service, change.exists ? change.policy : null);
    else {
      if (!change.existed) this.policies.set(change.service, {});
      const endpoints = this.told.get(change.service) ?? new Map();
      assert.deepEqual(change.before, endpoints.get(change.instance) ?? null);
      assert.equal(change.isVisible, !isDeepStrictEqual(change.before, change.endpoint));
      set(endpoints, change.instance, change.endpoint);
    }
  }
}

function set<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

test('the registry does what the model does, whatever happens in whatever order', () => {
  fc.assert(
    fc.property(STEPS, steps => {
      const model = new RegistryModel();
      // Leases that run out together have a property of their own, below.
      const subject = new Subject({ massAtLeast: 1000 });
      for (const step of steps) {
        model.run(step);
        subject.run(step);
        const expected = model.instances.map(({ service, id, port, lease, sidecar, status, isDrained }) => ({
          service,
          id,
          port,
          lease,
          registeredBy: sidecar,
          status: isDrained && (status === 'up' || status === 'starting') ? 'draining' : status,
        }));
        const actual = SERVICES.flatMap(name => subject.registry.instances(name)).map(
          ({ service, id, port, lease, registeredBy, status }) => ({
            service,
            id,
            port,
            lease,
            registeredBy,
            status,
          }),
        );
        const key = (a: { service: string; id: string }): string => `${a.service}/${a.id}`;
        const byKey = <T extends { service: string; id: string }>(list: T[]): T[] =>
          list.sort((a, b) => (key(a) < key(b) ? -1 : 1));
        assert.deepEqual(byKey(actual), byKey(expected));
        subject.checkWatcher();
      }
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

test('never do more than two instances, nor more than 15 % of them, expire within a minute', () => {
  fc.assert(
    fc.property(STEPS, steps => {
      const subject = new Subject({});
      const expiredSince = new Map<string, number>();
      let passed = 0;
      for (const step of steps) {
        subject.run(step);
        subject.checkWatcher();
        if (step.kind === 'pass' || step.kind === 'stall') passed += step.ms;
        const instances = SERVICES.flatMap(name => subject.registry.instances(name));
        const expired = new Set(
          instances.filter(({ lease }) => lease === 'expired').map(i => `${i.service}/${i.id}`),
        );
        for (const key of expiredSince.keys()) if (!expired.has(key)) expiredSince.delete(key);
        for (const key of expired) if (!expiredSince.has(key)) expiredSince.set(key, passed);
        // A start does not know when those expired that it finds expired.
        if (step.kind === 'restart')
          for (const key of expired) expiredSince.set(key, Number.NEGATIVE_INFINITY);
        // Those that were held for ten minutes may expire together.
        const recent = [...expiredSince.values()].filter(at => at > passed - 58_000);
        const isMany = recent.length >= 3 && recent.length > 0.15 * instances.length;
        assert.ok(!isMany || passed >= 600_000, `${recent.length} of ${instances.length}`);
        const addresses = new Set(instances.map(({ port }) => port));
        assert.equal(addresses.size, instances.length, 'an address has one owner');
      }
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

test('what was stored is what a start begins with', () => {
  fc.assert(
    fc.property(STEPS, steps => {
      const subject = new Subject({});
      for (const step of steps) subject.run(step);
      const before = SERVICES.map(
        name => [subject.registry.service(name), subject.registry.instances(name)] as const,
      );
      subject.run({ kind: 'restart' });
      for (const [service, instances] of before) {
        if (service === null) continue;
        assert.deepEqual(subject.registry.service(service.name)?.policy, service.policy);
        const expected = instances.map(({ revision: _, lease, ...rest }) => ({
          ...rest,
          lease: lease === 'expired' ? 'expired' : 'kept',
        }));
        const actual = subject.registry.instances(service.name).map(({ revision: _, ...rest }) => rest);
        assert.deepEqual(actual, expected);
      }
    }),
    { numRuns: 100 },
  );
});
