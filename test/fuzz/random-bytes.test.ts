import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CHUNKED } from '../../sidecar/http1/framing.ts';
import { HeadReader } from '../../sidecar/http1/head-reader.ts';
import { ProtocolError } from '../../sidecar/http1/protocol-error.ts';
import { parseRequestHead } from '../../sidecar/http1/request-head.ts';
import { parseResponseHead } from '../../sidecar/http1/response-head.ts';
import { readBody } from '../sidecar/http1/bodies.ts';
import { bytes } from './arbitraries.ts';

/** Bytes that are nothing, and pieces of messages put together at random. */
const anything = fc.oneof(
  bytes,
  fc
    .array(
      fc.oneof(
        bytes,
        fc.constantFrom(
          'GET ',
          '/',
          ' HTTP/1.1\r\n',
          'Host: up\r\n',
          'Content-Length: 5\r\n',
          'HTTP/1.1 200 OK\r\n',
        ),
        fc.constantFrom(
          'HTTP/',
          'HTTP/1.',
          'HTTP/1.1 2',
          'Transfer-Encoding: chunked\r\n',
          '\r\n',
          '\r',
          ':',
          ' ',
        ),
        fc.constantFrom(
          '0\r\n',
          '5;a="',
          'Connection: ',
          'Upgrade: ',
          'http://',
          '[::',
          'Max-Forwards: ',
          ',',
        ),
      ),
      { maxLength: 12 },
    )
    .map(parts => parts.join('')),
);

/** What may lie behind a head in a connection's buffer, or be left there of an earlier message. */
const surroundings = fc.constantFrom(
  '',
  '\r\n\r\n',
  ' HTTP/1.1\r\nHost: up\r\n\r\n',
  '\0\0\0\0\0\0\0\0',
  '1 200 OK\r\n\r\n',
);

type Parse = (bytes: Buffer, start: number, end: number) => unknown;

const PARSERS: readonly [name: string, parse: Parse][] = [
  ['parseRequestHead', (head, start, end) => parseRequestHead(head, start, end, 10)],
  ['parseResponseHead', (head, start, end) => parseResponseHead(head, start, end, 10, 'GET', 'now')],
];

describe('random bytes', () => {
  for (const [name, parse] of PARSERS) {
    test(`${name} makes a message or an error of any head, whatever lies around it`, () => {
      fc.assert(
        fc.property(anything, surroundings, surroundings, (text, before, after) => {
          const head = `${text.split('\r\n\r\n')[0]}\r\n\r\n`;
          const alone = Buffer.from(head, 'latin1');
          const expected = parse(alone, 0, alone.length);
          const among = Buffer.from(before + head + after, 'latin1');
          assert.deepEqual(parse(among, before.length, before.length + head.length), expected);
          if (expected instanceof ProtocolError) {
            assert.ok([400, 414, 417, 431, 501, 505].includes(expected.status));
            assert.match(expected.detail, /^[\x20-\x7e]+$/, 'what is said about it holds bytes of it');
          }
        }),
        { numRuns: 2000 },
      );
    });
  }

  test('a head reader ends a head, waits or refuses, and looks at nothing around', () => {
    fc.assert(
      fc.property(
        anything,
        surroundings,
        surroundings,
        fc.integer({ min: 4, max: 100 }),
        (text, before, after, limit) => {
          const alone = Buffer.from(text, 'latin1');
          const expected = new HeadReader(limit).feed(alone, 0, alone.length);
          const among = Buffer.from(before + text + after, 'latin1');
          const end = new HeadReader(limit).feed(among, before.length, before.length + text.length);
          assert.equal(end, expected < 0 ? expected : expected + before.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a chunked decoder takes no more bytes than there are, and none twice', () => {
    fc.assert(
      fc.property(anything, text => {
        const { body, taken, isDone, status } = readBody(CHUNKED, [text]);
        assert.ok(taken >= 0 && taken <= text.length);
        assert.ok(body.length <= taken);
        assert.ok(isDone ? status === null : status !== null || taken === text.length);
      }),
      { numRuns: 2000 },
    );
  });
});
