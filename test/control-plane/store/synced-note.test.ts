import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { SyncedNote } from '../../../control-plane/store/synced-note.ts';

describe('the note of how far the journal goes', () => {
  let directory: string;
  let path: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'outrider-note-'));
    path = join(directory, 'note');
  });

  afterEach(() => rm(directory, { recursive: true }));

  test('says what was written last', async () => {
    const note = new SyncedNote(path);
    assert.equal(await note.read(), 0);
    for (const revision of [9, 10, 1_000_000, 1_000_001]) {
      await note.write(revision);
      assert.equal(await new SyncedNote(path).read(), revision);
    }
    await note.close();
  });

  test('is written over whatever is there', async () => {
    await writeFile(path, 'nonsense, and more of it than a note has'.repeat(9));
    const note = new SyncedNote(path);
    assert.equal(await note.read(), 0);
    await note.write(7);
    assert.equal(await note.read(), 7);
    await note.close();
  });

  test('with any digit of it changed says nothing', async () => {
    const note = new SyncedNote(path);
    await note.write(42);
    await note.close();
    const text = await readFile(path, 'utf8');
    for (let at = 0; at < text.length - 1; at++) {
      await writeFile(path, text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1));
      assert.equal(await note.read(), 0, `at ${at}`);
    }
  });

  test('that can not be written is no reason to fail', async () => {
    const note = new SyncedNote(join(directory, 'missing', 'note'));
    await note.write(1);
    await note.close();
    assert.equal(await note.read(), 0);
  });
});
