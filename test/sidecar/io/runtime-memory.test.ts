import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { boundYoungSpace } from '../../../sidecar/io/runtime-memory.ts';

const MIB = 1024 * 1024;

/** What becomes of a young generation of this size that a collection doubles whenever it may grow. */
function grown(exchanges: number, from = MIB): number {
  const space = { capacity: from, mayGrow: true };
  for (let look = 0; look < 20; look++) {
    boundYoungSpace(space, exchanges);
    if (space.mayGrow) space.capacity *= 2;
  }
  return space.capacity;
}

describe('the young generation', () => {
  test('stays at 4 MiB where little is under way', () => {
    assert.deepEqual(
      [0, 1, 64, 249].map(exchanges => grown(exchanges) / MIB),
      [4, 4, 4, 4],
    );
  });

  test('grows with the exchanges under way, and no further', () => {
    assert.deepEqual(
      [300, 500, 1_000, 2_000].map(exchanges => grown(exchanges) / MIB),
      [8, 8, 16, 32],
    );
  });

  test('grows again where the runtime has made it smaller meanwhile', () => {
    const space = { capacity: 16 * MIB, mayGrow: true };
    boundYoungSpace(space, 100);
    assert.equal(space.mayGrow, false);
    space.capacity = MIB;
    boundYoungSpace(space, 100);
    assert.equal(space.mayGrow, true);
  });

  test('is told so only where that changes', () => {
    const told: boolean[] = [];
    const space = {
      capacity: MIB,
      get mayGrow() {
        return told.at(-1) ?? true;
      },
      set mayGrow(mayGrow: boolean) {
        told.push(mayGrow);
      },
    };
    for (const capacity of [1, 2, 4, 4, 8, 1, 1]) {
      space.capacity = capacity * MIB;
      boundYoungSpace(space, 0);
    }
    assert.deepEqual(told, [false, true]);
  });

  test('of the runtime obeys', async () => {
    const program = fileURLToPath(new URL('young-space-program.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program]);
    const [enough, withNothing, , withMuch] = JSON.parse(stdout);
    assert.equal(withNothing, enough);
    assert.ok(withMuch > enough, stdout);
  });
});
