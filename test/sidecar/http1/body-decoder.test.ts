import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyDecoder } from '../../../sidecar/http1/body-decoder.ts';
import { CHUNKED, UNTIL_CLOSE } from '../../../sidecar/http1/framing.ts';
import { inPieces, readBody } from './bodies.ts';

describe('a body with a length (RFC 9112 section 6.2)', () => {
  test('ends with its last byte, however it is split', () => {
    for (const size of [1, 2, 3, 5, 100]) {
      const result = readBody(5, inPieces('helloGET / HTTP/1.1', size));
      assert.deepEqual([result.body, result.taken, result.isDone, result.trailers], ['hello', 5, true, null]);
    }
  });

  test('of more than the bytes that came is not done, and the connection’s end does not end it', () => {
    const decoder = new BodyDecoder(1000, 10);
    const result = readBody(6, ['hello'], decoder);
    assert.deepEqual([result.body, result.isDone], ['hello', false]);
    assert.equal(decoder.endOfStream(), false);
  });

  test('may be larger than 32 bits can say', () => {
    const decoder = new BodyDecoder(1000, 10);
    decoder.start(2 ** 32 + 3);
    const piece = Buffer.alloc(1 << 20);
    let received = 0;
    const receiver = {
      onBody(chunk: Buffer) {
        received += chunk.length;
      },
    };
    while (!decoder.isDone) decoder.feed(piece, 0, piece.length, receiver);
    assert.equal(received, 2 ** 32 + 3);
  });
});

test('a message without a body is done from the start and takes nothing', () => {
  const decoder = new BodyDecoder(1000, 10);
  assert.deepEqual(readBody(0, [], decoder).isDone, true);
  const next = Buffer.from('GET / HTTP/1.1');
  const receiver = { onBody: () => assert.fail('there is no body') };
  assert.equal(decoder.feed(next, 2, next.length, receiver), 2);
  assert.equal(decoder.endOfStream(), true);
});

describe('a body until the connection’s end (RFC 9112 section 6.3, rule 8)', () => {
  test('takes every byte, and is done at the end', () => {
    const decoder = new BodyDecoder(1000, 10);
    const result = readBody(UNTIL_CLOSE, ['hel', 'lo', '', '0\r\n\r\n'], decoder);
    assert.deepEqual([result.body, result.taken, result.isDone], ['hello0\r\n\r\n', 10, false]);
    assert.equal(decoder.endOfStream(), true);
    assert.equal(decoder.isDone, true);
  });
});

describe('a chunked body', () => {
  test('is not ended by the connection’s end (RFC 9112 section 8)', () => {
    for (const text of [
      '',
      '5',
      '5\r\nhello',
      '5\r\nhello\r\n',
      '5\r\nhello\r\n0',
      '0\r\n',
      '0\r\n\r',
      '0\r\nA: b\r\n',
    ]) {
      const decoder = new BodyDecoder(1000, 10);
      readBody(CHUNKED, [text], decoder);
      assert.equal(decoder.endOfStream(), false, text);
    }
  });
});

test('a decoder is used for one body after the other, of any framing', () => {
  const decoder = new BodyDecoder(1000, 10);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(readBody(CHUNKED, ['0\r\nA: b\r\n\r\n'], decoder).trailers, ['A', 'b']);
    assert.equal(readBody(2, ['ab'], decoder).trailers, null);
    assert.equal(readBody(CHUNKED, ['x'], decoder).status, 400);
    assert.equal(readBody(0, [], decoder).status, null);
    assert.equal(readBody(UNTIL_CLOSE, ['ab'], decoder).status, null);
  }
});
