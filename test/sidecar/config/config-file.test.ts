import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MAX_FILE_BYTES } from '../../../control-plane/contract/yaml-source.ts';
import { readConfigFile } from '../../../sidecar/config/config-file.ts';

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
