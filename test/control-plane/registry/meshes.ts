import type { InstanceSpec } from '../../../control-plane/contract/resources.ts';
import { otherActor } from '../../../control-plane/registry/actor.ts';
import type { Moment } from '../../../control-plane/registry/moment.ts';
import { Registry, type RegistryOptions } from '../../../control-plane/registry/registry.ts';
import type { RegistryChange } from '../../../control-plane/registry/registry-change.ts';

export const ADMIN = otherActor('admin');
export const START: Moment = { wall: Date.parse('2026-01-01T00:00:00Z'), monotonic: 1_000 };

/** A specification of an instance; where nothing else is said each port is its id's number. */
export function specOf(over: Partial<InstanceSpec> = {}): InstanceSpec {
  const id = over.id ?? 'a1';
  return {
    id,
    service: 'inventory',
    address: '10.0.0.1',
    port: 8000 + Number(id.replace(/\D/g, '')),
    weight: 1,
    zone: null,
    version: null,
    metadata: {},
    ttl: 6000,
    status: 'up',
    ...over,
  };
}

/** A registry with a clock to be set forward, and with all changes that it told of. */
export class TestMesh {
  now: Moment = START;
  readonly registry: Registry;
  readonly changes: RegistryChange[] = [];

  constructor(options: Partial<RegistryOptions> = {}) {
    this.registry = new Registry({ epoch: 'e', now: START, ...options });
    this.registry.subscribe({ onChange: change => this.changes.push(change) });
  }

  /** Lets time pass as it does where the control plane runs: with a tick every half second. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      this.jump(Math.min(left, 500));
      this.registry.tick(this.now);
    }
  }

  /** Sets both clocks forward, without a tick; `wall` sets the wall clock alone. */
  jump(ms: number, wall = 0): void {
    this.now = { wall: this.now.wall + ms + wall, monotonic: this.now.monotonic + ms };
  }

  register(over: Partial<InstanceSpec> = {}, by = ADMIN) {
    return this.registry.register(specOf(over), by, this.now);
  }

  lease(id = 'a1', service = 'inventory'): string | undefined {
    return this.registry.instance(service, id)?.lease;
  }

  /** The ids that callers are told of, with how: `a1`, `a2 last-resort`. */
  endpoints(service = 'inventory'): string[] {
    return this.registry
      .endpointsOf(service)
      .map(({ id, preference }) => (preference === 'normal' ? id : `${id} ${preference}`));
  }

  /** The kinds of all events, oldest first. */
  eventKinds(): string[] {
    return this.registry.events(0, 1000).map(({ kind }) => kind);
  }
}
