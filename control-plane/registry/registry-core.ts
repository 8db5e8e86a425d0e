import type { Instance, MeshEvent, PolicyDocument, Revision, Service } from '../contract/resources.ts';
import type { Actor } from './actor.ts';
import { EventLog } from './event-log.ts';
import type { FaultTerm } from './fault-terms.ts';
import { type InstanceEntry, isSameEndpoint } from './instance-entry.ts';
import type { Moment } from './moment.ts';
import type { RegistryChange, RegistryListener } from './registry-change.ts';
import type { StoredInstance, StoredService, StoreRecord } from './stored-state.ts';

/** Who does what, when, and how an event tells of it. */
interface Note {
  readonly by: Actor;
  readonly now: Moment;
  readonly kind: string;
  readonly detail: string;
}

/** What the store has to do with a change: nothing, or keep it, and what becomes of the change if it can't. */
type Keeping = 'forget' | RegistryChange['onLoss'];

/** What of an entry is not stored, to be set together with what is. */
type Flags = Partial<
  Pick<InstanceEntry, 'isSuspect' | 'isUnconfirmed' | 'isHeld' | 'deadline' | 'expiredAt'>
>;

interface ServiceEntry {
  service: Service;
  /** How long the faults of its policy go on; null where there are none. */
  faultTerm: FaultTerm | null;
  readonly instances: Map<string, InstanceEntry>;
}

/** The registry's tables. Every change goes through here, gets its revision and its event, and is told to the listeners. */
export class RegistryCore {
  revision: Revision;
  readonly log: EventLog;
  readonly listeners = new Set<RegistryListener>();
  readonly services = new Map<string, ServiceEntry>();
  instanceCount = 0;
  private readonly byAddress = new Map<string, InstanceEntry>();
  private readonly bySidecar = new Map<string, Set<InstanceEntry>>();

  constructor(revision: Revision, eventCapacity: number) {
    this.revision = revision;
    this.log = new EventLog(eventCapacity);
  }

  find(service: string, id: string): InstanceEntry | null {
    return this.services.get(service)?.instances.get(id) ?? null;
  }

  findByAddress(addressKey: string): InstanceEntry | null {
    return this.byAddress.get(addressKey) ?? null;
  }

  /** The instances that a sidecar registered. */
  ofSidecar(sidecar: string): readonly InstanceEntry[] {
    return [...(this.bySidecar.get(sidecar) ?? [])];
  }

  entries(): InstanceEntry[] {
    return [...this.services.values()].flatMap(({ instances }) => [...instances.values()]);
  }

  /** Takes in a service from the store, without a change. */
  loadService({ faultTerm, ...service }: StoredService): void {
    this.services.set(service.name, { service, faultTerm: faultTerm ?? null, instances: new Map() });
  }

  /** Takes in an instance from the store, without a change. Its service is made where it is missing. */
  loadInstance(entry: InstanceEntry): void {
    this.link(entry);
  }

  putService(
    name: string,
    policy: PolicyDocument,
    faultTerm: FaultTerm | null,
    note: Note,
    keeping: Keeping,
  ): Service {
    const revision = ++this.revision;
    const service: Service = { name, policy, revision };
    const entry = this.services.get(name);
    if (entry === undefined) this.services.set(name, { service, faultTerm, instances: new Map() });
    else Object.assign(entry, { service, faultTerm });
    const value: StoredService = faultTerm === null ? service : { ...service, faultTerm };
    this.addEvent(note, name, null);
    this.emit({
      kind: 'service',
      revision,
      service: name,
      policy,
      existed: entry !== undefined,
      exists: true,
      ...keep(keeping, { kind: 'service', name, value }),
    });
    return service;
  }

  /** Its instances have to be removed first. */
  removeService(name: string, note: Note, keeping: Keeping): void {
    const revision = ++this.revision;
    const existed = this.services.delete(name);
    this.addEvent(note, name, null);
    this.emit({
      kind: 'service',
      revision,
      service: name,
      policy: {},
      existed,
      exists: false,
      ...keep(keeping, { kind: 'service', name, value: null }),
    });
  }

