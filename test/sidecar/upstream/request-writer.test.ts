import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { RequestWriter } from '../../../sidecar/upstream/request-writer.ts';
import { MemorySocket } from '../downstream/memory-socket.ts';
import { Application, anExchange } from '../exchanges.ts';

const HEAD = 'GET /stock/7 HTTP/1.1\r\nHost: inventory\r\n';

function aWriter() {
  const socket = new MemorySocket();
  socket.open({ onRead() {}, onEnd() {}, onDrain() {}, onLost() {} });
  return { socket, writer: new RequestWriter(socket) };
}

const bodyOf = (length: number) => new RequestBody(new Application(), length, 100);

describe('a request without a body', () => {
  test('is written whole, and has reached nobody until the turn is over', () => {
    const { socket, writer } = aWriter();
    socket.holds = true;
    writer.begin(anExchange(), '', 0);
    assert.deepEqual([socket.take(), writer.isComplete, writer.hasReachedNobody], ['', true, true]);
    socket.flush();
    assert.deepEqual([socket.take(), writer.hasReachedNobody], [`${HEAD}\r\n`, false]);
  });

  test('never reaches anybody where it is dropped before', () => {
    const { socket, writer } = aWriter();
    socket.holds = true;
    writer.begin(anExchange(), '', 0);
    writer.drop();
    socket.flush();
    assert.deepEqual([socket.take(), writer.hasReachedNobody], ['', true]);
  });

  test('says through whom it came, and in which version', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ version: '1.0' }), 'outrider', 0);
    assert.equal(socket.take(), `${HEAD}Via: 1.0 outrider\r\n\r\n`);
  });
});

describe('a request with a body', () => {
  test('waits for what is kept of it, and goes out with that in one piece', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(5) }), '', 0);
    writer.data(Buffer.from('he'));
    writer.data(Buffer.from('llo'));
    assert.equal(socket.take(), '');
    assert.equal(writer.isComplete, false);
    writer.end(null);
    writer.uncork();
    assert.equal(socket.take(), `${HEAD}\r\nhello`);
    assert.equal(writer.isComplete, true);
  });

  test('is written together with its head where its first piece is long', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(5000) }), '', 0);
    writer.data(Buffer.from('b'.repeat(4096)));
    assert.equal(socket.take(), `${HEAD}\r\n${'b'.repeat(4096)}`);
    writer.data(Buffer.from('c'.repeat(904)));
    assert.equal(socket.take(), '');
    writer.end(null);
    writer.uncork();
    assert.equal(socket.take(), 'c'.repeat(904));
  });

  test('goes on as it comes', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(5) }), '', 0);
    writer.uncork();
    assert.equal(socket.take(), `${HEAD}\r\n`);
    writer.data(Buffer.from('hello'));
    assert.equal(socket.take(), 'hello');
    writer.end(null);
    assert.equal(socket.take(), '');
  });

  test('of unknown length is chunked, with its trailers', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(UNKNOWN_LENGTH) }), '', 0);
    writer.data(Buffer.from('kept'));
    writer.uncork();
    writer.data(Buffer.from('live'));
    writer.end(['X-Sum', '1']);
    assert.equal(
      socket.take(),
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nkept\r\n4\r\nlive\r\n0\r\nX-Sum: 1\r\n\r\n`,
    );
  });

  test('that is given up leaves nothing for the next', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(5) }), '', 0);
    writer.drop();
    writer.uncork();
    writer.begin(anExchange(), '', 0);
    assert.equal(socket.take(), `${HEAD}\r\n`);
  });
});

test('a tunnel has no framing', () => {
  const { socket, writer } = aWriter();
  writer.beginTunnel();
  writer.data(Buffer.from('ahead '));
  assert.equal(socket.take(), '');
  writer.uncork();
  writer.data(Buffer.from('of time'));
  assert.equal(socket.take(), 'ahead of time');
  assert.equal(writer.isComplete, false);
  writer.end(null);
  assert.equal(writer.isComplete, true);
  assert.equal(socket.take(), '');
});

describe('a request that the system refuses to send', () => {
  test('has reached nobody where it refused the first piece', () => {
    const { socket, writer } = aWriter();
    socket.hasFailed = true;
    writer.begin(anExchange(), '', 0);
    assert.equal(writer.hasReachedNobody, true);
  });

  test('may have reached somebody where it refused one behind that', () => {
    const { socket, writer } = aWriter();
    writer.begin(anExchange({ body: bodyOf(5000) }), '', 0);
    writer.data(Buffer.from('b'.repeat(2500)));
    socket.hasFailed = true;
    writer.data(Buffer.from('c'.repeat(2500)));
    writer.end(null);
    writer.uncork();
    assert.equal(writer.hasReachedNobody, false);
  });
});
