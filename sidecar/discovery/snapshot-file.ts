import { readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../process/make-directory.ts';
import { type ReadSnapshot, readSnapshot, type Snapshot, writeSnapshot } from './snapshot.ts';

/** The last good snapshot on disk. A file is replaced whole or not at all. */
export class SnapshotFile {
  readonly path: string;
  private writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** @returns null where there is none */
  read(now: number): ReadSnapshot | null {
    try {
      return readSnapshot(readFileSync(this.path, 'utf8'), now);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? null : { ok: false, reason: `it can not be read: ${message}` };
    }
  }

  /** Replaces the file, after what is being written already. Rejects with the system's error; then the old one stays. */
  write(snapshot: Snapshot): Promise<void> {
    const written = this.writing.then(() => this.replace(writeSnapshot(snapshot)));
    this.writing = written.catch(() => {});
    return written;
  }

  private async replace(text: string): Promise<void> {
    // Sidecars of several copies of an application may share the file: each has names of its own for what is not complete. Process
    // numbers are none, as they are the same in each container.
    const temporary = `${this.path}.${process.getBuiltinModule('node:crypto').randomUUID()}`;
    await makeDirectory(dirname(this.path), 0o700);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}
