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
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { ok: true, bytes: Buffer.from(buffer.subarray(0, length)) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error as NodeJS.ErrnoException) };
  } finally {
    await file?.close();
  }
}

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
