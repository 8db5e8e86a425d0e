import type {
  EndpointResource,
  Epoch,
  PolicyDocument,
  Revision,
} from '../../control-plane/contract/resources.ts';
import type { ServiceState, WatchMessage } from '../../control-plane/contract/watch-messages.ts';
import type { Schedule } from './schedule.ts';

/** What is known of one service. */
export interface KnownService {
  readonly name: string;
  /** False where the control plane has said that it knows no such service. */
  readonly exists: boolean;
  readonly policy: PolicyDocument;
  /** By id. */
  readonly endpoints: ReadonlyMap<string, EndpointResource>;
  /** It was read from disk, and the control plane has not spoken of it yet. */
  readonly isFromSnapshot: boolean;
}

/** Told of one service's endpoints. */
interface DirectoryListener {
  onSync(service: KnownService): void;
  onChange(set: readonly EndpointResource[], removed: readonly string[]): void;
}

/** Everything that is known, as it can be kept and taken up again. */
export interface DirectoryState {
  readonly epoch: Epoch;
  readonly revision: Revision;
  readonly services: readonly ServiceState[];
}

/**
 * How long endpoints that the control plane has forgotten are kept as the last resort. Their sidecars register them again as
 * soon as they are connected again, which takes less.
 */
const RETAINED_MS = 10_000;

/**
 * What this sidecar knows of the mesh: services, their policies and endpoints, as the control plane said last. The one place that a
 * snapshot and the watch both write to, and that upstreams read.
 *
 * A control plane that comes back with another history (a new epoch: restored from an older disk, or kept in memory) may have lost
 * instances that are alive. Those that it does not name any more are not dropped at once but used while there is nothing better.
 */
export class ServiceDirectory {
  /** Told when a service is known for the first time, comes into being, ceases to be, or has another policy. */
  onNews: (service: KnownService) => void = () => {};
  /** Told when anything that {@link state} says may have changed. */
  onApplied: () => void = () => {};
  private readonly schedule: Schedule;
  private readonly services = new Map<string, Entry>();
  private readonly listeners = new Map<string, DirectoryListener>();
  private currentEpoch: Epoch | null = null;
  private currentRevision: Revision = 0;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
  }

  get epoch(): Epoch | null {
    return this.currentEpoch;
  }

  /** The revision that all of this is as of. */
  get revision(): Revision {
    return this.currentRevision;
  }

  get all(): Iterable<KnownService> {
    return this.services.values();
  }

  get(name: string): KnownService | undefined {
    return this.services.get(name);
  }

  /** One listener per service; it is told at once what is known already. @returns what ends it */
  listen(name: string, listener: DirectoryListener): () => void {
    this.listeners.set(name, listener);
    const known = this.services.get(name);
    if (known !== undefined) listener.onSync(known);
    return () => {
      if (this.listeners.get(name) === listener) this.listeners.delete(name);
    };
  }

  /** Takes up what was kept on disk. */
  restore({ epoch, revision, services }: DirectoryState): void {
    this.currentEpoch = epoch;
    this.currentRevision = revision;
    for (const state of services) {
      const entry = new Entry(state.name);
      this.services.set(state.name, entry);
      entry.take(state, revision);
      entry.isFromSnapshot = true;
      this.tell(entry, true);
    }
  }

  /** Whether all that is known is of the current epoch, so that a stream can go on from here. */
  get isWhole(): boolean {
    return this.currentEpoch !== null && ![...this.services.values()].some(entry => entry.isOfOtherEpoch);
  }

  /** What there is to keep: services that exist. Null where that is nothing, or is about to be said anew. */
  state(): DirectoryState | null {
    if (this.currentEpoch === null || !this.isWhole) return null;
    const services = [...this.services.values()].filter(({ exists }) => exists).map(entry => entry.state());
    return { epoch: this.currentEpoch, revision: this.currentRevision, services };
  }

  /** Forgets a service that nobody asks for any more. */
  forget(name: string): void {
    this.services.get(name)?.cancelRetention();
    this.services.delete(name);
  }

  /** A stream has begun. Everything known stays in use until the control plane has said what it knows. */
  begin(epoch: Epoch): void {
    if (epoch === this.currentEpoch) return;
    if (this.currentEpoch !== null) {
      for (const entry of this.services.values()) entry.isOfOtherEpoch = true;
    }
    this.currentEpoch = epoch;
    this.currentRevision = 0;
  }

  sync(revision: Revision, states: readonly ServiceState[]): void {
    for (const state of states) {
      const known = this.services.get(state.name);
      const entry = known ?? new Entry(state.name);
      this.services.set(state.name, entry);
      const wasDifferent = known === undefined || known.isFromSnapshot;
      const hasNews = entry.take(state, revision);
      if (entry.hasRetained) entry.retainFor(this.schedule, RETAINED_MS, () => this.dropRetained(entry));
      this.tell(entry, wasDifferent || hasNews);
    }
    this.currentRevision = Math.max(this.currentRevision, revision);
    this.onApplied();
  }

  change(message: Extract<WatchMessage, { type: 'change' }>): void {
    const { service, revision, policy, set, remove } = message;
    this.currentRevision = Math.max(this.currentRevision, revision);
    const entry = this.services.get(service);
    // What was not asked for, or is part of what a sync has said.
    if (entry === undefined || revision <= entry.revision) return;
    entry.revision = revision;
    const existed = entry.exists;
    entry.setExists(message.exists);
    const removed = entry.change(set, remove);
    if (policy !== null) entry.policy = policy;
    if (entry.exists !== existed || policy !== null) this.onNews(entry);
    if (set.length > 0 || removed.length > 0) this.listeners.get(service)?.onChange(set, removed);
    this.onApplied();
  }

  stop(): void {
    for (const entry of this.services.values()) entry.cancelRetention();
  }

  private tell(entry: Entry, hasNews: boolean): void {
    if (hasNews) this.onNews(entry);
    this.listeners.get(entry.name)?.onSync(entry);
  }

  private dropRetained(entry: Entry): void {
    const { removed, hasNews } = entry.dropRetained();
    if (removed.length > 0) this.listeners.get(entry.name)?.onChange([], removed);
    if (hasNews) this.onNews(entry);
  }
}

