import { isDeepStrictEqual } from 'node:util';
import { formatHostPort } from '../contract/host-port.ts';
import type {
  EndpointResource,
  Epoch,
  Instance,
  InstanceSpec,
  MeshEvent,
  PolicyDocument,
  Revision,
  Service,
} from '../contract/resources.ts';
import type { ServiceState } from '../contract/watch-messages.ts';
import { type Actor, CONTROL_PLANE } from './actor.ts';
import { ended, FAULTS_ENDED, FaultClock, termOf } from './fault-terms.ts';
import { addressKeyOf, InstanceEntry } from './instance-entry.ts';
import { LEASE_DEFAULTS, type LeaseSettings } from './lease-verdicts.ts';
import { Leases } from './leases.ts';
import type { Moment } from './moment.ts';
import type { RegistryListener } from './registry-change.ts';
import { isoOf, RegistryCore } from './registry-core.ts';
import { EMPTY_STATE, type StoredInstance, type StoredState, type StoreRecord } from './stored-state.ts';

/** What a write asks of what is there: revisions of which it must have one, that there is one, that there is none. */
export type Precondition = readonly Revision[] | 'present' | 'absent';

/** The precondition of a write does not hold. */
interface Mismatch {
  readonly kind: 'mismatch';
  readonly current: Service | null;
}

export type ServiceWritten =
  /** With the service as this write left it; soon after it may be another. */
  | { readonly kind: 'done'; readonly service: Service; readonly created: boolean; readonly changed: boolean }
  | Mismatch;

export type ServiceDeleted =
  | { readonly kind: 'done' }
  | { readonly kind: 'unknown' }
  | Mismatch
  /** A service can't be deleted while it has instances that are not expired. */
  | { readonly kind: 'in-use'; readonly instances: number };

/** An instance as it was registered, and whether it is new. */
interface Registered {
  readonly instance: Instance;
  readonly created: boolean;
}

/** How the registry is, for whoever asks whether all is well. */
interface RegistryHealth {
  readonly services: number;
  readonly instances: number;
  readonly suspect: number;
  readonly expired: number;
  /** Set while instances whose leases ran out together are kept in use. */
  readonly massExpiry: { readonly held: number; readonly since: string } | null;
}

export interface RegistryOptions {
  readonly epoch: Epoch;
  readonly now: Moment;
  /** What to begin with; nothing by default. */
  readonly stored?: StoredState;
  readonly settings?: Partial<LeaseSettings>;
  /** How many events are remembered; 1000 by default. */
  readonly eventCapacity?: number;
}

/**
 * The services and instances of a mesh, with their leases, as pure state: no timer, no disk, no socket. Whoever changes it
 * passes the time in; whoever wants to know of changes subscribes. {@link tick} has to be called every half second: the
 * registry takes a longer silence (2 s) for a stall of the process and then gives every lease its full length again, since
 * nobody could have renewed it; likewise after a jump of the wall clock, as a machine that slept makes.
 */
export class Registry {
  readonly epoch: Epoch;
  private readonly core: RegistryCore;
  private readonly leases: Leases;
  private readonly faultClock = new FaultClock();

  constructor({ epoch, now, stored = EMPTY_STATE, settings, eventCapacity = 1000 }: RegistryOptions) {
    this.epoch = epoch;
    this.core = new RegistryCore(stored.revisionCeiling, eventCapacity);
    this.leases = new Leases(this.core, { ...LEASE_DEFAULTS, ...settings }, now);
    for (const service of stored.services) this.core.loadService(service);
    for (const instance of stored.instances) {
      const entry = new InstanceEntry(instance, now.monotonic + instance.ttl);
      entry.isUnconfirmed = true;
      if (instance.isExpired) {
        entry.deadline = Number.NEGATIVE_INFINITY;
        entry.expiredAt = now.monotonic;
      }
      this.core.loadInstance(entry);
    }
  }

  /** The revision of the last change. */
  get revision(): Revision {
    return this.core.revision;
  }

  /** @returns what ends the subscription */
  subscribe(listener: RegistryListener): () => void {
    this.core.listeners.add(listener);
    return () => this.core.listeners.delete(listener);
  }

