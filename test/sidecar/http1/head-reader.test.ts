import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HeadReader, INCOMPLETE, REFUSED } from '../../../sidecar/http1/head-reader.ts';
import { get, shown } from './heads.ts';

const GET = get('Accept: */*');
const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** Feeds the pieces one after the other until one is refused, each in a buffer of its own between bytes that must not be looked at. */
function feed(reader: HeadReader, ...pieces: string[]): number {
  let position = INCOMPLETE;
  for (const piece of pieces) {
    const around = '\r\n\r\n\n\x00';
    const bytes = latin1(around + piece + around);
    position = reader.feed(bytes, around.length, around.length + piece.length);
    if (position === REFUSED) break;
    if (position !== INCOMPLETE) position -= around.length;
  }
  return position;
}

const read = (reader: HeadReader) => reader.bytes.toString('latin1', reader.start, reader.end);

describe('where a head ends', () => {
  test('is after its empty line, which belongs to it', () => {
    const reader = new HeadReader(1000);
    assert.equal(feed(reader, GET), GET.length);
    assert.equal(read(reader), GET);
    assert.equal(reader.isPartial, false);
  });

  test('a head in one piece is read where it lies', () => {
    const bytes = latin1(`xx${GET}`);
    const reader = new HeadReader(1000);
    assert.equal(reader.feed(bytes, 2, bytes.length), bytes.length);
    assert.equal(reader.bytes, bytes);
    assert.deepEqual([reader.start, reader.end], [2, bytes.length]);
  });

  test('what follows is left for the body or the next head', () => {
    const reader = new HeadReader(1000);
    assert.equal(feed(reader, `${GET}hello\r\n\r\n${GET}`), GET.length);
    assert.equal(read(reader), GET);
  });

  test('is found at every offset, whatever stands before it', () => {
    for (let length = 0; length < 20; length++) {
      for (const filler of ['a', '\r\n', 'a\r\n']) {
        const text = `${filler.repeat(length).slice(0, length)}b\r\n\r\n`;
        if (text.indexOf('\r\n\r\n') !== text.length - 4) continue;
        assert.equal(feed(new HeadReader(1000), `${text}rest`), text.length, shown(text));
      }
    }
  });

  test('is not where CR and LF only resemble it', () => {
    for (const text of [
      'a\r\n\n\r',
      'a\r\r\n\n',
      'a\n\r\n\r',
      'a\r\n\r',
      'a\n\n',
      'a\r\r',
      '\r\n\r',
      '\n\r\n',
    ]) {
      assert.notEqual(feed(new HeadReader(1000), `${text}bcd\r\nefg`), text.length, shown(text));
    }
  });

  test('an empty head has four bytes', () => {
    assert.equal(feed(new HeadReader(1000), '\r\n\r\nx'), 4);
  });
});

describe('a head in pieces', () => {
  test('is the same for every split in two', () => {
    for (let at = 0; at <= GET.length; at++) {
      const reader = new HeadReader(1000);
      const first = feed(reader, GET.slice(0, at));
      if (at === GET.length) assert.equal(first, GET.length);
      else {
        assert.equal(first, INCOMPLETE);
        assert.equal(reader.isPartial, at > 0);
        assert.equal(reader.hasBegun, at > 0);
        assert.equal(feed(reader, `${GET.slice(at)}next`), GET.length - at);
      }
      assert.equal(read(reader), GET);
      assert.equal(reader.isPartial, false);
    }
  });

  test('may come byte by byte, with empty pieces between', () => {
    const reader = new HeadReader(GET.length);
    for (const byte of GET.slice(0, -1)) assert.equal(feed(reader, byte, ''), INCOMPLETE);
    assert.equal(feed(reader, '\n'), 1);
    assert.equal(read(reader), GET);
  });

  test('is kept when the buffer that it came in is written over', () => {
    const reader = new HeadReader(1000);
    const bytes = latin1(GET.slice(0, 20));
    reader.feed(bytes, 0, bytes.length);
    bytes.fill(0);
    feed(reader, GET.slice(20));
    assert.equal(read(reader), GET);
  });

  test('has not begun with the empty line that may stand before it', () => {
    const reader = new HeadReader(1000);
    for (const [piece, hasBegun] of [
      ['\r', false],
      ['\n', false],
      ['G', true],
    ] as const) {
      feed(reader, piece);
      assert.equal(reader.hasBegun, hasBegun);
    }
  });

  test('is forgotten by reset', () => {
    const reader = new HeadReader(1000);
    feed(reader, 'POST /half');
    reader.reset();
    assert.equal(reader.isPartial, false);
    assert.equal(feed(reader, GET), GET.length);
    assert.equal(read(reader), GET);
  });

  test('heads follow each other through one reader', () => {
    const reader = new HeadReader(1000);
    for (let i = 0; i < 5; i++) {
      const head = get(`X-I: ${i}`);
      assert.equal(feed(reader, head.slice(0, 10 + i), head.slice(10 + i)), head.length - 10 - i);
      assert.equal(read(reader), head);
    }
  });
});

