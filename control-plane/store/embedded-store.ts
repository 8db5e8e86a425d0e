import { existsSync } from 'node:fs';
import { mkdir, open as openFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import type { StoredInstance, StoredService, StoreRecord } from '../registry/stored-state.ts';
import { makeReadable } from './lmdb-file.ts';
import { checkOf, StateDigest } from './state-digest.ts';
import { type CommitHead, type LoadedState, type Store, StoreError, type StoreRevision } from './store.ts';

/** The file in the data directory. */
export const STORE_FILE = 'registry.mdb';

/** What a store of this version is called inside of its head; grows with changes that an earlier version can't read. */
const FORMAT = 1;
const HEAD = 'head';

/** Address space, not memory or disk: room to grow before the engine has to map the file anew. */
const MAP_SIZE = 64 * 1024 * 1024;

type Db = RootDatabase<string, string>;

/** The part of a store that every commit writes. */
interface Head extends CommitHead {
  readonly format: number;
  readonly count: number;
  readonly digest: string;
}

/**
 * Keeps the registry in a directory, by LMDB: a commit is one transaction, flushed to the disk before it counts, that a
 * crash at any moment leaves either done or not. LMDB itself would not notice a damaged page, so every commit also writes
 * a digest of all that is there, which {@link load} compares.
 */
export class EmbeddedStore implements Store {
  readonly name: string;
  private readonly directory: string;
  private readonly db: Db;
  private digest = new StateDigest();
  private closing: Promise<void> | null = null;

  private constructor(directory: string, db: Db) {
    this.name = join(directory, STORE_FILE);
    this.directory = directory;
    this.db = db;
  }

  /**
   * Opens the store in a directory, which is made where it is missing. A file that is there already is never replaced.
   * @throws StoreError
   */
  static async open(directory: string): Promise<EmbeddedStore> {
    const path = join(directory, STORE_FILE);
    try {
      await mkdir(directory, { recursive: true });
      if (!existsSync(path)) await create(directory);
      const damage = await makeReadable(path);
      if (damage !== null) throw damagedFile(path, damage);
      return new EmbeddedStore(directory, openDb(path));
    } catch (error) {
      throw await explain(error, directory, `can't open ${path}`);
    }
  }

  async load(): Promise<LoadedState> {
    const entries = this.readAll();
    const head = this.readHead();
    const digest = new StateDigest();
    for (const [key, text] of entries) digest.set(key, text);
    const found = digest.after([]);
    if (found.count !== head.count || found.digest !== head.digest) {
      throw this.damaged(`it has ${found.count} entries where ${head.count} were written, or other ones`);
    }
    this.digest = digest;
    const services: StoredService[] = [];
    const instances: StoredInstance[] = [];
    for (const [key, text] of entries) {
      if (key.startsWith('service/')) services.push(JSON.parse(text));
      else instances.push(JSON.parse(text));
    }
    const { starts, revisionCeiling, storeRevision } = head;
    return { starts, revisionCeiling, services, instances, storeRevision };
  }

  async commit(
    records: readonly StoreRecord[],
    { starts, revisionCeiling }: CommitHead,
    expected: StoreRevision,
  ): Promise<StoreRevision> {
    const writes = records.map(record => [keyOf(record), textOf(record)] as const);
    const head: Head = { format: FORMAT, starts, revisionCeiling, ...this.digest.after(writes) };
    const next = expected + 1;
    let isDone: boolean;
    try {
      isDone = await this.db.ifVersion(HEAD, expected, () => {
        for (const [key, text] of writes) {
          ignore(text === null ? this.db.remove(key) : this.db.put(key, text, next));
        }
        ignore(this.db.put(HEAD, seal(head), next));
      });
    } catch (error) {
      throw await explain(error, this.directory, `can't write ${this.name}`);
    }
    if (!isDone) {
      const hint = 'is another control plane running on the same directory?';
      throw new StoreError('conflict', `${this.name} was written by somebody else: ${hint}`);
    }
    for (const [key, text] of writes) this.digest.set(key, text);
    return next;
  }

  close(): Promise<void> {
    this.closing ??= this.db.close();
    return this.closing;
  }

  private readAll(): Map<string, string> {
    const entries = new Map<string, string>();
    try {
      for (const { key, value } of this.db.getRange()) if (key !== HEAD) entries.set(key, value);
    } catch (error) {
      throw this.damaged(messageOf(error), error);
    }
    return entries;
  }

  private readHead(): Head & { storeRevision: StoreRevision } {
    let entry: { value: string; version?: number } | undefined;
    try {
      entry = this.db.getEntry(HEAD);
    } catch (error) {
      throw this.damaged(messageOf(error), error);
    }
    const head = entry === undefined ? null : unseal(entry.value);
    if (entry?.version === undefined || head === null) throw this.damaged('its head is missing or not whole');
    if (head.format > FORMAT) {
      throw new StoreError('newer', `${this.name} was written by a later version of Outrider: use that one`);
    }
    return { ...head, storeRevision: entry.version };
  }

  private damaged(what: string, cause?: unknown): StoreError {
    return damagedFile(this.name, what, cause);
  }
}

/**
 * Makes an empty store. Under another name first: so that a file of the right name is always a whole one, and one that is
 * not is known to be damaged.
 */
async function create(directory: string): Promise<void> {
  const path = join(directory, STORE_FILE);
  const draft = join(directory, `new-${STORE_FILE}`);
  await removeDraft(draft);
  const db = openDb(draft);
  const head: Head = { ...{ format: FORMAT, starts: 0, revisionCeiling: 0 }, ...new StateDigest().after([]) };
  await db.put(HEAD, seal(head), 0);
  await db.close();
  await rename(draft, path);
  await removeDraft(draft);
  await syncDirectory(directory);
}

function openDb(path: string): Db {
  // Without overlapping, a commit is on the disk when its promise says that it is done. Without batches by event turn,
  // there is no promise among those that fail which nobody but the engine knows of.
  return open<string, string>({
    path,
    encoding: 'string',
    useVersions: true,
    overlappingSync: false,
    eventTurnBatching: false,
    mapSize: MAP_SIZE,
  });
}

async function removeDraft(draft: string): Promise<void> {
  await rm(draft, { force: true });
  await rm(`${draft}-lock`, { force: true });
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await openFile(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function keyOf(record: StoreRecord): string {
  return record.kind === 'service' ? `service/${record.name}` : `instance/${record.service}/${record.id}`;
}

function textOf({ value }: StoreRecord): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** The head with a check of its own. */
function seal(head: Head): string {
  const text = JSON.stringify(head);
  return `${checkOf(text)} ${text}`;
}

function unseal(sealed: string): Head | null {
  const space = sealed.indexOf(' ');
  const text = sealed.slice(space + 1);
  return sealed.slice(0, space) === checkOf(text) ? JSON.parse(text) : null;
}

/** Of the promises that the engine makes for one transaction, all fail, and only one is of interest. */
function ignore(promise: PromiseLike<unknown>): void {
  promise.then(undefined, () => {});
}

function damagedFile(path: string, what: string, cause?: unknown): StoreError {
  const message = `${path} is damaged: ${what}. Nothing of it was changed. Restore it from a backup, or move it away to begin anew; instances will register again by themselves, policies come from the mesh file`;
  return new StoreError('damaged', message, { cause });
}

/** Turns whatever the engine or the file system say into one of our kinds. */
async function explain(error: unknown, directory: string, what: string): Promise<StoreError> {
  if (error instanceof StoreError) return error;
  const cause = await causeOf(error);
  const code = (cause as { code?: unknown }).code;
  if (FULL.has(code) || (isVague(code) && (await isDiskFull(directory)))) {
    return new StoreError(
      'full',
      `${what}: no space is left on its disk; what was kept before is still there`,
      {
        cause,
      },
    );
  }
  if (DAMAGED.has(code)) return damagedFile(join(directory, STORE_FILE), messageOf(cause), cause);
  return new StoreError('failed', `${what}: ${messageOf(cause)}`, { cause });
}

/** ENOSPC, EDQUOT, and LMDB's own MDB_MAP_FULL and MDB_TXN_FULL. */
const FULL: ReadonlySet<unknown> = new Set([28, 122, -30792, -30788, 'ENOSPC', 'EDQUOT']);

/** Whether a full disk may be behind it: LMDB calls a page that could only be written in part an input/output error. */
function isVague(code: unknown): boolean {
  return code === undefined || code === 5 || code === 'EIO';
}

/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID. */
const DAMAGED: ReadonlySet<unknown> = new Set([-30797, -30796, -30794, -30793]);

/** How long the engine may take to say why a commit failed. */
const CAUSE_MS = 1000;

/** The engine says that a commit failed at once, and why by a promise that comes with the error. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: unknown };
  if (!(commitError instanceof Promise)) return error;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, CAUSE_MS, error);
  });
  try {
    return await Promise.race([
      commitError.then(
        () => error,
        cause => cause,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** In bytes. */
const LITTLE_SPACE = 256 * 1024;

async function isDiskFull(directory: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize < LITTLE_SPACE;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
