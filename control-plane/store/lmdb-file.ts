import { type FileHandle, open } from 'node:fs/promises';

/**
 * What LMDB does not do itself before it maps a file into memory: looks whether it is one of its own, and whether it is
 * as long as it says. Reading a mapping beyond the file's end would end the process without a word. A file that is cut off
 * is made long enough again, with zeros, that LMDB and the digest then stumble over; a whole one may be shorter than it says
 * too, where its last pages are free, and takes no harm. The layout is that of LMDB's `MDB_meta` on 64 bits.
 * @returns what is wrong with the file, or null
 */
export async function makeReadable(path: string): Promise<string | null> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    if (size === 0) return 'it is empty';
    const first = await readMeta(file, 0);
    if (first === null) return 'it is no LMDB file, or its beginning is damaged';
    const second = await readMeta(file, first.pageSize);
    if (second === null) return 'its beginning is damaged';
    const needed = Math.max(first.length, second.length);
    if (needed > LONGEST) return 'its beginning is damaged';
    if (size < needed) await file.truncate(needed);
    return null;
  } finally {
    await file.close();
  }
}

/** Far more than a registry can have. */
const LONGEST = 64 * 1024 ** 3;

const PAGE_HEADER = 24;
const META_BYTES = 136;
const MAGIC = 0xbeefc0de;

/** The page size, and how long the file has to be by one of its two meta pages; null where that is none. */
async function readMeta(file: FileHandle, at: number): Promise<{ pageSize: number; length: number } | null> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(META_BYTES), 0, META_BYTES, at + PAGE_HEADER);
  if (bytesRead < META_BYTES || buffer.readUInt32LE(0) !== MAGIC) return null;
  const pageSize = buffer.readUInt32LE(24);
  const isPageSize = pageSize >= 512 && pageSize <= 65_536 && (pageSize & (pageSize - 1)) === 0;
  if (!isPageSize) return null;
  const lastPage = Number(buffer.readBigUInt64LE(120));
  return { pageSize, length: (lastPage + 1) * pageSize };
}