describe('the limit', () => {
  const sized = (length: number) => get('A: ').replace('A: ', `A: ${'x'.repeat(length - get('A: ').length)}`);

  for (const pieces of [1, 2, 7]) {
    const cut = (text: string) => {
      const size = Math.ceil(text.length / pieces);
      return Array.from({ length: pieces }, (_, i) => text.slice(i * size, (i + 1) * size));
    };

    test(`a head of just its size is taken, in ${pieces} pieces`, () => {
      const reader = new HeadReader(500);
      assert.ok(feed(reader, ...cut(sized(500))) > 0);
      assert.equal(read(reader), sized(500));
    });

    test(`one more byte is answered with 431, in ${pieces} pieces`, () => {
      const reader = new HeadReader(500);
      assert.equal(feed(reader, ...cut(sized(501))), REFUSED);
      assert.equal(reader.error?.status, 431);
    });

    test(`a start line beyond it is answered with 414, in ${pieces} pieces`, () => {
      const reader = new HeadReader(500);
      assert.equal(feed(reader, ...cut(`GET /${'a'.repeat(600)}`)), REFUSED);
      assert.equal(reader.error?.status, 414);
      const whole = new HeadReader(500);
      assert.equal(feed(whole, ...cut(`GET /${'a'.repeat(600)} HTTP/1.1\r\nHost: up\r\n\r\n`)), REFUSED);
      assert.equal(whole.error?.status, 414);
    });
  }

  test('what follows the head does not count', () => {
    assert.equal(feed(new HeadReader(GET.length), GET + 'x'.repeat(10_000)), GET.length);
    const reader = new HeadReader(GET.length);
    assert.equal(feed(reader, GET.slice(0, 5), GET.slice(5) + 'x'.repeat(10_000)), GET.length - 5);
  });

  test('a head that never ends is not kept beyond it', () => {
    const reader = new HeadReader(100);
    assert.equal(feed(reader, 'GET / HTTP/1.1\r\n', 'A: b\r\n'.repeat(10_000)), REFUSED);
    assert.equal(reader.isPartial, false);
  });
});

describe('faults are found before the head is complete, so that nobody waits for its end', () => {
  const faults: [why: string, text: string, detail: RegExp][] = [
    ['a bare LF', 'GET / HTTP/1.1\nHost: up\n\n', /without CR/],
    ['a bare LF at the start', '\nGET', /without CR/],
    ['a bare LF after CRLF', 'GET / HTTP/1.1\r\n\n', /without CR/],
    ['a bare CR', 'GET / HTTP/1.1\rHost', /no LF follows/],
    ['two CRs', 'GET / HTTP/1.1\r\r\n', /no LF follows/],
    ['NUL', 'GET /\x00', /NUL/],
    ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00', /TLS in it, where only plain http:/],
    ['a TLS alert', '\x15\x03\x01\x00\x02\x02F', /TLS in it, where only plain http:/],
  ];
  for (const [why, text, detail] of faults) {
    test(why, () => {
      for (let at = 0; at < text.length; at++) {
        const reader = new HeadReader(1000);
        const first = feed(reader, text.slice(0, at));
        if (first === INCOMPLETE) assert.equal(feed(reader, text.slice(at)), REFUSED, `split at ${at}`);
        assert.equal(reader.error?.status, 400);
        assert.match(reader.error.detail, detail);
      }
    });
  }

  test('a CR at the end of a piece is none yet', () => {
    const reader = new HeadReader(1000);
    assert.equal(feed(reader, 'GET / HTTP/1.1\r', '\nHost: up\r', '\n\r'), INCOMPLETE);
    assert.equal(feed(reader, '\n'), 1);
  });
});
