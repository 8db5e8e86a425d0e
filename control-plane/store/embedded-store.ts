import { existsSync } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../../process/make-directory.ts';
import type { StoreRecord } from '../registry/stored-state.ts';
import { type Commit, encodeCommit, encodeHeader, readJournal } from './journal.ts';
import { KeptRecords } from './kept-records.ts';
import { type CommitHead, type LoadedState, type Store, StoreError, type StoreRevision } from './store.ts';
import { SyncedNote } from './synced-note.ts';

/** The files in the data directory: the journal, and the revision up to which it is known to be on the disk. */
export const JOURNAL_FILE = 'registry.journal';
export const SYNCED_FILE = 'registry.synced';

/** A journal is written anew when it is this many times as long as what is in force would be, and longer than a minimum. */
const REWRITE_FACTOR = 4;
const REWRITE_MINIMUM = 1024 * 1024;

/**
 * Keeps the registry in a directory, as a journal: a commit is one line that is appended and flushed to the disk before it
 * counts. A crash leaves at most a part of a last line that nobody was told of; anything else that is not as it was
 * written is noticed by the checks of the lines, or, where the end is missing, by a note of how far the journal went. An own
 * format rather than an engine, because what is kept is small and in memory anyway, and because LMDB, which we tried, ends
 * the process where a page is damaged, and steps back one commit without a word where it is the first or second page.
 */
export class EmbeddedStore implements Store {
  readonly name: string;
  private readonly directory: string;
  private readonly note: SyncedNote;
  private readonly records = new KeptRecords();
  private file: FileHandle | null = null;
  /** The length of what counts; a commit that failed may have left something behind it. */
  private length = 0;
  /** The length right after it was last written anew. */
  private compactLength = 0;
  private check = '';
  private revision: StoreRevision = 0;
  private head: CommitHead = EMPTY_HEAD;
  /** Whether the file itself can't be trusted any more, since flushing it failed. */
  private isUnsure = false;
  private hasRemains = false;
  private committing: Promise<unknown> | null = null;
  private closing: Promise<void> | null = null;

  private constructor(directory: string) {
    this.directory = directory;
    this.name = join(directory, JOURNAL_FILE);
    this.note = new SyncedNote(join(directory, SYNCED_FILE));
  }

  /**
   * Opens the store in a directory, which is made where it is missing.
   * @throws StoreError
   */
  static async open(directory: string): Promise<EmbeddedStore> {
    const store = new EmbeddedStore(directory);
    try {
      await makeDirectory(directory);
      if (!existsSync(store.name)) await store.rewrite();
      else store.file = await open(store.name, 'r+');
    } catch (error) {
      throw explain(error, `can't open ${store.name}`);
    }
    return store;
  }

  async load(): Promise<LoadedState> {
    const bytes = await this.readFile();
    const journal = readJournal(bytes);
    if (journal.kind === 'damaged') throw this.damaged(journal.what);
    if (journal.kind === 'newer') {
      throw new StoreError('newer', `${this.name} was written by a later version of Outrider: use that one`);
    }
    const last = journal.commits.at(-1);
    const revision = last?.storeRevision ?? 0;
    const synced = await this.note.read();
    if (revision < synced) {
      throw this.damaged(
        `its end is missing: commit ${synced} was kept once, and ${revision} is the last one there`,
        `where the directory is a copy made while a control plane ran, move ${join(this.directory, SYNCED_FILE)} away to go on with commit ${revision}`,
      );
    }
    const notices = await this.dropRemains(bytes, journal.length);
    this.records.clear();
    for (const { records } of journal.commits) for (const record of records) this.records.put(record);
    this.length = journal.length;
    this.check = journal.check;
    this.revision = revision;
    this.head = last ?? EMPTY_HEAD;
    this.compactLength = JSON.stringify(this.records.all).length;
    const { starts, revisionCeiling } = this.head;
    return { starts, revisionCeiling, ...this.records.state, storeRevision: revision, notices };
  }

