import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc, { type Arbitrary } from 'fast-check';
import { UNKNOWN_LENGTH } from '../../sidecar/exchange/body-length.ts';
import type { RequestHead } from '../../sidecar/exchange/exchange.ts';
import type { ResponseHead } from '../../sidecar/exchange/service.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from '../../sidecar/http1/framing.ts';
import { chunkedEnd, chunkStart, requestHeadText, responseHeadText } from '../../sidecar/http1/serialize.ts';
import { readBody } from '../sidecar/http1/bodies.ts';
import { accepted, parseRequest, parseResponse } from '../sidecar/http1/heads.ts';
import { authority, bytes, dataOf, plainFields, writtenRequest, writtenResponse } from './arbitraries.ts';
import { readRequests, readResponses } from './connection-reader.ts';

/** Fields with one more somewhere among them. */
function inserted(fields: readonly string[], at: number, name: string, value: string): string[] {
  const index = 2 * (at % (fields.length / 2 + 1));
  return [...fields.slice(0, index), name, value, ...fields.slice(index)];
}

const spelling = (name: string) => fc.mixedCase(fc.constant(name));
const framing: Arbitrary<Framing> = fc.oneof(
  fc.constant(0),
  fc.constant(CHUNKED),
  fc.integer({ min: 1, max: 999_999_999_999_999 }),
);

/** A request's head as the codec makes them, and the framing that goes with it. */
const request: Arbitrary<[RequestHead, Framing]> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH', 'options', 'OPTIONS'),
    target: fc.webPath().map(path => `/${path}?a=b`),
    authority,
    fields: plainFields,
    framing,
    places: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
    host: spelling('host'),
    length: spelling('content-length'),
    withLength: fc.boolean(),
    withExpect: fc.boolean(),
    upgrade: fc.option(fc.constantFrom('websocket', 'WebSocket, x/1')),
    isAsterisk: fc.boolean(),
  })
  .map(made => {
    let fields = inserted(made.fields, made.places[0], made.host, made.authority);
    if (made.framing > 0 || (made.framing === 0 && made.withLength))
      fields = inserted(fields, made.places[1], made.length, String(made.framing));
    if (made.withExpect && made.framing !== 0)
      fields = inserted(fields, made.places[2], 'Expect', '100-continue');
    const head: RequestHead = {
      method: made.method,
      version: '1.1',
      target: made.method === 'OPTIONS' && made.isAsterisk ? '*' : made.target,
      authority: made.authority,
      fields,
      upgrade: made.framing === 0 ? made.upgrade : null,
    };
    return [head, made.framing];
  });

/** An answer's head as the codec makes them, the framing that goes with it, and the request's method. */
const response: Arbitrary<[ResponseHead, Framing, string]> = fc
  .record({
    status: fc.integer({ min: 100, max: 599 }),
    reason: fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\xe9', '~'), maxLength: 8 }),
    fields: plainFields,
    framing: fc.oneof(framing, fc.constant(UNTIL_CLOSE)),
    method: fc.constantFrom('GET', 'HEAD', 'POST'),
    places: fc.array(fc.nat(), { minLength: 2, maxLength: 2 }),
    length: spelling('content-length'),
  })
  .map(made => {
    const { status, method } = made;
    const isEmpty = status < 200 || status === 204 || status === 304 || method === 'HEAD';
    const framing = isEmpty ? 0 : made.framing;
    const hasLength = made.framing >= 0 && !(status < 200 || status === 204);
    let fields = inserted(made.fields, made.places[0], 'Date', 'x');
    if (hasLength) fields = inserted(fields, made.places[1], made.length, String(made.framing));
    const head: ResponseHead = {
      status,
      version: '1.1',
      reason: made.reason,
      fields,
      bodyLength: framing >= 0 ? framing : UNKNOWN_LENGTH,
      upgrade: status === 101 || status === 426 ? 'websocket' : null,
      tunnel: status === 101,
      endsWithConnection: framing === UNTIL_CLOSE && status !== 101,
    };
    return [head, framing, method];
  });

