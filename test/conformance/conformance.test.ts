import { after, describe, it } from 'node:test';
import type { Case } from './case.ts';
import { CHUNKED } from './cases/chunked.ts';
import { CONNECTION_FIELDS } from './cases/connection-fields.ts';
import { EXPECT } from './cases/expect.ts';
import { FIELD_LINES } from './cases/field-lines.ts';
import { HOST } from './cases/host.ts';
import { PIPELINING } from './cases/pipelining.ts';
import { REQUEST_FRAMING } from './cases/request-framing.ts';
import { REQUEST_LINE } from './cases/request-line.ts';
import { REQUEST_TARGET } from './cases/request-target.ts';
import { RESPONSE_FRAMING } from './cases/response-framing.ts';
import { RESPONSES } from './cases/responses.ts';
import { SMUGGLING } from './cases/smuggling.ts';
import { UPGRADE_CONNECT } from './cases/upgrade-connect.ts';
import { Lanes } from './lane.ts';
import { type Pieces, scattered, seedFor, whole } from './pieces.ts';
import { runCase } from './run-case.ts';

/** Print it, set it, get the same cuts again. */
const SEED = Number(process.env.CONFORMANCE_SEED ?? Date.now() % 1_000_000);
const CONCURRENCY = 20;

const GROUPS: Record<string, readonly Case[]> = {
  'request line': REQUEST_LINE,
  'request target': REQUEST_TARGET,
  Host: HOST,
  'field lines': FIELD_LINES,
  'request framing': REQUEST_FRAMING,
  'chunked coding': CHUNKED,
  smuggling: SMUGGLING,
  'connection fields': CONNECTION_FIELDS,
  'expect and interim answers': EXPECT,
  pipelining: PIPELINING,
  answers: RESPONSES,
  'answer framing': RESPONSE_FRAMING,
  'upgrade and connect': UPGRADE_CONNECT,
};

const lanes = new Lanes();
after(() => lanes.stop());

for (const [group, cases] of Object.entries(GROUPS)) {
  describe(`conformance: ${group}`, { concurrency: CONCURRENCY }, () => {
    for (const row of cases) {
      it(`${row.name} [${row.rfc}]`, async () => {
        await run(row, whole);
        await run(row, scattered(seedFor(SEED, row.name)));
      });
    }
  });
}

async function run(row: Case, pieces: Pieces): Promise<void> {
  const lane = await lanes.acquire(row.settings);
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
