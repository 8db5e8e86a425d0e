import { randomBytes } from 'node:crypto';
import type { Revision } from '../contract/resources.ts';
import { type Moment, readMoment } from '../registry/moment.ts';
import { Registry, type RegistryOptions } from '../registry/registry.ts';
import type { RegistryChange } from '../registry/registry-change.ts';
import type { StoreRecord } from '../registry/stored-state.ts';
import { KeptRecords, keyOf } from './kept-records.ts';
import { type LoadedState, type Store, StoreError, type StoreRevision } from './store.ts';

/** How far ahead of the revision the ceiling is set, so that changes which are not stored need no write each. */
const CEILING_MARGIN = 10_000;

/** When what could not be kept is tried again. */
const RETRY_MS = 1_000;

/** A registry with what keeps it. */
export interface KeptRegistry {
  readonly registry: Registry;
  readonly keeper: RegistryKeeper;
  /** What the store has to say to whoever runs the control plane, mostly nothing. */
  readonly notices: readonly string[];
}

/**
 * Opens the registry that a store has, in an epoch of its own. Every start begins a new epoch, because none can prove that
 * the disk is the one of yesterday and not a copy from a backup; it costs the watchers one full resynchronisation. Beside
 * that, revisions begin above all that the store knows to have been told, so that they grow as long as the disk is right.
 * A full disk does not keep it from starting: callers can still be served, see {@link RegistryKeeper.failure}.
 * @throws StoreError where the store can't be read, or written for another reason than want of space
 */
export async function openRegistry(
  store: Store,
  clock: () => Moment = readMoment,
  options: Pick<RegistryOptions, 'settings' | 'eventCapacity'> = {},
): Promise<KeptRegistry> {
  const loaded = await store.load();
  const epoch = `${loaded.starts + 1}-${randomBytes(6).toString('hex')}`;
  const registry = new Registry({ ...options, epoch, now: clock(), stored: loaded });
  const keeper = new RegistryKeeper(registry, store, loaded, clock);
  await keeper.begin();
  return { registry, keeper, notices: loaded.notices };
}

/**
 * Keeps a registry in a store. Changes are committed in groups: what happens while a commit is under way goes into the
 * next one, so that a slow disk costs waiting, not throughput. Callers of the API wait for {@link committed} before they
 * say that something was done.
 */
export class RegistryKeeper {
  private readonly registry: Registry;
  private readonly store: Store;
  private readonly clock: () => Moment;
  private readonly starts: number;
  private readonly unsubscribe: () => void;
  /** What the store has. */
  private readonly kept = new KeptRecords();
  private storeRevision: StoreRevision;
  private ceiling: Revision;
  /** What the next commit has to keep, and what the one under way keeps. */
  private dirty = new Map<string, Dirty>();
  private inFlight = new Map<string, Dirty>();
  private waiting: Waiting[] = [];
  private served: Waiting[] = [];
  private isHeadDue = false;
  private running: Promise<void> | null = null;
  private retry: NodeJS.Timeout | null = null;
  private lastFailure: StoreError | null = null;
  private closing: Promise<void> | null = null;

  /** {@link openRegistry} makes them. */
  constructor(registry: Registry, store: Store, loaded: LoadedState, clock: () => Moment) {
    this.registry = registry;
    this.clock = clock;
    this.store = store;
    this.starts = loaded.starts + 1;
    this.storeRevision = loaded.storeRevision;
    this.ceiling = loaded.revisionCeiling;
    for (const value of loaded.services) this.kept.put({ kind: 'service', name: value.name, value });
    for (const value of loaded.instances) {
      this.kept.put({ kind: 'instance', service: value.service, id: value.id, value });
    }
    this.unsubscribe = registry.subscribe({ onChange: change => this.onChange(change) });
  }

  /** Writes down that there was another start. */
  async begin(): Promise<void> {
    this.isHeadDue = true;
    try {
      await this.committed();
    } catch (error) {
      if (!(error instanceof StoreError && error.kind === 'full')) throw error;
    }
  }