  /** Sorted by name. */
  services(): readonly Service[] {
    const services = [...this.core.services.values()].map(({ service }) => service);
    return services.sort((a, b) => compare(a.name, b.name));
  }

  service(name: string): Service | null {
    return this.core.services.get(name)?.service ?? null;
  }

  /** Sorted by id; none where the service is unknown. */
  instances(service: string): readonly Instance[] {
    const instances = this.entriesOf(service).map(entry => entry.toInstance());
    return instances.sort((a, b) => compare(a.id, b.id));
  }

  instance(service: string, id: string): Instance | null {
    return this.core.find(service, id)?.toInstance() ?? null;
  }

  /** Who else is at the address of an instance and alive: its lease is kept, and it was heard of since the start. Null: nobody. */
  liveOwner(of: Pick<InstanceSpec, 'service' | 'id' | 'address' | 'port'>): Instance | null {
    const owner = this.core.findByAddress(addressKeyOf(of));
    if (owner === null || owner === this.core.find(of.service, of.id)) return null;
    return owner.lease === 'kept' && !owner.isUnconfirmed ? owner.toInstance() : null;
  }

  /** What callers of a service are told, in the order of registration. */
  endpointsOf(service: string): readonly EndpointResource[] {
    return this.entriesOf(service)
      .map(entry => entry.toEndpoint())
      .filter(endpoint => endpoint !== null);
  }

  stateOf(name: string): ServiceState {
    const service = this.service(name);
    const endpoints = this.endpointsOf(name);
    return { name, exists: service !== null, policy: service?.policy ?? {}, endpoints };
  }

  /** The oldest remembered events after a revision. @param limit how many at most, save that a revision is never cut apart */
  events(since: Revision, limit: number): readonly MeshEvent[] {
    return this.core.log.after(since, limit);
  }

  /** The most recent events, oldest first. */
  latestEvents(limit: number): readonly MeshEvent[] {
    return this.core.log.latest(limit);
  }

  /** How much there is. */
  get size(): { readonly services: number; readonly instances: number } {
    return { services: this.core.services.size, instances: this.core.instanceCount };
  }

  /** Notes down that something happened which changed nothing, for whoever reads the events. */
  note(kind: string, detail: string, by: Actor, now: Moment): void {
    this.core.addEvent({ by, now, kind, detail }, '', null);
  }

  health(): RegistryHealth {
    const entries = this.core.entries();
    const since = this.leases.massExpirySince;
    const held = entries.filter(({ isHeld }) => isHeld).length;
    return {
      services: this.core.services.size,
      instances: entries.length,
      suspect: entries.filter(({ lease }) => lease === 'suspect').length,
      expired: entries.filter(({ lease }) => lease === 'expired').length,
      massExpiry: since === null || held === 0 ? null : { held, since: isoOf(since) },
    };
  }

  /** Writes a service's policy, which has been judged already. The same once more changes nothing. */
  putService(
    name: string,
    policy: PolicyDocument,
    by: Actor,
    now: Moment,
    precondition?: Precondition,
  ): ServiceWritten {
    this.leases.notice(now);
    const before = this.service(name);
    if (!holds(precondition, before)) return { kind: 'mismatch', current: before };
    const term = this.core.services.get(name)?.faultTerm ?? null;
    const written = termOf(policy, term, by, now);
    if (before !== null && written.term === term && isDeepStrictEqual(before.policy, written.policy)) {
      return { kind: 'done', service: before, created: false, changed: false };
    }
    const detail = before === null ? 'The service was created.' : 'Its policy was written.';
    const note = { by, now, kind: 'service-written', detail };
    const service = this.core.putService(name, written.policy, written.term, note, 'undo');
    return { kind: 'done', service, created: before === null, changed: true };
  }

  /** Deletes a service, with what is left of expired instances. */
  deleteService(name: string, by: Actor, now: Moment, precondition?: Precondition): ServiceDeleted {
    this.leases.notice(now);
    const service = this.service(name);
    if (!holds(precondition, service)) return { kind: 'mismatch', current: service };
    if (service === null) return { kind: 'unknown' };
    const entries = this.entriesOf(name);
    const alive = entries.filter(({ lease }) => lease !== 'expired').length;
    if (alive > 0) return { kind: 'in-use', instances: alive };
    for (const entry of entries) {
      const detail = 'Its service was deleted.';
      this.core.removeInstance(entry, { by, now, kind: 'instance-removed', detail }, 'undo');
    }
    const detail = 'The service was deleted.';
    this.core.removeService(name, { by, now, kind: 'service-deleted', detail }, 'undo');
    return { kind: 'done' };
  }

