import { type FileHandle, open } from 'node:fs/promises';
import { MAX_FILE_BYTES } from '../../control-plane/contract/yaml-source.ts';

export type FileContent =
  | { readonly ok: true; readonly bytes: Buffer }
  /** `reason` says in words why it could not be read. */
  | { readonly ok: false; readonly reason: string };

/** Reads a configuration file; of one that is too large just enough to see that it is. */
export async function readConfigFile(path: string): Promise<FileContent> {
  let file: FileHandle | null = null;
  try {
    file = await open(path);
    const chunks: Buffer[] = [];
    for (let length = 0; length <= MAX_FILE_BYTES; ) {
      // The file is read every second: a buffer for the largest one each time would be much garbage.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    return { ok: true, bytes: Buffer.concat(chunks) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error as NodeJS.ErrnoException) };
  } finally {
    await file?.close();
  }
}

const CHUNK_BYTES = 16 * 1024;

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a directory';
    case 'EACCES':
      return 'permission denied';
    default:
      return message;
  }
}
