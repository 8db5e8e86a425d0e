import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../../process/make-directory.ts';

test('makes a directory and those above it, also where another does so at the same moment, or has done so', async t => {
  const root = await mkdtemp(join(tmpdir(), 'outrider-make-'));
  t.after(() => rm(root, { recursive: true }));
  const path = join(root, 'a', 'b', 'c');
  await Promise.all([1, 2, 3].map(() => makeDirectory(path, 0o700)));
  await makeDirectory(path);
  for (const made of [path, join(root, 'a')]) assert.equal((await stat(made)).mode & 0o777, 0o700);
});

test('says what is in the way', async t => {
  const root = await mkdtemp(join(tmpdir(), 'outrider-make-'));
  t.after(() => rm(root, { recursive: true }));
  const file = join(root, 'file');
  await writeFile(file, '');
  await assert.rejects(makeDirectory(file), { code: 'EEXIST' });
  await assert.rejects(makeDirectory(join(file, 'a')), { code: 'EEXIST' });
});

// Node's own would try for ever, on a thread of its pool.
test('comes back where the system takes no directories', { skip: process.platform !== 'linux' }, async () => {
  await assert.rejects(makeDirectory('/proc/none/data'), { code: 'ENOENT' });
});