  /** Adds an instance, and its service where there is none. */
  addInstance(entry: InstanceEntry, note: Note, keeping: Keeping): Instance {
    const revision = ++this.revision;
    const { service, id } = entry.stored;
    const existed = this.services.has(service);
    entry.stored = { ...entry.stored, revision };
    this.link(entry);
    const records: StoreRecord[] = [{ kind: 'instance', service, id, value: entry.stored }];
    if (!existed) {
      records.unshift({ kind: 'service', name: service, value: { name: service, policy: {}, revision } });
    }
    this.addEvent(note, service, id);
    const endpoint = entry.toEndpoint();
    this.emit({
      kind: 'instance',
      revision,
      service,
      instance: id,
      before: null,
      endpoint,
      isVisible: endpoint !== null,
      ended: null,
      existed,
      exists: true,
      ...keep(keeping, ...records),
    });
    return entry.toInstance();
  }

  updateInstance(
    entry: InstanceEntry,
    patch: Partial<StoredInstance>,
    flags: Flags,
    note: Note,
    keeping: Keeping,
  ): Instance {
    const revision = ++this.revision;
    const before = entry.toEndpoint();
    this.unindex(entry);
    entry.stored = { ...entry.stored, ...patch, revision };
    Object.assign(entry, flags);
    this.index(entry);
    const { service, id } = entry.stored;
    this.addEvent(note, service, id);
    const endpoint = entry.toEndpoint();
    this.emit({
      kind: 'instance',
      revision,
      service,
      instance: id,
      before,
      endpoint,
      isVisible: !isSameEndpoint(before, endpoint),
      ended: null,
      existed: true,
      exists: true,
      ...keep(keeping, { kind: 'instance', service, id, value: entry.stored }),
    });
    return entry.toInstance();
  }

  removeInstance(entry: InstanceEntry, note: Note, keeping: Keeping): void {
    const revision = ++this.revision;
    const before = entry.toEndpoint();
    const { service, id } = entry.stored;
    this.unindex(entry);
    this.services.get(service)?.instances.delete(id);
    this.instanceCount--;
    this.addEvent(note, service, id);
    this.emit({
      kind: 'instance',
      revision,
      service,
      instance: id,
      before,
      endpoint: null,
      isVisible: before !== null,
      ended: note.detail,
      existed: true,
      exists: true,
      ...keep(keeping, { kind: 'instance', service, id, value: null }),
    });
  }

  addEvent({ by, now, kind, detail }: Note, service: string, instance: string | null): void {
    const event: MeshEvent = {
      revision: this.revision,
      at: isoOf(now),
      kind,
      service,
      instance,
      by: by.name,
      detail,
    };
    this.log.add(event);
  }

  private link(entry: InstanceEntry): void {
    const { service: name, id, revision } = entry.stored;
    let service = this.services.get(name);
    if (service === undefined) {
      service = { service: { name, policy: {}, revision }, faultTerm: null, instances: new Map() };
      this.services.set(name, service);
    }
    service.instances.set(id, entry);
    this.instanceCount++;
    this.index(entry);
  }

  private index(entry: InstanceEntry): void {
    this.byAddress.set(entry.addressKey, entry);
    const { registeredBy } = entry.stored;
    if (registeredBy === null) return;
    const entries = this.bySidecar.get(registeredBy);
    if (entries === undefined) this.bySidecar.set(registeredBy, new Set([entry]));
    else entries.add(entry);
  }

  private unindex(entry: InstanceEntry): void {
    if (this.byAddress.get(entry.addressKey) === entry) this.byAddress.delete(entry.addressKey);
    const { registeredBy } = entry.stored;
    if (registeredBy === null) return;
    const entries = this.bySidecar.get(registeredBy);
    entries?.delete(entry);
    if (entries?.size === 0) this.bySidecar.delete(registeredBy);
  }

  private emit(change: RegistryChange): void {
    for (const listener of this.listeners) listener.onChange(change);
  }
}

export function isoOf({ wall }: Moment): string {
  return new Date(wall).toISOString();
}

function keep(keeping: Keeping, ...records: StoreRecord[]): Pick<RegistryChange, 'records' | 'onLoss'> {
  return keeping === 'forget' ? { records: [], onLoss: 'retry' } : { records, onLoss: keeping };
}
