import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DownstreamContext } from '../../../sidecar/downstream/downstream-context.ts';
import { type RequestListener, RequestReader } from '../../../sidecar/downstream/request-reader.ts';
import type { ProtocolError } from '../../../sidecar/http1/protocol-error.ts';
import type { ParsedRequest } from '../../../sidecar/http1/request-head.ts';
import { type DownstreamParts, DownstreamUnderTest, get, post } from './downstreams.ts';
import { MemorySocket } from './memory-socket.ts';

const CHUNKED = 'POST / HTTP/1.1\r\nHost: inventory\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Notes what it is told; bodies in one piece, however they came. */
class Notes implements RequestListener {
  readonly told: string[] = [];
  errors: ProtocolError[] = [];
  onRequestDo: () => void = () => {};
  private body = '';

  onPartialHead(): void {
    if (this.told.at(-1) !== 'partial') this.told.push('partial');
  }

  onHead({ head }: ParsedRequest): void {
    this.told.push(`${head.method} ${head.target}`);
  }

  onBody(chunk: Buffer): void {
    this.body += chunk.toString('latin1');
  }

  onBodyEnd(): void {
    this.told.push(`body ${this.body}`);
    this.body = '';
  }

  onRequest(): void {
    this.told.push('request');
    this.onRequestDo();
  }

  onMalformed(error: ProtocolError): void {
    this.told.push(`malformed ${error.status}`);
    this.errors.push(error);
  }
}

function aReader(limits: DownstreamParts['limits'] = {}) {
  const context: DownstreamContext = new DownstreamUnderTest({ limits }).context;
  const socket = new MemorySocket();
  const notes = new Notes();
  const reader = new RequestReader(socket, context, notes);
  const send = (text: string) => reader.read(Buffer.from(text, 'latin1'), 0, text.length);
  return { reader, notes, socket, send };
}

describe('a request', () => {
  test('is told in parts, and is ready to be sent on with what came together with its head', () => {
    const { notes, send, reader } = aReader();
    send(post('hello'));
    assert.deepEqual(notes.told, ['POST /', 'body hello', 'request']);
    assert.equal(reader.isComplete, true);
  });

  test('is ready to be sent on before its body is there', () => {
    const { notes, send, reader } = aReader();
    send(post('hello').slice(0, -2));
    assert.deepEqual(notes.told, ['POST /', 'request']);
    assert.equal(reader.isComplete, false);
    send('lo');
    assert.deepEqual(notes.told, ['POST /', 'request', 'body hello']);
  });

  test('that is behind another waits for its turn', () => {
    const { notes, send, reader } = aReader();
    send(get('/1') + get('/2') + get('/3'));
    assert.deepEqual(notes.told, ['GET /1', 'request']);
    assert.equal(reader.isHolding, true);
    reader.next();
    reader.next();
    assert.deepEqual(notes.told, ['GET /1', 'request', 'GET /2', 'request', 'GET /3', 'request']);
    assert.equal(reader.isHolding, false);
  });

  test('has its turn at once where the one before is answered while it is told', () => {
    const { notes, send, reader } = aReader();
    notes.onRequestDo = () => reader.next();
    send(get('/1') + get('/2'));
    assert.deepEqual(notes.told, ['GET /1', 'request', 'GET /2', 'request']);
  });

  test('waits while the application does not read its answers', () => {
    const { notes, send, reader, socket } = aReader();
    send(get('/1') + get('/2'));
    socket.isBlocked = true;
    reader.next();
    assert.deepEqual(notes.told, ['GET /1', 'request']);
    socket.isBlocked = false;
    reader.goOn();
    assert.deepEqual(notes.told.slice(2), ['GET /2', 'request']);
  });

  test('is the same for every split of the bytes', () => {
    const text = `${get('/1')}${post('hello')}\r\n${CHUNKED}3\r\nabc\r\n1\r\nd\r\n0\r\nX-Sum: 1\r\n\r\n`;
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), cuts => {
        const { notes, send, reader } = aReader();
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        ends.forEach((end, i) => void send(text.slice(i === 0 ? 0 : ends[i - 1], end)));
        reader.next();
        reader.next();
        const told = notes.told.filter(line => line !== 'partial' && line !== 'request');
        assert.deepEqual(told, ['GET /1', 'POST /', 'body hello', 'POST /', 'body abcd']);
        assert.equal(reader.isComplete, true);
      }),
    );
  });
});

