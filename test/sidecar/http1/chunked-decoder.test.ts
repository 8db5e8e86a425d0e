import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BodyDecoder } from '../../../sidecar/http1/body-decoder.ts';
import { ChunkedDecoder } from '../../../sidecar/http1/chunked-decoder.ts';
import { CHUNKED } from '../../../sidecar/http1/framing.ts';
import { inPieces, type ReadBody, readBody } from './bodies.ts';
import { shown } from './heads.ts';

/** Reads a chunked body in one piece, byte by byte and in threes; the results must not differ. */
function read(text: string): ReadBody {
  const whole = readBody(CHUNKED, [text]);
  for (const size of [1, 3]) {
    const { taken, ...other } = readBody(CHUNKED, inPieces(text, size));
    const { taken: wholeTaken, ...expected } = whole;
    assert.deepEqual(other, expected);
    if (whole.status === null) assert.equal(taken, wholeTaken);
  }
  return whole;
}

describe('chunked bodies (RFC 9112 section 7.1)', () => {
  const good: [text: string, body: string][] = [
    ['0\r\n\r\n', ''],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
    ['a\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['A\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
    ['0005\r\nhello\r\n000\r\n\r\n', 'hello'],
    ['5\r\n\r\n0\r\n\r\n0\r\n\r\n', '\r\n0\r\n'],
    ['3\r\n\x00\xff\r\r\n0\r\n\r\n', '\x00\xff\r'],
    [`100\r\n${'x'.repeat(256)}\r\n0\r\n\r\n`, 'x'.repeat(256)],
  ];
  for (const [text, body] of good) {
    test(`${shown(text)} is ${shown(body)}`, () => {
      for (const after of ['', 'GET / HTTP/1.1\r\n', '\r\n']) {
        const result = readBody(CHUNKED, [text + after]);
        assert.deepEqual(result, { body, trailers: null, taken: text.length, isDone: true, status: null });
      }
      assert.equal(read(text).isDone, true);
    });
  }

  const bad: [why: string, text: string][] = [
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['no size, an extension', ';a\r\nhello\r\n'],
    ['a size that is no number', 'x\r\n'],
    ['a sign', '+5\r\nhello\r\n'],
    ['a negative size', '-5\r\nhello\r\n'],
    ['a prefix', '0x5\r\nhello\r\n'],
    ['a suffix', '5h\r\nhello\r\n'],
    ['a group', '1_0\r\n'],
    ['a fraction', '5.0\r\nhello\r\n'],
    ['white space before the size', ' 5\r\nhello\r\n'],
    ['white space after the size', '5 \r\nhello\r\n'],
    ['a tab after the size', '5\t\r\nhello\r\n'],
    ['white space within the size', '1 0\r\n'],
    ['NBSP after the size', '5\xa0\r\nhello\r\n'],
    ['NUL after the size', '5\x00\r\nhello\r\n'],
    ['a vertical tab after the size', '5\x0b\r\nhello\r\n'],
    ['a bare LF after the size', '5\nhello\r\n'],
    ['a bare CR after the size', '5\rhello\r\n'],
    ['two CRs after the size', '5\r\r\nhello\r\n'],
    ['a bare LF after the last size', '0\n\r\n'],
    ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n'],
    ['a chunk shorter than its size', '6\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF after the data', '5\r\nhello\n0\r\n\r\n'],
    ['a bare CR after the data', '5\r\nhello\r0\r\n\r\n'],
    ['nothing after the data', '5\r\nhello0\r\n\r\n'],
    ['two bytes other than CRLF after the data', '5\r\nhelloxx0\r\n\r\n'],
    ['CR and another byte after the data', '5\r\nhello\rx0\r\n\r\n'],
    ['an empty line between chunks', '5\r\nhello\r\n\r\n0\r\n\r\n'],
    ['a bare LF at the end', '0\r\n\n'],
    ['a bare CR at the end', '0\r\n\rx'],
    ['another request at the end', '0\r\nGET / HTTP/1.1\r\nHost: up\r\n\r\n'],
    ['14 digits', '00000000000005\r\nhello\r\n'],
    ['a size beyond 2^53', '20000000000000\r\n'],
    ['a size beyond 2^64', '10000000000000005\r\nhello\r\n'],
    ['a size of all f', 'ffffffffffffffff\r\n'],
  ];
  for (const [why, text] of bad) {
    test(`refused: ${why}`, () => {
      const result = read(text);
      assert.equal(result.status, 400);
      assert.equal(result.isDone, false);
    });
  }

  test('the largest size is held exactly', () => {
    assert.equal(read('fffffffffffff\r\nabc').body, 'abc');
  });

  test('every byte after a size but those of the grammar is refused', () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      const status = readBody(CHUNKED, [`1${text}`]).status;
      assert.equal(status, /[0-9A-Fa-f;\r \t]/.test(text) ? null : 400, shown(text));
    }
  });
});

