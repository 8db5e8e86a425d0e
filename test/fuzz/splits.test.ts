import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CHUNKED } from '../../sidecar/http1/framing.ts';
import { HeadReader, INCOMPLETE, REFUSED } from '../../sidecar/http1/head-reader.ts';
import { readBody } from '../sidecar/http1/bodies.ts';
import { body, bytes, dataOf, writeBody, writtenRequest, writtenResponse } from './arbitraries.ts';
import { readRequests, readResponses } from './connection-reader.ts';

/** Pieces of a text, and the text. */
const split = (texts: fc.Arbitrary<string>) =>
  fc.tuple(texts, fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 20 })).map(([text, sizes]) => {
    const pieces: string[] = [];
    for (let at = 0, i = 0; at < text.length || i < sizes.length; i++) {
      // Sizes of 0 are empty pieces; they do not go on for ever.
      const size = i < sizes.length ? sizes[i] : sizes[i % sizes.length] + 1;
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    return { text, pieces };
  });

/** Bytes that look like heads: lines, breaks of lines, and anything. */
const almostHead = fc
  .array(fc.oneof(fc.constantFrom('\r\n', '\r', '\n', '\0', 'a', 'A: b\r\n', '\r\n\r\n'), bytes), {
    maxLength: 12,
  })
  .map(parts => parts.join(''));

function readHead(pieces: readonly string[], limit: number) {
  const reader = new HeadReader(limit);
  let taken = 0;
  for (const piece of pieces) {
    const piecesBytes = Buffer.from(`\n\n${piece}\r\n\r\n`, 'latin1');
    const end = reader.feed(piecesBytes, 2, 2 + piece.length);
    if (end === REFUSED) return 'refused';
    if (end === INCOMPLETE) taken += piece.length;
    else return { head: reader.bytes.toString('latin1', reader.start, reader.end), taken: taken + end - 2 };
  }
  return 'incomplete';
}

describe('any split of the bytes gives the same result as one piece', () => {
  test('where a head ends', () => {
    fc.assert(
      fc.property(split(almostHead), fc.integer({ min: 4, max: 80 }), ({ text, pieces }, limit) => {
        const whole = readHead([text], limit);
        const inPieces = readHead(pieces, limit);
        // A fault may be found before the end of a head, and so before what makes the head complete.
        if (inPieces === 'refused' && typeof whole === 'object') {
          assert.match(whole.head, /\0|\r(?!\n)|(?<!\r)\n/);
        } else assert.deepEqual(inPieces, whole);
      }),
      { numRuns: 500 },
    );
  });

  test('what a chunked body is', () => {
    const rest = fc.oneof(fc.constant(''), bytes);
    fc.assert(
      fc.property(body, rest, fc.gen(), (content, after, gen) => {
        fc.pre(content.kind === 'chunked');
        const text = writeBody(content);
        const { pieces } = gen(() => split(fc.constant(text + after)));
        const result = readBody(CHUNKED, pieces);
        assert.deepEqual(result, {
          body: dataOf(content),
          trailers: content.trailers,
          taken: text.length,
          isDone: true,
          status: null,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('what a broken chunked body is', () => {
    const broken = fc
      .array(
        fc.oneof(
          fc.constantFrom('0\r\n', '5\r\n', 'hello', '\r\n', ';', 'a', '="', '\n', 'A: b\r\n', ' '),
          bytes,
        ),
      )
      .map(parts => parts.join(''));
    fc.assert(
      fc.property(split(broken), ({ text, pieces }) => {
        const whole = readBody(CHUNKED, [text]);
        const inPieces = readBody(CHUNKED, pieces);
        assert.deepEqual({ ...inPieces, taken: 0 }, { ...whole, taken: 0 });
        if (whole.isDone) assert.equal(inPieces.taken, whole.taken);
      }),
      { numRuns: 1000 },
    );
  });

  test('what requests there are on a connection', () => {
    const requests = fc
      .array(writtenRequest(['GET', 'POST', 'FOO']), { maxLength: 3 })
      .map(list => list.map(request => request.text).join(''));
    fc.assert(
      fc.property(split(requests), ({ text, pieces }) => {
        const whole = readRequests([text]);
        assert.equal(whole.end, 'clean');
        assert.deepEqual(readRequests(pieces), whole);
      }),
      { numRuns: 200 },
    );
  });

  test('what answers there are on a connection', () => {
    const responses = fc
      .array(writtenResponse(), { maxLength: 3 })
      .map(list => list.map(response => response.text).join(''));
    fc.assert(
      fc.property(split(responses), ({ text, pieces }) => {
        const methods = ['GET', 'POST', 'GET'];
        const whole = readResponses([text], methods);
        assert.equal(whole.end, 'clean');
        assert.deepEqual(readResponses(pieces, methods), whole);
      }),
      { numRuns: 200 },
    );
  });
});