  /** Why the last commit failed; null when it succeeded. */
  get failure(): StoreError | null {
    return this.lastFailure;
  }

  /**
   * Returns when everything that the registry was changed by until now will survive a crash.
   * @throws StoreError where it can't be kept. What somebody asked for has been undone by then, save that an instance
   * which was drained or deregistered stays so.
   */
  committed(): Promise<void> {
    if (!this.isDue && this.inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const list = this.isDue ? this.waiting : this.served;
      list.push({ resolve, reject });
      this.start();
    });
  }

  /** Commits what is left, and closes the store. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    this.unsubscribe();
    if (this.retry !== null) clearTimeout(this.retry);
    try {
      await this.committed();
    } finally {
      await this.store.close();
    }
  }

  private onChange({ records, onLoss, revision }: RegistryChange): void {
    for (const record of records) {
      const key = keyOf(record);
      const earlier = this.dirty.get(key) ?? this.inFlight.get(key);
      const before = earlier?.base ?? this.kept.get(key) ?? forgetting(record);
      this.dirty.set(key, { record, base: onLoss === 'undo' ? before : record });
    }
    if (revision > this.ceiling - CEILING_MARGIN / 2) this.isHeadDue = true;
    if (this.isDue) this.start();
  }

  private get isDue(): boolean {
    return this.dirty.size > 0 || this.isHeadDue;
  }

  private start(): void {
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
    this.running ??= this.run();
  }

  private async run(): Promise<void> {
    // What happens in one go, such as an address that changes hands, belongs in one commit.
    await Promise.resolve();
    while (this.isDue) {
      this.inFlight = this.dirty;
      this.served = this.waiting;
      this.dirty = new Map();
      this.waiting = [];
      this.isHeadDue = false;
      this.ceiling = Math.max(this.ceiling, this.registry.revision + CEILING_MARGIN);
      const records = [...this.inFlight.values()].map(({ record }) => record);
      const head = { starts: this.starts, revisionCeiling: this.ceiling };
      try {
        this.storeRevision = await this.store.commit(records, head, this.storeRevision);
      } catch (error) {
        this.fail(
          error instanceof StoreError ? error : new StoreError('failed', String(error), { cause: error }),
        );
        break;
      }
      this.succeed();
    }
    this.running = null;
  }

  private succeed(): void {
    this.lastFailure = null;
    for (const [key, { record, base }] of this.inFlight) {
      this.kept.put(record);
      const later = this.dirty.get(key);
      if (later !== undefined && later.base === base) this.dirty.set(key, { ...later, base: record });
    }
    this.inFlight = new Map();
    for (const { resolve } of this.served) resolve();
    this.served = [];
  }

  /** What was changed meanwhile was built on what is lost now, so all of it fails together. */
  private fail(error: StoreError): void {
    this.lastFailure = error;
    const lost = new Map([...this.inFlight, ...this.dirty]);
    this.inFlight = new Map();
    this.dirty = new Map();
    const undone: StoreRecord[] = [];
    for (const [key, { record, base }] of lost) {
      if (record !== base) undone.push(base);
      const kept = this.kept.get(key);
      if (base !== kept && !(base.value === null && kept === undefined)) {
        this.dirty.set(key, { record: base, base });
      }
    }
    this.isHeadDue = true;
    if (undone.length > 0) this.registry.restore(undone, error.message, this.clock());
    const waiting = [...this.served, ...this.waiting];
    this.served = [];
    this.waiting = [];
    for (const { reject } of waiting) reject(error);
    if (this.closing !== null) return;
    this.retry = setTimeout(() => this.start(), RETRY_MS).unref();
  }
}

/** A change that is not kept yet. */
interface Dirty {
  readonly record: StoreRecord;
  /** What is true of it if it can't be kept: itself, or what to put back. */
  readonly base: StoreRecord;
}

interface Waiting {
  resolve(): void;
  reject(error: StoreError): void;
}

function forgetting(record: StoreRecord): StoreRecord {
  return { ...record, value: null };
}
