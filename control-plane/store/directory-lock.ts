import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, lstat, rename, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from '../../process/make-directory.ts';
import { StoreError } from './store.ts';

/** The socket in the data directory by which its control plane shows that it lives. */
export const LOCK_FILE = 'registry.lock';

/** The longest name of a socket that every system takes, in bytes. */
const LONGEST_NAME = 103;

/** Who takes over from the dead at the same moment is seen after so long, in ms. */
const TAKEOVER_MS = 100;

/**
 * A data directory that one control plane has for itself. The lock is a listening socket: it ends with its process, however that
 * ends, and it also answers those in other containers, whose process numbers mean nothing here. What it can't do is answer another
 * machine; two on one network file system are noticed by the journal, when they write.
 */
export class DirectoryLock {
  /** Why there is none, where the file system takes no sockets: then nobody is kept away. */
  readonly notice: string | null;
  private readonly path: string;
  private readonly server: Server | null;
  private readonly inode: number | null;

  private constructor(path: string, server: Server | null, inode: number | null, notice: string | null) {
    this.path = path;
    this.server = server;
    this.inode = inode;
    this.notice = notice;
  }

  /**
   * Makes the directory where it is missing, and takes it.
   * @throws StoreError `in-use` where another control plane has it
   */
  static async take(directory: string): Promise<DirectoryLock> {
    const path = join(directory, LOCK_FILE);
    try {
      await makeDirectory(directory);
    } catch (error) {
      throw new StoreError('failed', explainDirectory(directory, error), { cause: error });
    }
    const draft = `${path}-${randomBytes(4).toString('hex')}`;
    try {
      // Listens before it is seen under its name, so that whoever finds it there is answered.
      const server = await listenAt(draft);
      try {
        await claim(draft, path, directory);
      } catch (error) {
        server.close();
        throw error;
      } finally {
        await rm(draft, { force: true });
      }
      return new DirectoryLock(path, server, await inodeOf(path), null);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      const notice = `nothing keeps a second control plane from ${directory}, which can't be locked: ${(error as Error).message}`;
      return new DirectoryLock(path, null, null, notice);
    }
  }

  /** Lets the next one in. Idempotent. */
  async release(): Promise<void> {
    if (this.server?.listening !== true) return;
    if ((await inodeOf(this.path)) === this.inode) await rm(this.path, { force: true });
    this.server.close();
  }
}

/** Gives the listening socket the lock's name, unless one who lives has it. */
async function claim(draft: string, path: string, directory: string): Promise<void> {
  if (await isLinked(draft, path)) return;
  if (!(await isAnswered(path))) {
    const own = await inodeOf(draft);
    await rename(draft, path);
    await sleep(TAKEOVER_MS);
    if ((await inodeOf(path)) === own) return;
  }
  throw new StoreError(
    'in-use',
    `another control plane is running on ${directory}: give this one a directory of its own (--data), or stop the other first`,
  );
}

/** @returns false where something has the name already */
async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether somebody listens at a socket. */
async function isAnswered(path: string): Promise<boolean> {
  const socket = createConnection(nameOf(path));
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(code)) return false;
    const what = `${path} can't be asked whether its control plane still runs (${message})`;
    throw new StoreError('failed', `${what}: remove it if none does`, { cause: error });
  } finally {
    socket.destroy();
  }
}

async function listenAt(path: string): Promise<Server> {
  const server = createServer(socket => socket.destroy());
  server.listen(nameOf(path));
  await once(server, 'listening');
  return server.unref();
}

/** What a socket is called towards the system, which takes short names only. */
function nameOf(path: string): string {
  const fromHere = relative('', path);
  const name = fromHere.length < path.length ? fromHere : path;
  if (Buffer.byteLength(name) <= LONGEST_NAME) return name;
  throw new Error(`its path is too long for a socket: ${Buffer.byteLength(name)} bytes of ${LONGEST_NAME}`);
}

async function inodeOf(path: string): Promise<number | null> {
  const found = await lstat(path).catch(() => null);
  return found === null ? null : found.ino;
}

function explainDirectory(directory: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // The system says that it exists, which is not what is wrong with it.
  if (code === 'EEXIST' || code === 'ENOTDIR') return `${directory} is not a directory`;
  return `can't make the directory ${directory}: ${message}`;
}
