import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { checkOf } from './journal.ts';
import type { StoreRevision } from './store.ts';

/**
 * A note beside the journal of the last commit that is in it, so that a journal that lost its end is noticed though all of
 * its lines are whole. It is written after the commit is on the disk, so it never tells of more than there is; and it is not
 * flushed itself, so after a crash of the machine it may tell of less. It is for noticing damage: what goes wrong with it
 * costs no more than that.
 */
export class SyncedNote {
  private readonly path: string;
  private file: FileHandle | null = null;
  private written: StoreRevision = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** @returns 0 where there is none that can be read */
  async read(): Promise<StoreRevision> {
    const note = await readFile(this.path, 'utf8').catch(() => '');
    const [check, text] = note.split('\n', 1)[0].split(' ');
    return text !== undefined && check === checkOf('', text) ? Number(text) : 0;
  }

  async write(revision: StoreRevision): Promise<void> {
    if (revision === this.written) return;
    // Always as long, so that a new one stands in the place of the old one and there is never none.
    const text = String(revision).padStart(REVISION_DIGITS, '0');
    try {
      this.file ??= await open(this.path, constants.O_WRONLY | constants.O_CREAT, 0o666);
      await this.file.write(`${checkOf('', text)} ${text}\n`, 0);
      this.written = revision;
    } catch {
      // It is written with the next commit.
    }
  }

  async close(): Promise<void> {
    await this.file?.close().catch(() => {});
    this.file = null;
  }
}

/** As many as the largest integer that a number can be. */
const REVISION_DIGITS = 16;
