import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setField } from '../../sidecar/exchange/fields.ts';
import { readRequests } from './connection-reader.ts';
import { REQUESTS } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import { mutated } from './mutations.ts';
import { cut } from './pieces.ts';
import { Random } from './random.ts';
import { referenceRequests } from './reference-parser.ts';
import { rewriteRequest } from './rewritten.ts';
import type { RequestMeaning, Transcript } from './transcript.ts';

/** Fails unless the bytes have one meaning, however they arrive, and keep it when they are sent on. */
function check(text: string, random: Random): Transcript<RequestMeaning> {
  const transcript = readRequests([text]);
  assert.deepEqual(
    comparable(transcript),
    comparable(referenceRequests(text)),
    `the reference reads ${shown(text)} otherwise`,
  );
  assert.deepEqual(
    readRequests(cut(text, random)),
    transcript,
    `in pieces, ${shown(text)} is something else`,
  );
  for (const request of transcript.messages) checkRewritten(request);
  return transcript;
}

/** What is sent on has the same meaning, save for what concerned the application's connection alone. */
function checkRewritten(request: RequestMeaning): void {
  if (request.maxForwards === 0) return;
  const sent = { ...request, fields: [...request.fields] };
  // Without a Host, routing says who is asked.
  if (sent.authority === '') {
    sent.authority = 'up';
    setField(sent.fields, 'host', 'Host', 'up');
  }
  const text = rewriteRequest(sent);
  const { messages } = readRequests([text]);
  assert.equal(messages.length, 1, `${shown(text)} is not one request any more`);
  const forwards = sent.maxForwards === null ? null : sent.maxForwards - 1;
  const expected = { ...sent, minorVersion: 1, keepAlive: true, maxForwards: forwards };
  if (forwards !== null && forwards > 0) setField(expected.fields, 'max-forwards', '', String(forwards - 1));
  assert.deepEqual(messages[0], expected, `${shown(text)} has another meaning`);
}

/** The reference writes the protocols of an upgrade in one way, the codec as they came. */
function comparable(transcript: Transcript<RequestMeaning>): unknown {
  const messages = transcript.messages.map(message => ({
    ...message,
    upgrade: message.upgrade?.toLowerCase().replace(/[ \t]*,[ \t]*/g, ', ') ?? null,
  }));
  return { ...transcript, messages };
}

function shown(text: string): string {
  return JSON.stringify(text);
}

test('the corpus itself', () => {
  for (const text of [...REQUESTS.good, ...REQUESTS.smuggling]) check(text, new Random(1));
});

test('mutated requests: one meaning, in any pieces, kept when sent on', t => {
  let accepted = 0;
  let broken = 0;
  fuzz(t, 1.5, random => {
    const { messages, end } = check(mutated(REQUESTS, random), random);
    accepted += messages.length;
    if (end === 'broken') broken++;
  });
  t.diagnostic(`${accepted} requests accepted, ${broken} connections refused or cut short`);
  assert.ok(accepted > 0 && broken > 0);
});
