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

type ChangeMessage = Extract<WatchMessage, { type: 'change' }>;

/** Endpoints of a service that are remembered to have left. */
const MAX_GONE = 1000;

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
 * instances that are alive. Those that it does not name any more are not dropped at once but used while there is nothing better. And
 * it may name some that are gone: what it has from its disk alone does not overrule what is known here ({@link Entry.judge}).
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
      entry.take(state, revision, new Map());
      entry.isFromSnapshot = true;
      this.tell(entry, true);
    }
  }

  /** Whether all that is known is of the current epoch, so that a stream can go on from here. */
  get isWhole(): boolean {
    return this.currentEpoch !== null && ![...this.services.values()].some(entry => entry.isOfOtherEpoch);
  }

  /** Whether the control plane need only say what has changed: of faults that are known from disk nobody can tell whether their time is over. */
  get isResumable(): boolean {
    const isDoubtful = ({ isFromSnapshot, policy }: Entry) => isFromSnapshot && policy.fault != null;
    return this.isWhole && ![...this.services.values()].some(isDoubtful);
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
    const addresses = this.addresses();
    for (const state of states) {
      const known = this.services.get(state.name);
      const entry = known ?? new Entry(state.name);
      this.services.set(state.name, entry);
      const wasDifferent = known === undefined || known.isFromSnapshot;
      const hasNews = entry.take(state, revision, addresses);
      if (entry.hasRetained) entry.retainFor(this.schedule, RETAINED_MS, () => this.dropRetained(entry));
      this.tell(entry, wasDifferent || hasNews);
    }
    this.currentRevision = Math.max(this.currentRevision, revision);
    this.onApplied();
  }

  change(message: ChangeMessage): void {
    const { service, revision, policy } = message;
    this.currentRevision = Math.max(this.currentRevision, revision);
    const entry = this.services.get(service);
    // What was not asked for, or is part of what a sync has said.
    if (entry === undefined || revision <= entry.revision) return;
    entry.revision = revision;
    const existed = entry.exists;
    entry.setExists(message.exists);
    const isDoubted = message.set.some(({ preference }) => preference === 'unconfirmed');
    const { set, removed } = entry.change(message, isDoubted ? this.addresses() : new Map());
    if (policy !== null) entry.policy = policy;
    if (entry.exists !== existed || policy !== null) this.onNews(entry);
    if (set.length > 0 || removed.length > 0) this.listeners.get(service)?.onChange(set, removed);
    this.onApplied();
  }

  stop(): void {
    for (const entry of this.services.values()) entry.cancelRetention();
  }

  /** Which endpoint is known at which address, of all services. */
  private addresses(): Map<string, EndpointKey> {
    const services = [...this.services.values()];
    return new Map(
      services.flatMap(({ name, endpoints }) =>
        [...endpoints.values()].map(endpoint => [addressOf(endpoint), keyOf(name, endpoint)] as const),
      ),
    );
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
  /** Ids of endpoints that left while this sidecar was told of it, the last one at the end. */
  private readonly gone = new Set<string>();
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
  take(state: ServiceState, revision: Revision, addresses: ReadonlyMap<string, EndpointKey>): boolean {
    const before = this.endpoints;
    const { exists, policy } = this;
    this.cancelRetention();
    const used = state.endpoints.flatMap(endpoint => this.judge(endpoint, addresses) ?? []);
    this.endpoints = new Map(used.map(endpoint => [endpoint.id, endpoint]));
    if (this.isOfOtherEpoch) this.retain(before);
    else for (const id of before.keys()) if (!this.endpoints.has(id)) this.leave(id);
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

  /** @returns what is new or different, and the ids that are gone */
  change(
    { set: told, remove }: Pick<ChangeMessage, 'set' | 'remove'>,
    addresses: ReadonlyMap<string, EndpointKey>,
  ): { set: EndpointResource[]; removed: string[] } {
    const removed = remove.filter(id => this.endpoints.delete(id));
    for (const id of remove) this.leave(id);
    const set = told.flatMap(endpoint => this.judge(endpoint, addresses) ?? []);
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
    return { set, removed };
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

  /**
   * How an endpoint is used that the control plane tells of; null: not at all. What it has from its disk alone may be long gone, and
   * another service at its address: it counts for what it was known as here, and else as the last resort, save where it was seen
   * to leave, or its address is known to be another's.
   */
  private judge(
    endpoint: EndpointResource,
    addresses: ReadonlyMap<string, EndpointKey>,
  ): EndpointResource | null {
    const { id, preference } = endpoint;
    if (preference === 'normal') this.gone.delete(id);
    if (this.gone.has(id)) return null;
    if (preference !== 'unconfirmed') return endpoint;
    const known = this.endpoints.get(id);
    if (isAtSameAddress(known, endpoint)) return { ...endpoint, preference: known.preference };
    const owner = addresses.get(addressOf(endpoint));
    const isAnothers = owner !== undefined && owner !== keyOf(this.name, endpoint);
    return isAnothers ? null : { ...endpoint, preference: 'last-resort' };
  }

  private leave(id: string): void {
    this.gone.delete(id);
    this.gone.add(id);
    if (this.gone.size <= MAX_GONE) return;
    for (const oldest of this.gone) {
      this.gone.delete(oldest);
      return;
    }
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

function isAtSameAddress(a: EndpointResource | undefined, b: EndpointResource): a is EndpointResource {
  return a !== undefined && addressOf(a) === addressOf(b);
}

/** An endpoint among those of all services. */
type EndpointKey = string;

function keyOf(service: string, { id }: EndpointResource): EndpointKey {
  return `${service}/${id}`;
}

function addressOf({ address, port }: EndpointResource): string {
  return `${address}|${port}`;
}