  /**
   * Registers an instance, or updates it, and gives its lease the full length. An address and port have one owner: whoever
   * had them until now is removed. An instance that an operator drained stays so when it says again that it is up; a new
   * sidecar under the same id is a new process, and is not drained.
   */
  register(spec: InstanceSpec, by: Actor, now: Moment): Registered {
    this.leases.notice(now);
    const existing = this.core.find(spec.service, spec.id);
    this.claimAddress(spec, existing, by, now);
    const isAnother =
      existing === null || (by.sidecar !== null && by.sidecar !== existing.stored.registeredBy);
    const isDrained = !isAnother && existing.stored.isDrained && !existing.stored.isExpired;
    const registeredBy = by.sidecar ?? (isAnother ? null : existing.stored.registeredBy);
    const registeredAt = isAnother ? isoOf(now) : existing.stored.registeredAt;
    const stored: StoredInstance = {
      ...copySpec(spec),
      isDrained,
      isExpired: false,
      registeredBy,
      registeredAt,
      revision: existing?.stored.revision ?? 0,
    };
    if (existing === null) {
      const entry = new InstanceEntry(stored, now.monotonic + spec.ttl);
      const detail = `It was registered at ${describeAddress(spec)}, ${entry.status}.`;
      const instance = this.core.addInstance(entry, { by, now, kind: 'instance-registered', detail }, 'undo');
      return { instance, created: true };
    }
    const isNews =
      existing.lease !== 'kept' || existing.isUnconfirmed || !isDeepStrictEqual(existing.stored, stored);
    existing.deadline = now.monotonic + spec.ttl;
    existing.isHeld = false;
    if (isNews) {
      const detail = `It was registered again at ${describeAddress(spec)}, ${spec.status}.`;
      const note = { by, now, kind: 'instance-updated', detail };
      this.core.updateInstance(existing, stored, { isSuspect: false, isUnconfirmed: false }, note, 'undo');
    }
    return { instance: existing.toInstance(), created: false };
  }

  /** Renews a lease. @returns null where the instance is unknown and has to register again */
  heartbeat(service: string, id: string, now: Moment): Instance | null {
    this.leases.notice(now);
    const entry = this.core.find(service, id);
    if (entry === null) return null;
    this.leases.renew(entry, now);
    return entry.toInstance();
  }

  /** Removes an instance. @returns the revision without it; null where it is unknown */
  deregister(service: string, id: string, by: Actor, now: Moment): Revision | null {
    this.leases.notice(now);
    const entry = this.core.find(service, id);
    if (entry === null) return null;
    const note = { by, now, kind: 'instance-deregistered', detail: 'Its registration was ended.' };
    this.core.removeInstance(entry, note, 'retry');
    return this.revision;
  }

  /** Takes an instance out of use until {@link undrain}. Its revision is the one that callers have to apply. */
  drain(service: string, id: string, by: Actor, now: Moment): Instance | null {
    this.leases.notice(now);
    const entry = this.core.find(service, id);
    if (entry === null || entry.stored.isDrained) return entry?.toInstance() ?? null;
    const note = { by, now, kind: 'instance-drained', detail: 'It is to get no new requests.' };
    return this.core.updateInstance(entry, { isDrained: true }, {}, note, 'retry');
  }

  /** Ends {@link drain}, also where the instance itself said that it drains. */
  undrain(service: string, id: string, by: Actor, now: Moment): Instance | null {
    this.leases.notice(now);
    const entry = this.core.find(service, id);
    if (entry === null || (!entry.stored.isDrained && entry.stored.status !== 'draining')) {
      return entry?.toInstance() ?? null;
    }
    const status = entry.stored.status === 'draining' ? 'up' : entry.stored.status;
    const note = { by, now, kind: 'instance-undrained', detail: 'It may get requests again.' };
    return this.core.updateInstance(entry, { isDrained: false, status }, {}, note, 'undo');
  }

