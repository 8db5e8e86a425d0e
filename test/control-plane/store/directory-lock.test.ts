import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { DirectoryLock, LOCK_FILE } from '../../../control-plane/store/directory-lock.ts';
import { StoreError } from '../../../control-plane/store/store.ts';

describe('the lock of a data directory', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'outrider-lock-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  test('makes the directory, keeps others out until it is released, and leaves nothing behind', async () => {
    const data = join(directory, 'a', 'b');
    const first = await DirectoryLock.take(data);
    assert.equal(first.notice, null);
    await assert.rejects(DirectoryLock.take(data), isInUse);
    assert.deepEqual(await readdir(data), [LOCK_FILE]);
    await first.release();
    await first.release();
    assert.deepEqual(await readdir(data), []);
    await (await DirectoryLock.take(data)).release();
  });

  test('ends with its process, however that ends', async () => {
    const source = `
      import { createServer } from 'node:net';
      createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'));`;
    const args = ['--input-type=module', '--eval', source, join(directory, LOCK_FILE)];
    await once(spawn(process.execPath, args), 'exit');
    assert.deepEqual(await readdir(directory), [LOCK_FILE]);
    const lock = await DirectoryLock.take(directory);
    await assert.rejects(DirectoryLock.take(directory), isInUse);
    await lock.release();
  });

  test('one alone gets what a dead one left, of many who start together', async () => {
    await writeFile(join(directory, LOCK_FILE), '');
    const taken = await Promise.allSettled(Array.from({ length: 5 }, () => DirectoryLock.take(directory)));
    const locks = taken.flatMap(outcome => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    assert.equal(locks.length, 1);
    await assert.rejects(DirectoryLock.take(directory), isInUse);
    await locks[0].release();
    assert.deepEqual(await readdir(directory), []);
  });

  test('says so where there can be none, and keeps nobody out', async () => {
    const deep = join(directory, 'x'.repeat(200));
    for (let i = 0; i < 2; i++) {
      const lock = await DirectoryLock.take(deep);
      assert.match(lock.notice ?? '', /can't be locked: its path is too long for a socket: \d+ bytes of 103/);
      await lock.release();
    }
  });

  test('names a file that stands where the directory should be', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const message = `${file} is not a directory`;
    await assert.rejects(DirectoryLock.take(file), { name: 'StoreError', kind: 'failed', message });
  });

  function isInUse(error: unknown): boolean {
    return error instanceof StoreError && error.kind === 'in-use' && error.message.includes(directory);
  }
});