  commit(records: readonly StoreRecord[], head: CommitHead, expected: StoreRevision): Promise<StoreRevision> {
    const committing = this.commitNow(records, head, expected);
    this.committing = committing;
    return committing;
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async commitNow(
    records: readonly StoreRecord[],
    head: CommitHead,
    expected: StoreRevision,
  ): Promise<StoreRevision> {
    if (expected !== this.revision) throw this.conflict();
    const revision = expected + 1;
    try {
      await this.append({ ...head, storeRevision: revision, records });
    } catch (error) {
      throw explain(error, `can't write ${this.name}`);
    }
    this.revision = revision;
    this.head = head;
    for (const record of records) this.records.put(record);
    await this.note.write(revision);
    if (this.length > REWRITE_MINIMUM && this.length > REWRITE_FACTOR * this.compactLength) {
      // Where space is wanting for it, the journal just goes on growing until that says so.
      await this.rewrite().catch(() => {});
    }
    return revision;
  }

  private async readFile(): Promise<Buffer> {
    try {
      return await readFile(this.name);
    } catch (error) {
      throw explain(error, `can't read ${this.name}`);
    }
  }

  private async append(commit: Commit): Promise<void> {
    const file = await this.openedFile();
    const { line, check } = encodeCommit(this.check, commit);
    let isWritten = false;
    try {
      await writeAt(file, line, this.length);
      isWritten = true;
      await file.datasync();
    } catch (error) {
      // After a flush that failed nobody knows what of the file is on the disk; a new file is then written and flushed.
      this.isUnsure = isWritten;
      this.hasRemains = true;
      await this.removeRemains(file).catch(() => {});
      throw error;
    }
    this.length += line.length;
    this.check = check;
  }

  /** The journal, as this store left it. */
  private async openedFile(): Promise<FileHandle> {
    if (this.closing !== null) throw new StoreError('failed', `${this.name} is closed`);
    if (this.isUnsure) await this.rewrite();
    const { file } = this;
    if (file === null) throw new StoreError('failed', `${this.name} was never opened`);
    if (this.hasRemains) await this.removeRemains(file);
    const [own, found] = await Promise.all([file.stat(), stat(this.name)]);
    if (own.ino !== found.ino || own.size !== this.length) throw this.conflict();
    return file;
  }

  private async removeRemains(file: FileHandle): Promise<void> {
    await file.truncate(this.length);
    this.hasRemains = false;
  }

  /** Writes the journal anew, with what is in force alone: beside the old one first, so that there always is a whole one. */
  private async rewrite(): Promise<void> {
    const draft = join(this.directory, `new-${JOURNAL_FILE}`);
    const header = encodeHeader();
    const { revision: storeRevision, head } = this;
    const all = { ...head, storeRevision, records: this.records.all };
    const commit = storeRevision === 0 ? null : encodeCommit(header.check, all);
    const bytes = commit === null ? header.line : Buffer.concat([header.line, commit.line]);
    const file = await open(draft, 'w+');
    try {
      await file.writeFile(bytes);
      await file.datasync();
      await rename(draft, this.name);
    } catch (error) {
      await file.close();
      await rm(draft, { force: true });
      throw error;
    }
    await this.file?.close();
    this.file = file;
    this.length = bytes.length;
    this.compactLength = bytes.length;
    this.check = commit?.check ?? header.check;
    this.isUnsure = false;
    this.hasRemains = false;
    await syncDirectory(this.directory);
  }

  /** Takes away what a crash left of a commit. */
  private async dropRemains(found: Buffer, length: number): Promise<string[]> {
    if (length === found.length) return [];
    const copy = `${this.name}.torn`;
    const isCopied = await writeFile(copy, found.subarray(length)).then(
      () => true,
      () => false,
    );
    try {
      await this.file?.truncate(length);
      await this.file?.datasync();
    } catch (error) {
      throw explain(error, `can't repair ${this.name}`);
    }
    const remains = `${found.length - length} bytes of a commit that was not finished, as a crash leaves them`;
    return [`${this.name} ended with ${remains}; they were ${isCopied ? `moved to ${copy}` : 'cut off'}`];
  }

  private async finish(): Promise<void> {
    await this.committing?.catch(() => {});
    if (this.revision > 0) await this.note.write(this.revision);
    await this.note.close();
    await this.file?.close();
    this.file = null;
  }

  /** @param also what may be done beside what always may */
  private damaged(what: string, also?: string): StoreError {
    const synced = join(this.directory, SYNCED_FILE);
    const ways = [
      'Restore the directory from a backup',
      ...(also === undefined ? [] : [also]),
      `or move ${this.name} and ${synced} away to begin anew: instances register again by themselves, policies come from the mesh file`,
    ];
    return new StoreError(
      'damaged',
      `${this.name} is damaged: ${what}. Nothing of it was changed. ${ways.join('; ')}`,
    );
  }

  private conflict(): StoreError {
    return new StoreError(
      'conflict',
      `${this.name} was written by somebody else: is another control plane running on the same directory?`,
    );
  }
}

/** A disk that is nearly full takes a part, and says so only when asked for the rest. */
async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const EMPTY_HEAD: CommitHead = { starts: 0, revisionCeiling: 0 };

/** What was created or renamed in a directory survives a crash of the machine only after this. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function explain(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)) {
    const message = `${what}: no space is left for it (${code}); what was kept before is still there`;
    return new StoreError('full', message, { cause: error });
  }
  return new StoreError('failed', `${what}: ${error instanceof Error ? error.message : error}`, {
    cause: error,
  });
}