  /** A sidecar's stream is open: the leases of the instances that it registered are renewed. */
  streamOpened(sidecar: string, now: Moment): void {
    this.leases.notice(now);
    this.leases.streamOpened(sidecar, now);
  }

  /**
   * A sidecar's stream broke: its instances become suspect at once, unless it has another one. Not to be called when the
   * control plane itself closes its streams to stop. Every {@link streamOpened} needs exactly one.
   */
  streamBroken(sidecar: string, now: Moment): void {
    this.leases.notice(now);
    this.leases.streamBroken(sidecar, now);
  }

  /** Renews the leases of all instances that a sidecar registered. @returns how many they are */
  renewAll(sidecar: string, now: Moment): number {
    this.leases.notice(now);
    return this.leases.renewAll(sidecar, now);
  }

  /** Ends leases and faults that ran out, removes what has been expired for long. To be called every half second. */
  tick(now: Moment): void {
    this.leases.notice(now);
    this.leases.tick(now);
    this.endFaults(now);
  }

  private endFaults(now: Moment): void {
    for (const { service, faultTerm } of [...this.core.services.values()]) {
      if (faultTerm === null || !this.faultClock.isOver(faultTerm, now)) continue;
      const note = { by: CONTROL_PLANE, now, kind: 'fault-ended', detail: FAULTS_ENDED };
      const { policy, term } = ended(service.policy, faultTerm);
      this.core.putService(service.name, policy, term, note, 'retry');
    }
  }

  /**
   * Puts back what the store has, since it could not keep what was changed. That is a change like any other, with a
   * revision of its own: what was told once is never told otherwise under the same revision.
   */
  restore(records: readonly StoreRecord[], reason: string, now: Moment): void {
    const detail = `The store could not keep a change: ${reason}`;
    const note = { by: CONTROL_PLANE, now, kind: 'change-undone', detail };
    const services = records.filter(record => record.kind === 'service');
    const instances = records.filter(record => record.kind === 'instance');
    for (const { name, value } of services) {
      if (value !== null) this.core.putService(name, value.policy, value.faultTerm ?? null, note, 'forget');
    }
    // What has to give way comes first, so that an address is free for whoever had it before.
    for (const { service, id, value } of instances) {
      const entry = this.core.find(service, id);
      if (entry !== null && value === null) this.core.removeInstance(entry, note, 'forget');
      if (entry !== null && value !== null) this.core.updateInstance(entry, value, {}, note, 'forget');
    }
    for (const { service, id, value } of instances) {
      if (value === null || this.core.find(service, id) !== null) continue;
      this.core.addInstance(new InstanceEntry(value, now.monotonic + value.ttl), note, 'forget');
    }
    for (const { name, value } of services) {
      if (value === null && this.entriesOf(name).length === 0) this.core.removeService(name, note, 'forget');
    }
  }

  /** Ends the registration of whoever else has the address of `spec`. */
  private claimAddress(spec: InstanceSpec, claimant: InstanceEntry | null, by: Actor, now: Moment): void {
    const owner = this.core.findByAddress(addressKeyOf(spec));
    if (owner === null || owner === claimant) return;
    const detail = `${spec.id} of ${spec.service} registered at ${describeAddress(spec)}, which was its address.`;
    this.core.removeInstance(owner, { by, now, kind: 'instance-replaced', detail }, 'undo');
  }

  private entriesOf(service: string): InstanceEntry[] {
    return [...(this.core.services.get(service)?.instances.values() ?? [])];
  }
}

function holds(precondition: Precondition | undefined, service: Service | null): boolean {
  if (precondition === undefined) return true;
  if (precondition === 'absent') return service === null;
  if (precondition === 'present') return service !== null;
  return service !== null && precondition.includes(service.revision);
}

/** The fields of a specification and no others, whatever else the caller's object has. */
function copySpec(spec: InstanceSpec): InstanceSpec {
  const { id, service, address, port, weight, zone, version, metadata, ttl, status } = spec;
  return { id, service, address, port, weight, zone, version, metadata, ttl, status };
}

function describeAddress({ address, port }: InstanceSpec): string {
  return formatHostPort({ host: address, port });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
