import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { dataOf, llhttpBody, writtenRequest } from './arbitraries.ts';
import { readRequests } from './connection-reader.ts';
import { REQUESTS } from './corpus.ts';
import { FIRST_SEED, failed } from './fuzz.ts';
import { mutated } from './mutations.ts';
import { NodeServer, type SeenConnection } from './node-server.ts';
import { Random } from './random.ts';
import { rewriteRequest } from './rewritten.ts';
import type { RequestMeaning, Transcript } from './transcript.ts';

const MUTATIONS = 1500;
const AT_ONCE = 16;

describe('requests as node:http sees them', () => {
  let server: NodeServer;
  before(async () => {
    server = await NodeServer.start();
  });
  after(() => server.stop());

  test('a valid request is the same to both', async () => {
    const requests = fc.array(writtenRequest(['GET', 'POST', 'PUT', 'M-SEARCH'], llhttpBody), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(requests, async written => {
        const text = written.map(request => request.text).join('');
        const [seen, { messages }] = [await server.see(text), readRequests([text])];
        assert.equal(seen.error, null);
        assert.equal(seen.requests.length, written.length);
        for (const [i, { method, target, body }] of written.entries()) {
          const { fields, trailers, ...request } = seen.requests[i];
          assert.deepEqual(request, { method, url: target, body: dataOf(body) });
          assert.deepEqual(request.body, messages[i].body);
          assert.deepEqual(endToEnd(fields), messages[i].fields);
          assert.deepEqual(trailers, messages[i].trailers ?? []);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('a request that is sent on is what was understood', async () => {
    await fc.assert(
      fc.asyncProperty(writtenRequest(['GET', 'POST'], llhttpBody), async ({ text }) => {
        const [request] = readRequests([text]).messages;
        const { requests, error } = await server.see(rewriteRequest(request));
        assert.equal(error, null);
        const [{ fields, ...seen }] = requests;
        const { method, target, body, trailers } = request;
        assert.deepEqual(seen, { method, url: target, body, trailers: trailers ?? [] });
        assert.deepEqual(endToEnd(fields), request.fields);
      }),
      { numRuns: 60 },
    );
  });

  test('a mutated one that is accepted is nothing else to node:http', async t => {
    const refusals = new Map<string, number>();
    let agreed = 0;
    let stricter = 0;
    const check = async (seed: number) => {
      const text = mutated(REQUESTS, new Random(seed));
      const ours = readRequests([text]);
      if (ours.messages.length === 0) return;
      const theirs = await server.see(text);
      try {
        compare(ours, theirs);
      } catch (error) {
        throw failed(seed, error);
      }
      if (theirs.requests.length > ours.messages.length) stricter++;
      if (theirs.requests.length >= ours.messages.length) agreed++;
      else refusals.set(String(theirs.error), (refusals.get(String(theirs.error)) ?? 0) + 1);
    };
    for (let done = 0; done < MUTATIONS; done += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => check(FIRST_SEED + done + i)));
    }
    t.diagnostic(`${MUTATIONS} connections from FUZZ_SEED=${FIRST_SEED}: ${agreed} with the same requests`);
    t.diagnostic(
      `refused after them by the codec alone: ${stricter}; by node:http alone: ${JSON.stringify([...refusals])}`,
    );
    assert.ok(agreed > MUTATIONS / 20);
  });
});

/**
 * Fails where the two read a request otherwise, or where node:http found more requests in bytes that the codec took
 * whole, or fewer without calling any of them wrong.
 */
function compare(ours: Transcript<RequestMeaning>, theirs: SeenConnection): void {
  for (const [i, request] of ours.messages.entries()) {
    const seen = theirs.requests[i];
    if (seen === undefined) {
      assert.ok(theirs.error !== null, `node:http saw ${i} requests instead of ${ours.messages.length}`);
      return;
    }
    assert.equal(seen.method, request.method);
    if (seen.url.startsWith('/')) assert.equal(seen.url, request.target);
    assert.equal(seen.body, request.body, 'another body');
    const fields = pairs(seen.fields);
    for (const field of pairs(request.fields)) {
      if (!/^(host|max-forwards): /i.test(field))
        assert.ok(fields.includes(field), `node:http saw no ${field}`);
    }
    // node:http takes what follows an offer to upgrade for the other protocol's, or for nothing.
    if (fields.some(field => /^upgrade: /i.test(field))) return;
  }
  if (ours.end === 'clean')
    assert.equal(theirs.requests.length, ours.messages.length, 'another number of requests');
}

function pairs(fields: readonly string[]): string[] {
  return fields.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []));
}

/** Without the fields of the connection, as far as valid requests have any here. */
function endToEnd(fields: readonly string[]): string[] {
  return fields.flatMap((name, i) =>
    i % 2 === 0 && !/^(connection|transfer-encoding|x-n-.*)$/i.test(name) ? [name, fields[i + 1]] : [],
  );
}
