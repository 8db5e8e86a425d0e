import { after, describe, it } from 'node:test';
import type { Case } from './case.ts';
import { Lanes } from './lane.ts';
import { type Pieces, scattered, seedFor, whole } from './pieces.ts';
import { runCase } from './run-case.ts';
import { TABLE } from './table.ts';

/** A failure prints it; set, it cuts the bytes in the same places again. */
const SEED = Number(process.env.CONFORMANCE_SEED ?? Date.now() % 1_000_000);
const CONCURRENCY = 20;

const lanes = new Lanes();
after(() => lanes.stop());

for (const [about, cases] of Object.entries(TABLE)) {
  describe(`conformance: ${about}`, { concurrency: CONCURRENCY }, () => {
    for (const row of cases) {
      it(`${row.name} [${row.rfc}]`, async () => {
        await run(row, whole);
        await run(row, scattered(seedFor(SEED, row.name)));
      });
    }
  });
}

async function run(row: Case, pieces: Pieces): Promise<void> {
  const lane = await lanes.acquire(row);
  try {
    await runCase(row, lane, pieces);
  } catch (error) {
    await lanes.discard(lane);
    if (pieces !== whole && error instanceof Error) {
      error.message = `in pieces (CONFORMANCE_SEED=${SEED}): ${error.message}`;
    }
    throw error;
  }
  lanes.release(lane);
}
