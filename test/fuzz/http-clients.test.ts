import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { dataOf, llhttpBody, writtenResponse } from './arbitraries.ts';
import { readResponses } from './connection-reader.ts';
import { RESPONSES } from './corpus.ts';
import { FIRST_SEED, failed } from './fuzz.ts';
import { AnsweringServer, nodeClient, type SeenAnswer, undiciClient } from './http-clients.ts';
import { mutated } from './mutations.ts';
import { Random } from './random.ts';
import { rewriteResponse } from './rewritten.ts';
import type { ResponseMeaning } from './transcript.ts';

const MUTATIONS = 800;
const AT_ONCE = 16;
const METHODS = ['GET', 'GET', 'HEAD'];
/** llhttp takes the tab for a part of the word; RFC 9112 section 5 has it as white space around the value. */
const TAB_AFTER_CODING = /^transfer-encoding:.*\t[ \t]*$/im;

for (const [name, client] of [
  ['node:http', nodeClient],
  ['undici', undiciClient],
] as const) {
  describe(`answers as ${name} sees them`, () => {
    let server: AnsweringServer;
    before(async () => {
      server = await AnsweringServer.start();
    });
    after(() => server.stop());

    test('a valid answer is the same to both', async () => {
      await fc.assert(
        fc.asyncProperty(writtenResponse(llhttpBody), async ({ text, status, body }) => {
          const seen = await server.see(client, 'GET', text);
          const [ours] = readResponses([text], ['GET']).messages;
          assert.deepEqual({ status: ours.status, body: ours.body }, { status, body: dataOf(body) });
          compare(ours, seen);
          assert.ok(isAnswer(seen), JSON.stringify(seen));
        }),
        { numRuns: 100 },
      );
    });

    test('an answer that is passed on is what was understood', async () => {
      await fc.assert(
        fc.asyncProperty(writtenResponse(), async ({ text }) => {
          const [ours] = readResponses([text], ['GET']).messages;
          const seen = await server.see(client, 'GET', rewriteResponse(ours, 'GET'));
          compare(ours, seen);
          assert.ok(isAnswer(seen), JSON.stringify(seen));
        }),
        { numRuns: 60 },
      );
    });

    test('a mutated one that is accepted is nothing else to it', async t => {
      const refusals = new Map<string, number>();
      let agreed = 0;
      const check = async (seed: number) => {
        const random = new Random(seed);
        const text = mutated(RESPONSES, random);
        const method = random.pick(METHODS);
        const ours = readResponses([text], [method]).messages.find(
          message => message.status >= 200 || message.status === 101,
        );
        if (ours === undefined || TAB_AFTER_CODING.test(text)) return;
        const seen = await server.see(client, method, text);
        try {
          compare(ours, seen);
        } catch (error) {
          throw failed(seed, error);
        }
        if (isAnswer(seen)) agreed++;
        else if (seen !== 'switched') refusals.set(seen.error, (refusals.get(seen.error) ?? 0) + 1);
      };
      for (let done = 0; done < MUTATIONS; done += AT_ONCE) {
        await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => check(FIRST_SEED + done + i)));
      }
      t.diagnostic(`${MUTATIONS} answers from FUZZ_SEED=${FIRST_SEED}: ${agreed} the same to both`);
      t.diagnostic(`refused by ${name} alone: ${JSON.stringify([...refusals])}`);
      assert.ok(agreed > MUTATIONS / 20);
    });
  });
}

/** Fails where the client took the answer for another one. Where it refused it, it is the stricter of the two. */
function compare(ours: ResponseMeaning, seen: SeenAnswer): void {
  if (seen === 'switched') {
    assert.equal(ours.status, 101);
    return;
  }
  if (!isAnswer(seen)) return;
  assert.equal(seen.status, ours.status);
  // llhttp 8, of Node 20, reads a body where a 204 has a length: RFC 9112 section 6.3, rule 1 says that there is none.
  if (ours.status !== 204) assert.equal(seen.body, ours.body, 'another body');
  const fields = pairs(seen.fields);
  for (const field of pairs(ours.fields)) {
    if (!field.startsWith('Date: ')) assert.ok(fields.includes(field), `the client saw no ${field}`);
  }
}

function isAnswer(seen: SeenAnswer): seen is Exclude<SeenAnswer, 'switched' | { error: string }> {
  return typeof seen === 'object' && 'status' in seen;
}

function pairs(fields: readonly string[]): string[] {
  return fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []));
}
