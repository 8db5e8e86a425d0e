import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_FILE_BYTES } from '../../control-plane/contract/source-file.ts';
import { readConfigFile, readRegularFile } from '../../process/config-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-file-'));
after(() => rmSync(folder, { recursive: true }));

test('reads a file', async () => {
  for (const text of ['service: a', '', `# ${'long '.repeat(20_000)}`]) {
    writeFileSync(join(folder, 'a'), text);
    const content = await readConfigFile(join(folder, 'a'));
    assert.ok(content.ok && content.bytes.toString() === text);
  }
});

test('reads of a huge file no more than shows that it is', async () => {
  writeFileSync(join(folder, 'huge'), Buffer.alloc(3 * MAX_FILE_BYTES));
  const content = await readConfigFile(join(folder, 'huge'));
  assert.ok(content.ok && content.bytes.length > MAX_FILE_BYTES && content.bytes.length < 2 * MAX_FILE_BYTES);
});

for (const [name, reason] of [
  ['missing', 'there is no such file'],
  ['.', 'it is a directory'],
] as const) {
  test(`says why: ${reason}`, async () => {
    assert.deepEqual(await readConfigFile(join(folder, name)), { ok: false, reason });
  });
}

describe('a pipe in the place of a file', { skip: process.platform === 'win32' }, () => {
  let path: string;
  beforeEach(() => {
    path = join(mkdtempSync(join(folder, 'pipe-')), 'pipe');
    execFileSync('mkfifo', [path]);
  });

  test('is read to its end, once', async () => {
    const reading = readConfigFile(path);
    // Without a reader this fails: so it has been opened by then.
    let writer = -1;
    while (writer === -1) {
      await nextTurn();
      try {
        writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {}
    }
    writeSync(writer, 'service: ');
    await nextTurn();
    writeSync(writer, 'a');
    closeSync(writer);
    assert.deepEqual(await reading, { ok: true, bytes: Buffer.from('service: a'), isFile: false });
  });

  test('from which nothing comes is given up', async () => {
    const reason = 'it is a pipe from which nothing came within 30 ms';
    assert.deepEqual(await readConfigFile(path, 30), { ok: false, reason });
  });

  test('that does not end is given up', async () => {
    const end = openSync(path, constants.O_RDWR);
    writeSync(end, 'service: a');
    const content = await readConfigFile(path, 30);
    closeSync(end);
    assert.deepEqual(content, { ok: false, reason: 'it is a pipe from which no end came within 30 ms' });
  });

  test('is not waited for when the file is read again', async () => {
    const reason = 'it is no regular file any more';
    assert.deepEqual(await readRegularFile(path), { ok: false, reason });
  });
});

test('an empty device is an empty configuration', { skip: process.platform === 'win32' }, async () => {
  assert.deepEqual(await readConfigFile('/dev/null'), { ok: true, bytes: Buffer.alloc(0), isFile: false });
});