describe('what is refused', () => {
  const cases: [why: string, text: string, told: string[]][] = [
    ['no head', 'nonsense\r\n\r\n', ['malformed 400']],
    ['a head that is too large', `GET /${'x'.repeat(300)}`, ['malformed 414']],
    ['a body that is said to be too long', post('x'.repeat(11)), ['POST /', 'malformed 413']],
    [
      'a body that turns out to be too long',
      `${CHUNKED}b\r\n${'x'.repeat(11)}\r\n`,
      ['POST /', 'malformed 413'],
    ],
    ['a malformed body', `${CHUNKED}xyz\r\n`, ['POST /', 'malformed 400']],
  ];
  for (const [why, text, told] of cases) {
    test(`${why}, and nothing behind it is read`, () => {
      const { notes, send, reader } = aReader({ headSize: 200, requestBody: 10 });
      const stop = notes.onMalformed.bind(notes);
      notes.onMalformed = error => {
        stop(error);
        reader.stop();
      };
      send(text + get());
      send(get());
      assert.deepEqual(notes.told, told);
    });
  }
});

describe('a head with several faults', () => {
  const fields = (more: string) => `Host: inventory\r\n${more}\r\n`;
  const cases = {
    'a version and a bare LF': `GET / HTTP/2.0\r\n${fields('X: a\nb\r\n')}`,
    'a version and a bare CR': `GET / HTTP/2.0\r\n${fields('X: a\rb\r\n')}`,
    'a version and a NUL': `GET / HTTP/2.0\r\n${fields('X: a\0b\r\n')}`,
    'too many fields and a bare LF': `GET / HTTP/1.1\r\n${fields(`${'X: a\r\n'.repeat(200)}Y: a\nb\r\n`)}`,
    'a NUL in a start line that is too long': `GET /\0${'a'.repeat(40_000)} HTTP/1.1\r\n${fields('')}`,
    'a bare LF in a head that is too long': `GET / HTTP/1.1\r\n${fields(`Y: a\nb\r\nX: ${'a'.repeat(40_000)}\r\n`)}`,
    'too many trailers and a bare LF': `${CHUNKED}0\r\n${'X: a\r\n'.repeat(200)}Y: a\nb\r\n\r\n`,
  };
  for (const [what, bytes] of Object.entries(cases)) {
    test(`is refused for the same one, however it comes: ${what}`, () => {
      const fault = bytes.search(/[^\r]\n|\r[^\n]|\0/);
      for (const at of [1, 20, fault, fault + 1, fault + 2, bytes.length - 1]) {
        const { notes, send } = aReader();
        send(bytes.slice(0, at));
        send(bytes.slice(at));
        assert.equal(notes.told.at(-1), 'malformed 400', `cut at ${at}`);
      }
      const { notes, send } = aReader();
      send(bytes);
      assert.equal(notes.told.at(-1), 'malformed 400');
    });
  }

  test('is not blamed for what stands before it', () => {
    const { notes, send, reader } = aReader();
    send(`${post('hello\r')}${get('/2').replace('HTTP/1.1', 'HTTP/2.0')}`);
    reader.next();
    assert.deepEqual(notes.told, ['POST /', 'body hello\r', 'request', 'malformed 505']);
  });
});

test('what was held when reading stops is given back, once', () => {
  const { send, reader } = aReader();
  send(`${get()}and more`);
  assert.equal(reader.stop()?.toString(), 'and more');
  assert.equal(reader.stop(), null);
});
