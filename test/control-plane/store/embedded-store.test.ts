import assert from 'node:assert/strict';
import { appendFile, cp, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { EmbeddedStore, JOURNAL_FILE, SYNCED_FILE } from '../../../control-plane/store/embedded-store.ts';
import { StoreError } from '../../../control-plane/store/store.ts';
import { instanceRecord, serviceRecord } from './records.ts';

const HEAD = { starts: 1, revisionCeiling: 100 };

describe('the embedded store', () => {
  let directory: string;
  let journal: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'outrider-store-'));
    journal = join(directory, JOURNAL_FILE);
  });

  afterEach(() => rm(directory, { recursive: true }));

  /** Commits so many services, one after another, and closes. */
  async function fill(count: number): Promise<void> {
    const store = await EmbeddedStore.open(directory);
    let { storeRevision } = await store.load();
    for (let i = 1; i <= count; i++)
      storeRevision = await store.commit([serviceRecord(`s${i}`)], HEAD, storeRevision);
    await store.close();
  }

  async function load(): Promise<{ services: number; notices: readonly string[] }> {
    const store = await EmbeddedStore.open(directory);
    try {
      const { services, notices } = await store.load();
      return { services: services.length, notices };
    } finally {
      await store.close();
    }
  }

  test('makes its directory', async () => {
    const store = await EmbeddedStore.open(join(directory, 'a', 'b'));
    await store.close();
    assert.ok((await stat(join(directory, 'a', 'b', JOURNAL_FILE))).isFile());
  });

  test('cuts off what a crash left of a commit, and says so', async () => {
    await fill(3);
    await appendFile(journal, '0123456789abcdef {"storeRevision":4,"rec');
    const { services, notices } = await load();
    assert.equal(services, 3);
    assert.match(notices.join(), /40 bytes of a commit that was not finished.*moved to .*\.torn/);
    assert.equal(await readFile(`${journal}.torn`, 'utf8'), '0123456789abcdef {"storeRevision":4,"rec');
    assert.deepEqual(await load(), { services: 3, notices: [] });
    await fill(4);
    assert.equal((await load()).services, 4);
  });

  test('reports a damaged journal, and leaves it as it is', async () => {
    await fill(5);
    const whole = await readFile(journal);
    const damages: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'cut off': whole.subarray(0, whole.length >> 1),
      'without its last commit': whole.subarray(0, whole.lastIndexOf('\n', whole.length - 2) + 1),
      zeroed: Buffer.alloc(whole.length),
      'one bit in the middle': flip(whole, whole.length >> 1),
      'one bit in the last commit': flip(whole, whole.length - 5),
      'something else': Buffer.from('hello\n'),
    };
    for (const [name, bytes] of Object.entries(damages)) {
      await writeFile(journal, bytes);
      await assert.rejects(load(), isDamaged, name);
      assert.deepEqual(await readFile(journal), bytes, name);
    }
    await writeFile(journal, whole);
    assert.equal((await load()).services, 5);
  });

  test('notices that its last commit is missing, however the process that made it ended', async () => {
    const store = await EmbeddedStore.open(directory);
    await store.load();
    let length = 0;
    for (let i = 0; i < 3; i++) {
      ({ size: length } = await stat(journal));
      await store.commit([serviceRecord(`s${i}`)], HEAD, i);
    }
    const killed = await mkdtemp(join(tmpdir(), 'outrider-store-'));
    try {
      await cp(directory, killed, { recursive: true });
      await truncate(join(killed, JOURNAL_FILE), length);
      const another = await EmbeddedStore.open(killed);
      await assert.rejects(another.load(), /its end is missing: commit 3 was kept once, and 2 is the last/);
      await another.close();
      await rm(join(killed, SYNCED_FILE));
      const bare = await EmbeddedStore.open(killed);
      assert.equal((await bare.load()).storeRevision, 2);
      await bare.close();
    } finally {
      await store.close();
      await rm(killed, { recursive: true });
    }
  });

  test('leaves the note of a backup that was put in its place while it ran alone', async () => {
    await fill(2);
    const saved = await Promise.all([JOURNAL_FILE, SYNCED_FILE].map(name => readFile(join(directory, name))));
    const store = await EmbeddedStore.open(directory);
    const { storeRevision } = await store.load();
    await store.commit([serviceRecord('s3')], HEAD, storeRevision);
    await writeFile(journal, saved[0]);
    await writeFile(join(directory, SYNCED_FILE), saved[1]);
    await store.close();
    assert.equal((await load()).services, 2);
  });

  test('a damaged or missing note of how far it goes is no reason not to start', async () => {
    await fill(2);
    await writeFile(join(directory, SYNCED_FILE), 'nonsense');
    assert.equal((await load()).services, 2);
    await rm(join(directory, SYNCED_FILE));
    assert.equal((await load()).services, 2);
  });

  test('a whole directory that is restored from a backup is taken as it is', async () => {
    await fill(2);
    const saved = await Promise.all([JOURNAL_FILE, SYNCED_FILE].map(name => readFile(join(directory, name))));
    await fill(9);
    await writeFile(journal, saved[0]);
    await writeFile(join(directory, SYNCED_FILE), saved[1]);
    assert.equal((await load()).services, 2);
  });

  test('writes its journal anew when most of it is of no use any more, and goes on', async () => {
    const store = await EmbeddedStore.open(directory);
    let { storeRevision } = await store.load();
    let longest = 0;
    for (let i = 0; i < 150; i++) {
      const record = instanceRecord({ id: `a${i % 10}`, weight: i, metadata: { pad: 'x'.repeat(40_000) } });
      storeRevision = await store.commit([record], HEAD, storeRevision);
      longest = Math.max(longest, (await stat(journal)).size);
    }
    await store.close();
    assert.ok(longest < 1.7 * 1024 * 1024, `${longest} bytes`);
    const again = await EmbeddedStore.open(directory);
    const state = await again.load();
    await again.close();
    assert.deepEqual(
      state.instances.map(({ weight }) => weight).sort((a, b) => a - b),
      [140, 141, 142, 143, 144, 145, 146, 147, 148, 149],
    );
    assert.equal(state.storeRevision, 150);
  });

  test('notices that somebody else wrote to the file', async () => {
    const store = await EmbeddedStore.open(directory);
    await store.load();
    await store.commit([serviceRecord('s1')], HEAD, 0);
    await truncate(journal, 50);
    const isConflict = (error: unknown) => error instanceof StoreError && error.kind === 'conflict';
    await assert.rejects(store.commit([serviceRecord('s2')], HEAD, 1), isConflict);
    await rm(journal);
    await assert.rejects(store.commit([serviceRecord('s2')], HEAD, 1));
    await store.close();
  });

  test('a directory that can not be used is an error with a name', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const isFailed = (error: unknown) =>
      error instanceof StoreError && error.kind === 'failed' && error.message.includes(file);
    await assert.rejects(EmbeddedStore.open(file), isFailed);
  });

  function isDamaged(error: unknown): boolean {
    return error instanceof StoreError && error.kind === 'damaged' && error.message.includes(journal);
  }
});

function flip(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at] ^= 1;
  return other;
}
