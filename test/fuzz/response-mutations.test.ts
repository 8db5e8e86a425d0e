import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResponses } from './connection-reader.ts';
import { RESPONSES } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import { mutated } from './mutations.ts';
import { cut } from './pieces.ts';
import { Random } from './random.ts';
import { referenceResponses } from './reference-parser.ts';
import { rewriteResponse } from './rewritten.ts';
import type { ResponseMeaning, Transcript } from './transcript.ts';

/** What the answers are to; mostly two that have bodies, as an application would send. */
const ASKED: readonly (readonly string[])[] = [
  ['GET', 'GET'],
  ['POST', 'GET'],
  ['GET'],
  ['HEAD', 'GET'],
  ['CONNECT'],
];

/** Fails unless the bytes have one meaning, however they arrive, and keep it when they are passed on. */
function check(text: string, methods: readonly string[], random: Random): Transcript<ResponseMeaning> {
  const transcript = readResponses([text], methods);
  assert.deepEqual(
    transcript,
    referenceResponses(text, methods),
    `the reference reads ${JSON.stringify(text)} otherwise`,
  );
  assert.deepEqual(
    readResponses(cut(text, random), methods),
    transcript,
    `in pieces, ${JSON.stringify(text)} is something else`,
  );
  let answered = 0;
  for (const response of transcript.messages) {
    checkRewritten(response, methods[answered]);
    if (response.status >= 200) answered++;
  }
  return transcript;
}

/** What is passed on has the same meaning, save for what concerned the upstream's connection alone. */
function checkRewritten(response: ResponseMeaning, method: string): void {
  const text = rewriteResponse(response, method);
  const { messages } = readResponses([text], [method]);
  assert.equal(messages.length, 1, `${JSON.stringify(text)} is not one answer any more`);
  const isTunnel = method === 'CONNECT' && response.status >= 200 && response.status < 300;
  const framing = response.framing === 'until close' && !isTunnel ? 'chunked' : response.framing;
  // The last of several `Upgrade` lines may be empty.
  const upgrade = response.upgrade?.replace(/[ \t]+$/, '') ?? null;
  assert.deepEqual(
    messages[0],
    { ...response, framing, upgrade, keepAlive: !isTunnel },
    `${JSON.stringify(text)} has another meaning`,
  );
}

test('the corpus itself', () => {
  for (const text of [...RESPONSES.good, ...RESPONSES.smuggling])
    for (const methods of ASKED) check(text, methods, new Random(1));
});

test('mutated answers: one meaning, in any pieces, kept when passed on', t => {
  let accepted = 0;
  let broken = 0;
  fuzz(t, 1.5, random => {
    const text = mutated(RESPONSES, random);
    const { messages, end } = check(text, random.pick(ASKED), random);
    accepted += messages.length;
    if (end === 'broken') broken++;
  });
  t.diagnostic(`${accepted} answers accepted, ${broken} connections refused or cut short`);
  assert.ok(accepted > 0 && broken > 0);
});