class Entry implements KnownService {
  readonly name: string;
  exists = false;
  policy: PolicyDocument = {};
  endpoints = new Map<string, EndpointResource>();
  isFromSnapshot = false;
  isOfOtherEpoch = false;
  revision: Revision = 0;
  /** Ids of endpoints that the control plane does not name any more since it has another history. */
  private readonly retained = new Set<string>();
  /** What the control plane said of `exists` while {@link retained} ones speak against it. */
  private isSaidToExist = false;
  private cancel: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }

  get hasRetained(): boolean {
    return this.retained.size > 0;
  }

  /** @returns whether existence or policy are different now */
  take(state: ServiceState, revision: Revision): boolean {
    const before = this.endpoints;
    const { exists, policy } = this;
    this.cancelRetention();
    this.endpoints = new Map(state.endpoints.map(endpoint => [endpoint.id, endpoint]));
    if (this.isOfOtherEpoch) this.retain(before);
    this.isOfOtherEpoch = false;
    this.setExists(state.exists);
    if (state.exists || !this.hasRetained) this.policy = state.policy;
    this.isFromSnapshot = false;
    this.revision = revision;
    return exists !== this.exists || JSON.stringify(policy) !== JSON.stringify(this.policy);
  }

  setExists(exists: boolean): void {
    this.isSaidToExist = exists;
    this.exists = exists || this.hasRetained;
  }

  /** @returns the ids that are gone */
  change(set: readonly EndpointResource[], remove: readonly string[]): string[] {
    const removed = remove.filter(id => this.endpoints.delete(id));
    for (const endpoint of set) {
      this.retained.delete(endpoint.id);
      for (const id of this.retained) {
        if (!isAtSameAddress(this.endpoints.get(id), endpoint)) continue;
        this.retained.delete(id);
        this.endpoints.delete(id);
        removed.push(id);
      }
      this.endpoints.set(endpoint.id, endpoint);
    }
    return removed;
  }

  state(): ServiceState {
    const { name, exists, policy } = this;
    return { name, exists, policy, endpoints: [...this.endpoints.values()] };
  }

  retainFor(schedule: Schedule, ms: number, then: () => void): void {
    this.cancel?.();
    this.cancel = schedule(then, ms);
  }

  cancelRetention(): void {
    this.cancel?.();
    this.cancel = null;
    this.retained.clear();
  }

  dropRetained(): { removed: string[]; hasNews: boolean } {
    const removed = [...this.retained].filter(id => this.endpoints.delete(id));
    this.cancelRetention();
    const hasNews = this.exists !== this.isSaidToExist;
    this.exists = this.isSaidToExist;
    return { removed, hasNews };
  }

  /** Keeps what is not named any more as the last resort, save where another has taken its address. */
  private retain(before: ReadonlyMap<string, EndpointResource>): void {
    const taken = new Set([...this.endpoints.values()].map(addressOf));
    for (const [id, endpoint] of before) {
      if (this.endpoints.has(id) || taken.has(addressOf(endpoint))) continue;
      this.retained.add(id);
      this.endpoints.set(id, { ...endpoint, preference: 'last-resort' });
    }
  }
}

function isAtSameAddress(a: EndpointResource | undefined, b: EndpointResource): boolean {
  return a !== undefined && addressOf(a) === addressOf(b);
}

function addressOf({ address, port }: EndpointResource): string {
  return `${address}|${port}`;
}