describe('what is written is read again as it was', () => {
  test('a request’s head', () => {
    fc.assert(
      fc.property(request, ([head, framing]) => {
        const parsed = accepted(parseRequest(requestHeadText(head, framing, '')));
        assert.deepEqual(parsed, {
          head,
          form: head.target === '*' ? 'asterisk' : 'origin',
          minorVersion: 1,
          framing,
          keepAlive: true,
          nominated: head.upgrade === null ? null : new Set(['upgrade']),
          maxForwards: null,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('a request’s head with a Via has that and is else the same', () => {
    fc.assert(
      fc.property(request, ([head, framing]) => {
        const parsed = accepted(parseRequest(requestHeadText(head, framing, 'outrider')));
        assert.deepEqual(parsed.head, { ...head, fields: [...head.fields, 'Via', '1.1 outrider'] });
      }),
      { numRuns: 100 },
    );
  });

  test('an answer’s head', () => {
    fc.assert(
      fc.property(response, ([head, framing, method]) => {
        const connection = head.upgrade === null ? '' : 'upgrade';
        const parsed = accepted(parseResponse(responseHeadText(head, framing, connection, ''), method));
        assert.deepEqual(parsed, {
          head,
          framing,
          keepAlive: framing !== UNTIL_CLOSE,
          nominated: connection === '' ? null : new Set(['upgrade']),
          keepAliveHint: null,
        });
      }),
      { numRuns: 500 },
    );
  });

  test('a chunked body, whatever the chunks', () => {
    const chunks = fc.array(bytes.filter(chunk => chunk !== ''));
    const trailers = fc.option(plainFields.filter(fields => fields.length > 0).map(onlyForTrailers));
    fc.assert(
      fc.property(chunks, trailers, (pieces, fields) => {
        const text =
          pieces.map(piece => `${chunkStart(piece.length)}${piece}\r\n`).join('') + chunkedEnd(fields);
        assert.deepEqual(readBody(CHUNKED, [`${text}next`]), {
          body: pieces.join(''),
          trailers: fields,
          taken: text.length,
          isDone: true,
          status: null,
        });
      }),
      { numRuns: 300 },
    );
  });
});

/** Makes names of fields that may stand behind a body. */
function onlyForTrailers(fields: readonly string[]): string[] {
  return fields.map((text, i) => (i % 2 === 0 ? `X-${text}` : text));
}

describe('however a valid message is written, it is understood', () => {
  test('requests', () => {
    fc.assert(
      fc.property(fc.array(writtenRequest(['GET', 'POST', 'PURGE', 'x']), { maxLength: 4 }), requests => {
        const { messages, end } = readRequests([requests.map(({ text }) => text).join('')]);
        assert.equal(end, 'clean');
        assert.deepEqual(
          messages.map(({ method, target, fields, body, trailers }) => ({
            method,
            target,
            fields,
            body,
            trailers,
          })),
          requests.map(({ method, target, fields, body }) => ({
            ...{ method, target, fields },
            body: dataOf(body),
            trailers: body.kind === 'chunked' ? body.trailers : null,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('answers', () => {
    fc.assert(
      fc.property(fc.array(writtenResponse(), { maxLength: 4 }), responses => {
        const text = responses.map(response => response.text).join('');
        const { messages, end } = readResponses([text], Array(4).fill('GET'));
        assert.equal(end, 'clean');
        assert.deepEqual(
          messages.map(({ status, reason, fields, body, trailers }) => ({
            status,
            reason,
            fields,
            body,
            trailers,
          })),
          responses.map(({ status, reason, fields, body }) => ({
            ...{ status, reason, fields },
            body: dataOf(body),
            trailers: body.kind === 'chunked' ? body.trailers : null,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });
});
