import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { readSnapshot, SNAPSHOT_MAX_AGE_MS, writeSnapshot } from '../../../sidecar/discovery/snapshot.ts';
import { SnapshotFile } from '../../../sidecar/discovery/snapshot-file.ts';

const AT = Date.UTC(2026, 0, 1);
const SNAPSHOT = {
  at: AT,
  state: {
    epoch: 'e1',
    revision: 12,
    services: [
      {
        name: 'inventory',
        exists: true,
        policy: { timeouts: { total: '3s' } },
        endpoints: [
          {
            id: 'i1',
            address: '10.0.0.1',
            port: 80,
            weight: 1,
            zone: 'a',
            version: null,
            preference: 'normal' as const,
          },
        ],
      },
    ],
  },
};
const folder = mkdtempSync(join(tmpdir(), 'outrider-snapshot-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('a snapshot', () => {
  test('is read as it was written', () => {
    assert.deepEqual(readSnapshot(writeSnapshot(SNAPSHOT), AT + 1000), { ok: true, snapshot: SNAPSHOT });
  });

  test('is refused where it is cut off anywhere, or any byte is another', () => {
    const text = writeSnapshot(SNAPSHOT);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 2 }), length => {
        assert.equal(readSnapshot(text.slice(0, length), AT).ok, false);
      }),
    );
    const body = text.indexOf('\n') + 1;
    fc.assert(
      fc.property(fc.integer({ min: body, max: text.length - 2 }), at => {
        const read = readSnapshot(`${text.slice(0, at)}~${text.slice(at + 1)}`, AT);
        assert.deepEqual(read, { ok: false, reason: 'it is damaged: its checksum does not match' });
      }),
    );
  });

  test('is refused where it is too old, from later than now, or of a format to come', () => {
    const text = writeSnapshot(SNAPSHOT);
    assert.equal(readSnapshot(text, AT + SNAPSHOT_MAX_AGE_MS).ok, true);
    const old = readSnapshot(text, AT + SNAPSHOT_MAX_AGE_MS + 1);
    assert.ok(!old.ok && /^it is too old: from 2026-01-01T00:00:00.000Z/.test(old.reason));
    assert.equal(readSnapshot(text, AT - 5 * 60_000).ok, true);
    const ahead = readSnapshot(text, AT - 5 * 60_000 - 1);
    assert.ok(!ahead.ok && /^its date lies ahead: 2026-01-01T00:00:00.000Z/.test(ahead.reason));
    const other = readSnapshot(text.replace('"format":1', '"format":2'), AT);
    assert.ok(!other.ok && /format 2/.test(other.reason));
  });
});

describe('its file', () => {
  test('is replaced whole, and nothing else is left in the folder', async () => {
    const file = new SnapshotFile(join(folder, 'a', 'b', 'snapshot'));
    assert.equal(file.read(AT), null);
    const later = { ...SNAPSHOT, at: AT + 1 };
    await Promise.all([file.write(SNAPSHOT), file.write(later)]);
    assert.deepEqual(file.read(AT), { ok: true, snapshot: later });
    assert.deepEqual(readdirSync(join(folder, 'a', 'b')), ['snapshot']);
  });

  test('is shared by sidecars in containers, in all of which the process has the same number', async () => {
    const files = Array.from({ length: 3 }, () => new SnapshotFile(join(folder, 'shared', 'snapshot')));
    await Promise.all(files.map(file => file.write(SNAPSHOT)));
    assert.deepEqual(readdirSync(join(folder, 'shared')), ['snapshot']);
  });

  test('that can not be written says why', async () => {
    const inTheWay = join(folder, 'file');
    writeFileSync(inTheWay, '');
    await assert.rejects(new SnapshotFile(join(inTheWay, 'snapshot')).write(SNAPSHOT), /ENOTDIR|EEXIST/);
  });
});