describe('chunk extensions (RFC 9112 section 7.1.1)', () => {
  const good = [
    ';a',
    ';a=b',
    ';a="b"',
    ';a=""',
    ';a;b=c;d="e"',
    ' ; a = b',
    '\t;\ta\t=\t"b"\t;c',
    ';a ;b',
    ';a="\\"\\\\;,\t\xff"',
    ';a="b;c=d"',
    ";!#$%&'*+-.^_`|~=0",
  ];
  for (const extension of good) {
    test(`${shown(extension)} is passed over`, () => {
      const text = `5${extension}\r\nhello\r\n0${extension}\r\n\r\n`;
      assert.deepEqual(read(text), {
        body: 'hello',
        trailers: null,
        taken: text.length,
        isDone: true,
        status: null,
      });
    });
  }

  const bad = [
    ';',
    '; ',
    ';;a',
    ';a;',
    ';a=',
    ';a= ;b',
    ';=b',
    ';a=b=c',
    ';a=b c',
    ';a b',
    ';a ',
    ';a=b ',
    ';a="b" ',
    ';a="b"c',
    ';a="b',
    ';a=b"c"',
    ';a="\\',
    ' a',
    ';a,b',
    ';a=b,c',
    ';a\x00',
    ';a=\x00',
    ';a="\x00"',
    ';a="\\\x00"',
    ';a="\x7f"',
    ';a=\xff',
    ';\xa0a',
    ';a\x0b',
    ';a\nb',
    ';a="\n"',
    ';a="b\r\nc"',
    ';a\rb',
    ';a\r\r',
    ';a="b\\\r\n"',
    ';(a)',
    ';a={b}',
  ];
  for (const extension of bad) {
    test(`${shown(extension)} is refused`, () => {
      assert.equal(read(`5${extension}\r\nhello\r\n0\r\n\r\n`).status, 400);
    });
  }

  test('a few KiB of them are taken in one body, and no more', () => {
    const body = (count: number) => `1;a=${'x'.repeat(97)}\r\ny\r\n`.repeat(count);
    assert.equal(readBody(CHUNKED, [body(40)]).status, null);
    assert.equal(readBody(CHUNKED, [body(42)]).status, 400);
    assert.equal(readBody(CHUNKED, [`1;${'a'.repeat(5000)}`]).status, 400);
  });
});

describe('trailers (RFC 9112 section 7.1.2)', () => {
  const trailersOf = (...lines: string[]) => read(`0\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`);

  test('are told in order and case', () => {
    const result = trailersOf('X-B: 1', 'x-a:\t2 ', 'X-B: 3');
    assert.deepEqual(result.trailers, ['X-B', '1', 'x-a', '2', 'X-B', '3']);
    assert.equal(result.isDone, true);
  });

  test('the next message is left alone', () => {
    const text = '0\r\nX-A: 1\r\n\r\n';
    assert.equal(readBody(CHUNKED, [`${text}GET / HTTP/1.1\r\n\r\n`]).taken, text.length);
    for (let at = 0; at < text.length; at++) {
      const result = readBody(CHUNKED, [text.slice(0, at), `${text.slice(at)}GET / HTTP/1.1\r\n\r\n`]);
      assert.deepEqual([result.taken, result.trailers], [text.length, ['X-A', '1']]);
    }
  });

  test('what they can not set is dropped (RFC 9110 section 6.5.1)', () => {
    const dropped = [
      'Content-Length',
      'Transfer-Encoding',
      'Host',
      'Connection',
      'Keep-Alive',
      'Upgrade',
      'TE',
      'Trailer',
      'Content-Type',
      'Content-Encoding',
      'Content-Range',
      'Authorization',
      'Cookie',
      'Set-Cookie',
      'Cache-Control',
      'Expect',
      'Max-Forwards',
      'Range',
      'If-Match',
      'If-None-Match',
      'Location',
      'Vary',
      'WWW-Authenticate',
      'Via',
    ];
    for (const name of dropped) {
      assert.deepEqual(trailersOf('A: b', `${name}: 5`, 'C: d').trailers, ['A', 'b', 'C', 'd'], name);
      assert.equal(trailersOf(`${name.toLowerCase()}: 5`).trailers, null, name);
    }
  });

  test('what Connection names is dropped (RFC 9110 section 7.6.1)', () => {
    const decoder = new BodyDecoder(1000, 10);
    const bytes = Buffer.from('0\r\nX-A: 1\r\nx-b: 2\r\nX-C: 3\r\n\r\n');
    decoder.start(CHUNKED, new Set(['x-a', 'x-b']));
    decoder.feed(bytes, 0, bytes.length, { onBody() {} });
    assert.deepEqual(decoder.trailers, ['X-C', '3']);
    decoder.start(CHUNKED);
    decoder.feed(bytes, 0, bytes.length, { onBody() {} });
    assert.deepEqual(decoder.trailers, ['X-A', '1', 'x-b', '2', 'X-C', '3']);
  });

  const bad = [
    'A : b',
    ' A: b',
    'A',
    ': b',
    'A: b\x00',
    'A: b\nC: d',
    'A: b\rC: d',
    'A\xa0: b',
    'A: b\r\n c',
    'A: b\x7f',
  ];
  for (const line of bad) {
    test(`${shown(line)} is refused`, () => {
      const result = trailersOf(line);
      assert.equal(result.status, 400);
      assert.equal(result.isDone, false);
    });
  }

  test('are bounded in bytes and in number: 431', () => {
    assert.equal(trailersOf(`A: ${'b'.repeat(900)}`).isDone, true);
    assert.equal(trailersOf(`A: ${'b'.repeat(1000)}`).status, 431);
    assert.equal(trailersOf(...Array(10).fill('A: b')).isDone, true);
    assert.equal(trailersOf(...Array(11).fill('A: b')).status, 431);
  });
});

