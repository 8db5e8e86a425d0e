import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_FILE_BYTES } from '../control-plane/contract/source-file.ts';

type FileContent =
  /** `isFile` is false for a pipe or the like: what was read is gone from it, and there is nothing to read again. */
  | { readonly ok: true; readonly bytes: Buffer; readonly isFile: boolean }
  /** `reason` says in words why it could not be read. */
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a configuration file, or once what a pipe brings (`--config <(…)`, `/dev/stdin`); of one that is too large just enough to
 * see that it is. Never blocks in the system: the process could not end meanwhile.
 * @param patience milliseconds that a named pipe may take
 */
export async function readConfigFile(path: string, patience = PATIENCE_MS): Promise<FileContent> {
  try {
    // Not opened by its name: that fails where standard input is a socket, as it is below many a supervisor.
    if (path === '/dev/stdin') return { ok: true, bytes: await readStream(process.stdin), isFile: false };
    return await readPath(path, patience);
  } catch (error) {
    return { ok: false, reason: reasonOf(error as NodeJS.ErrnoException) };
  }
}

/** Reads it again: what is no regular file is refused, and left alone. */
export async function readRegularFile(path: string): Promise<FileContent> {
  return await readConfigFile(path, 0);
}

/** A file as a command line names it, where `-` is standard input: what to read, and what to call it in messages. */
export function fileOfArgument(argument: string): { readonly path: string; readonly name: string } {
  return argument === '-'
    ? { path: '/dev/stdin', name: 'standard input' }
    : { path: argument, name: argument };
}

const CHUNK_BYTES = 16 * 1024;
const PATIENCE_MS = 10_000;
/** How often a pipe is looked at. */
const LOOK_MS = 20;

async function readPath(path: string, patience: number): Promise<FileContent> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) return { ok: false, reason: 'it is a directory' };
    const isFile = stat.isFile();
    if (!isFile && patience === 0) return { ok: false, reason: 'it is no regular file any more' };
    return { ok: true, bytes: await readToEnd(file, stat.isFIFO(), patience), isFile };
  } finally {
    await file.close();
  }
}

/** @param isPipe one that nobody writes to yet looks as if it had ended: only behind some bytes its end is the end */
async function readToEnd(file: FileHandle, isPipe: boolean, patience: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const deadline = performance.now() + patience;
  for (let length = 0; length <= MAX_FILE_BYTES; ) {
    const bytes = await readSome(file);
    if (bytes !== null && bytes.length > 0) {
      chunks.push(bytes);
      length += bytes.length;
    } else if (bytes !== null && (length > 0 || !isPipe)) {
      break;
    } else if (performance.now() >= deadline) {
      const what = length === 0 ? 'nothing came' : 'no end came';
      throw new Error(`it is a pipe from which ${what} within ${patience} ms`);
    } else {
      await sleep(LOOK_MS);
    }
  }
  return Buffer.concat(chunks);
}

/** Empty at the end; null where there is nothing yet. */
async function readSome(file: FileHandle): Promise<Buffer | null> {
  try {
    // A configuration is read every second: a buffer for the largest one each time would be much garbage.
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES));
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

async function readStream(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    length += bytes.length;
    if (length > MAX_FILE_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'ENXIO':
      return 'it is a socket';
    case 'EMFILE':
    case 'ENFILE':
      return `the process has no file descriptor left (${code})`;
    case 'EACCES':
      return 'permission denied';
    default:
      return message;
  }
}
