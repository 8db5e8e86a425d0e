import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ownAnswer } from '../../../sidecar/downstream/problem.ts';
import { ResponseWriter } from '../../../sidecar/downstream/response-writer.ts';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { aResponseHead } from '../exchanges.ts';
import { MemorySocket } from './memory-socket.ts';

function aWriter() {
  const socket = new MemorySocket();
  socket.open({ onRead() {}, onEnd() {}, onDrain() {}, onLost() {} });
  return { socket, writer: new ResponseWriter(socket) };
}

interface Case {
  readonly title: string;
  readonly head: Partial<ResponseHead>;
  readonly minorVersion?: 0 | 1;
  readonly hasBody?: boolean;
  readonly keepAlive?: boolean;
  /** What is written behind the status line. */
  readonly fields: string;
  /** What two bytes of body become. */
  readonly body?: string;
  readonly isKept: boolean;
}

const CASES: readonly Case[] = [
  {
    title: 'with a length',
    head: { fields: ['Content-Length', '2'], bodyLength: 2 },
    fields: 'Content-Length: 2\r\n',
    body: 'ok',
    isKept: true,
  },
  {
    title: 'with a length, the last one',
    head: { fields: ['Content-Length', '2'], bodyLength: 2 },
    keepAlive: false,
    fields: 'Content-Length: 2\r\nConnection: close\r\n',
    body: 'ok',
    isKept: false,
  },
  {
    title: 'of unknown length',
    head: { bodyLength: UNKNOWN_LENGTH },
    fields: 'Transfer-Encoding: chunked\r\n',
    body: '2\r\nok\r\n0\r\n\r\n',
    isKept: true,
  },
  {
    title: 'of unknown length, to HTTP/1.0',
    head: { bodyLength: UNKNOWN_LENGTH },
    minorVersion: 0,
    fields: 'Connection: close\r\n',
    body: 'ok',
    isKept: false,
  },
  {
    title: 'with a length, to HTTP/1.0',
    head: { fields: ['Content-Length', '2'], bodyLength: 2 },
    minorVersion: 0,
    fields: 'Content-Length: 2\r\nConnection: keep-alive\r\n',
    body: 'ok',
    isKept: true,
  },
  {
    title: 'of unknown length, without a body as for HEAD',
    head: { bodyLength: UNKNOWN_LENGTH },
    hasBody: false,
    fields: '',
    isKept: true,
  },
  {
    title: 'that asks for an upgrade',
    head: { status: 426, upgrade: 'TLS/1.3' },
    fields: 'Upgrade: TLS/1.3\r\nConnection: upgrade\r\n',
    isKept: true,
  },
  {
    title: 'that asks for an upgrade, the last one',
    head: { status: 426, upgrade: 'TLS/1.3' },
    keepAlive: false,
    fields: 'Upgrade: TLS/1.3\r\nConnection: upgrade, close\r\n',
    isKept: false,
  },
];

describe('an answer', () => {
  for (const { title, head, minorVersion = 1, hasBody = true, keepAlive = true, ...expected } of CASES) {
    test(title, () => {
      const { writer, socket } = aWriter();
      writer.head(aResponseHead(head), minorVersion, hasBody, keepAlive, '');
      assert.equal(writer.isStarted, true);
      if (expected.body !== undefined) writer.data(Buffer.from('ok'));
      writer.end(null);
      const status = head.status ?? 200;
      assert.equal(socket.take(), `HTTP/1.1 ${status} OK\r\n${expected.fields}\r\n${expected.body ?? ''}`);
      assert.equal(writer.keepAlive, expected.isKept);
    });
  }
});

describe('what is written when', () => {
  test('small pieces wait for each other, up to a bound', () => {
    const { writer, socket } = aWriter();
    writer.head(aResponseHead({ bodyLength: UNKNOWN_LENGTH }), 1, true, true, '');
    for (let i = 0; i < 10; i++) writer.data(Buffer.alloc(1_000, 'x'));
    assert.equal(socket.take(), '');
    for (let i = 0; i < 10; i++) writer.data(Buffer.alloc(1_000, 'x'));
    assert.notEqual(socket.take(), '');
    writer.end(null);
    assert.match(socket.take(), /0\r\n\r\n$/);
  });

  test('a whole answer goes out when the turn is over', () => {
    const { writer, socket } = aWriter();
    socket.holds = true;
    writer.head(aResponseHead({ bodyLength: 2 }), 1, true, true, '');
    writer.data(Buffer.from('ok'));
    writer.end(null);
    assert.equal(socket.take(), '');
    socket.flush();
    assert.match(socket.take(), /ok$/);
  });

  test('a large piece goes out at once, with what waited', () => {
    const { writer, socket } = aWriter();
    writer.head(aResponseHead({ bodyLength: UNKNOWN_LENGTH }), 1, true, true, '');
    writer.data(Buffer.alloc(20_000, 'x'));
    assert.match(socket.take(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n4e20\r\nx+\r\n$/);
  });

  test('where nothing has to follow a piece, less is large', () => {
    const { writer, socket } = aWriter();
    writer.head(aResponseHead({ bodyLength: 3_100 }), 1, true, true, '');
    writer.data(Buffer.alloc(100, 'x'));
    assert.equal(socket.take(), '');
    writer.data(Buffer.alloc(3_000, 'x'));
    assert.equal(socket.take(), `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(3_100)}`);
    writer.end(null);
    assert.equal(socket.take(), '');
  });

  test('nothing of an answer that was given up is left for the next', () => {
    const { writer, socket } = aWriter();
    writer.head(aResponseHead({ status: 500 }), 1, true, true, '');
    writer.reset();
    assert.equal(writer.isStarted, false);
    writer.flush();
    writer.head(aResponseHead({ status: 204 }), 1, false, true, '');
    writer.end(null);
    assert.equal(socket.take(), 'HTTP/1.1 204 OK\r\n\r\n');
  });

  test('a tunnel has no framing', () => {
    const { writer, socket } = aWriter();
    writer.head(aResponseHead({ tunnel: true }), 1, true, false, 'outrider');
    writer.flush();
    assert.equal(socket.take(), 'HTTP/1.1 200 OK\r\nVia: 1.1 outrider\r\n\r\n');
    assert.equal(writer.endsWithConnection, true);
  });
});

test('an answer of the own is written whole, to HEAD without its body', () => {
  const { writer, socket } = aWriter();
  writer.own(ownAnswer(503, 'busy', 'now', []), null, false);
  assert.equal(
    socket.take(),
    'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nDate: now\r\nConnection: close\r\n\r\nbusy',
  );
});