describe('a decoder', () => {
  const decode = (decoder: ChunkedDecoder, text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    return decoder.feed(bytes, 0, bytes.length, { onBody() {} });
  };

  test('that refused a body takes nothing more of it', () => {
    for (const text of [
      'x',
      '5\r\nhelloX',
      '0\r\nA\x00',
      '0\r\nA b: c\r\n\r\n',
      `0\r\nA: ${'b'.repeat(1000)}`,
    ]) {
      const decoder = new ChunkedDecoder(1000, 10);
      decoder.start();
      decode(decoder, text);
      const error = decoder.error;
      assert.ok(error !== null, text);
      assert.equal(decode(decoder, '\r\n\r\n0\r\n\r\n'), 0);
      assert.deepEqual([decoder.isDone, decoder.error, decoder.trailers], [false, error, null]);
    }
  });

  test('that is done takes nothing more', () => {
    const decoder = new ChunkedDecoder(1000, 10);
    decoder.start();
    decode(decoder, '0\r\n\r\n');
    assert.equal(decode(decoder, '0\r\n\r\n'), 0);
    assert.equal(decoder.isDone, true);
  });

  test('starts anew after a good, a broken and an unfinished body', () => {
    const decoder = new BodyDecoder(1000, 10);
    for (const before of ['0\r\nA: b\r\n\r\n', 'x', '5\r\nhel', '0\r\nA: b', '1;a=b\r\nx\r\n', '5']) {
      readBody(CHUNKED, [before], decoder);
      const result = readBody(CHUNKED, ['2\r\nok\r\n0\r\n\r\n'], decoder);
      assert.deepEqual(result, { body: 'ok', trailers: null, taken: 12, isDone: true, status: null });
    }
  });

  test('tells small chunks together, once for each piece that comes in', () => {
    const text = `${'1\r\na\r\n'.repeat(300)}2;x\r\nbc\r\n`;
    const decoder = new ChunkedDecoder(1000, 10);
    decoder.start();
    const told: string[] = [];
    const receiver = { onBody: (chunk: Buffer) => told.push(chunk.toString('latin1')) };
    for (const piece of [text, `${text}0\r\n\r\n`]) {
      const bytes = Buffer.from(piece);
      assert.equal(decoder.feed(bytes, 0, bytes.length, receiver), bytes.length);
    }
    const together = `${'a'.repeat(300)}bc`;
    assert.deepEqual(told, [together, together]);
    assert.equal(decoder.isDone, true);
  });

  test('tells long chunks one by one, where they lie', () => {
    const [long, longer] = ['x'.repeat(5000), 'y'.repeat(6000)];
    const bytes = Buffer.from(`1388\r\n${long}\r\n1\r\na\r\n1770\r\n${longer}\r\n0\r\n\r\n`);
    const decoder = new ChunkedDecoder(1000, 10);
    decoder.start();
    const told: [string, number][] = [];
    decoder.feed(bytes, 0, bytes.length, {
      onBody: chunk => told.push([chunk.toString('latin1'), chunk.byteOffset - bytes.byteOffset]),
    });
    assert.deepEqual(told, [
      [`${long}a`, 6],
      [longer, 5020],
    ]);
  });

  test('passes data on without copying it', () => {
    const bytes = Buffer.from('3\r\nabc\r\n0\r\n\r\n');
    const decoder = new ChunkedDecoder(1000, 10);
    decoder.start();
    const chunks: Buffer[] = [];
    decoder.feed(bytes, 0, bytes.length, { onBody: chunk => chunks.push(chunk) });
    assert.deepEqual(
      chunks.map(chunk => [chunk.buffer === bytes.buffer, chunk.byteOffset - bytes.byteOffset, chunk.length]),
      [[true, 3, 3]],
    );
  });
});
