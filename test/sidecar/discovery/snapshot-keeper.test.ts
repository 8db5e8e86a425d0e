import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ServiceDirectory } from '../../../sidecar/discovery/service-directory.ts';
import type { ReadSnapshot, Snapshot } from '../../../sidecar/discovery/snapshot.ts';
import { SnapshotKeeper } from '../../../sidecar/discovery/snapshot-keeper.ts';
import { RecordedLog } from '../recorded-log.ts';

const SETTLE_MS = 2000;
const REFRESH_MS = 600_000;

let directory: ServiceDirectory;
let keeper: SnapshotKeeper;
let log: RecordedLog;
/** What is to be done next: one task at most. */
let plan: { readonly task: () => void; readonly delayMs: number } | null;
/** The revisions that were written. */
let written: number[];
/** Ends the write that is under way. */
let finish: ((error?: Error) => void) | null;
let onDisk: ReadSnapshot | null;
let asOf: number | null;

beforeEach(() => {
  directory = new ServiceDirectory(() => () => {});
  log = new RecordedLog();
  plan = null;
  written = [];
  finish = null;
  onDisk = null;
  asOf = 1000;
  keeper = new SnapshotKeeper({
    file: {
      path: '/state/it.snapshot',
      read: () => onDisk,
      write({ state }: Snapshot) {
        written.push(state.revision);
        return new Promise((resolve, reject) => {
          finish = error => (error === undefined ? resolve() : reject(error));
        });
      },
    },
    directory,
    schedule(task, delayMs) {
      const made = { task, delayMs };
      plan = made;
      return () => {
        if (plan === made) plan = null;
      };
    },
    wallClock: () => 5000,
    asOf: () => asOf,
    log: log.log,
  });
  directory.onApplied = () => keeper.changed();
  directory.begin('e1');
});

function change(revision: number): void {
  directory.sync(revision, [{ name: 'inventory', exists: true, policy: {}, endpoints: [] }]);
}

/** After how long something is to be done next; null for never. */
function planned(): number | null {
  return plan?.delayMs ?? null;
}

/** The time that was planned has come. */
function run(): void {
  const { task } = plan ?? assert.fail('nothing is planned');
  plan = null;
  task();
}

/** Ends the write that is under way, well or not. */
async function finishWrite(error?: Error): Promise<void> {
  finish?.(error);
  await nextTurn();
}

describe('changes', () => {
  test('are collected for 2 s, then written, and again after 10 min', async () => {
    change(1);
    change(2);
    assert.equal(planned(), SETTLE_MS);
    run();
    assert.deepEqual(written, [2]);
    await finishWrite();
    assert.equal(planned(), REFRESH_MS);
    run();
    assert.deepEqual(written, [2, 2]);
  });

  test('while a write is under way are written soon after it, however many follow', async () => {
    change(1);
    run();
    change(2);
    change(3);
    assert.equal(planned(), null);
    await finishWrite();
    assert.equal(planned(), SETTLE_MS);
    change(4);
    assert.equal(planned(), SETTLE_MS);
    run();
    assert.deepEqual(written, [1, 4]);
    await finishWrite();
    assert.equal(planned(), REFRESH_MS);
    change(5);
    assert.equal(planned(), SETTLE_MS);
  });

  test('are not written before the control plane has spoken', async () => {
    asOf = null;
    change(1);
    run();
    await nextTurn();
    assert.deepEqual(written, []);
    asOf = 1000;
    change(2);
    run();
    assert.deepEqual(written, [2]);
  });

  test('that can not be written are complained of once, and tried again', async () => {
    for (const revision of [1, 2]) {
      change(revision);
      run();
      await finishWrite(new Error(`ENOSPC: no space left on device, open 'it.snapshot.7-${revision}'`));
    }
    assert.equal(log.lines.length, 1);
    assert.match(log.lines[0] ?? '', /^the snapshot can not be written: ENOSPC/);
    change(3);
    assert.equal(planned(), SETTLE_MS);
  });
});

describe('a stop', () => {
  test('writes what is there, and nothing afterwards', async () => {
    change(1);
    const stopped = keeper.stop();
    assert.equal(planned(), null);
    await finishWrite();
    await stopped;
    change(2);
    await keeper.stop();
    assert.deepEqual([written, planned()], [[1], null]);
  });

  test('during a write plans no other', async () => {
    change(1);
    run();
    const endFirst = finish;
    change(2);
    const stopped = keeper.stop();
    endFirst?.();
    await nextTurn();
    await finishWrite();
    await stopped;
    assert.deepEqual([written, planned()], [[1, 2], null]);
  });
});

describe('at the start', () => {
  test('what is on disk is taken up, with its age', () => {
    const services = [{ name: 'inventory', exists: true, policy: {}, endpoints: [] }];
    onDisk = { ok: true, snapshot: { at: 2000, state: { epoch: 'e0', revision: 7, services } } };
    keeper.restore();
    assert.deepEqual([keeper.restoredAt, directory.revision], [2000, 7]);
    assert.deepEqual(log.lines, ['starts from the snapshot of 3 s ago: 1 services']);
  });

  test('what is damaged is refused with the reason', () => {
    onDisk = { ok: false, reason: 'it is damaged' };
    keeper.restore();
    assert.deepEqual(log.lines, ['the snapshot /state/it.snapshot is not used: it is damaged']);
    assert.equal(keeper.restoredAt, null);
  });

  test('there may be nothing', () => {
    keeper.restore();
    assert.deepEqual([log.lines, keeper.restoredAt], [[], null]);
  });
});
