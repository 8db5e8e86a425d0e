// The shop's database: a JSON file per record in a folder that all instances of a service share.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpError } from './server.js';

/** The records of one kind, in DATA_DIR. */
export class Records {
  /** @param {string} kind */
  constructor(kind) {
    this.kind = kind;
    this.folder = join(process.env.DATA_DIR ?? 'data', kind);
  }

  /** Whoever reads meanwhile, or after this process has died half-way, gets the old record or the new one. */
  async put(id, record) {
    await mkdir(this.folder, { recursive: true });
    const draft = join(this.folder, `.${randomUUID()}`);
    await writeFile(draft, JSON.stringify(record));
    await rename(draft, join(this.folder, id));
    return record;
  }

  async get(id) {
    try {
      return JSON.parse(await readFile(join(this.folder, id), 'utf8'));
    } catch (error) {
      if (error.code === 'ENOENT') throw new HttpError(404, `there is nothing under ${id} in ${this.kind}`);
      throw error;
    }
  }
}
