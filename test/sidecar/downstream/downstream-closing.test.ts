import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { DownstreamUnderTest, get, post, withLength } from './downstreams.ts';

function answerOk({ call }: DownstreamUnderTest): void {
  call.head(withLength(2));
  call.data('ok');
  call.end();
}

/** A connection that has sent its last answer and waits for the application to close too. */
function makeLingering(): DownstreamUnderTest {
  const under = new DownstreamUnderTest();
  under.send(get('/', 'Connection: close'));
  answerOk(under);
  return under;
}

describe('an application that closes its sending side', () => {
  test('still gets its answer, where that comes soon', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.socket.sendEnd();
    assert.equal(under.counters.halfClosed, 1);
    under.clock.advance(4_999);
    answerOk(under);
    assert.match(under.take(), /ok$/);
    assert.equal(under.socket.closed, 'soon');
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.clientGone, 0);
  });

  test('is taken for gone where the answer has not come after a while', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.clock.advance(1_000);
    under.socket.sendEnd();
    under.clock.advance(4_999);
    assert.equal(under.call.cancelled, null);
    under.clock.advance(1);
    assert.match(`${under.service.last.cancelled?.kind}`, /client-gone/);
    assert.equal(under.take(), '');
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.clientGone, 1);
  });

  test('gets all of an answer that has begun in time, however long it takes', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.socket.sendEnd();
    under.clock.advance(4_000);
    under.call.head({ bodyLength: 2 });
    under.call.data('o');
    under.call.flush();
    under.clock.advance(60_000);
    assert.equal(under.call.cancelled, null);
    under.call.data('k');
    under.call.end(null);
    assert.match(under.take(), /ok$/);
    assert.equal(under.socket.closed, 'soon');
  });

  test('in the middle of an answer gets all of it too', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head({ bodyLength: 2 });
    under.call.data('o');
    under.call.flush();
    under.socket.sendEnd();
    under.clock.advance(60_000);
    assert.equal(under.call.cancelled, null);
    under.call.data('k');
    under.call.end();
    assert.match(under.take(), /ok$/);
    assert.equal(under.socket.closed, 'soon');
  });

  test('gets all of its answers also where it reads them slowly', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2'));
    under.socket.sendEnd();
    under.socket.isBlocked = true;
    answerOk(under);
    under.clock.advance(59_000);
    assert.equal(under.isClosed, false);
    under.socket.drain();
    assert.equal(under.call.exchange.head.target, '/2');
    answerOk(under);
    assert.equal(under.take().match(/ok/g)?.length, 2);
    assert.equal(under.socket.closed, 'soon');
    assert.equal(under.counters.clientGone, 0);
  });

  test('is given up where it does not read them at all', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2'));
    under.socket.sendEnd();
    under.socket.isBlocked = true;
    answerOk(under);
    under.clock.advance(60_000);
    assert.equal(under.socket.closed, 'reset');
    assert.equal(under.isClosed, true);
  });

  test('gets the answers to everything that it sent before', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2') + get('/3'));
    under.socket.sendEnd();
    for (let i = 0; i < 3; i++) answerOk(under);
    assert.equal(under.take().match(/ok/g)?.length, 3);
    assert.equal(under.isClosed, true);
  });

  test('gets them also where the later ones are answered at once', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2') + get('/3'));
    under.socket.sendEnd();
    under.service.onCall = call => call.fail('no-endpoint');
    answerOk(under);
    assert.equal(under.take().match(/HTTP\/1\.1 /g)?.length, 3);
    assert.equal(under.isClosed, true);
  });

  test('waits as long for each answer that is still due', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2'));
    under.socket.sendEnd();
    under.clock.advance(4_000);
    answerOk(under);
    under.clock.advance(4_999);
    assert.equal(under.service.last.cancelled, null);
    under.clock.advance(1);
    assert.notEqual(under.service.last.cancelled, null);
    assert.equal(under.isClosed, true);
  });

  test('in the middle of a request is gone', () => {
    const under = new DownstreamUnderTest();
    under.send(post('hello').slice(0, -1));
    under.socket.sendEnd();
    assert.equal(under.call.cancelled?.kind, 'client-gone');
    assert.match(under.call.cancelled.detail, /in the middle of its request/);
    assert.equal(under.isClosed, true);
    assert.equal(under.take(), '');
  });

  test('between requests, or in the middle of a head, is closed too', () => {
    for (const sent of ['', 'GET / HT']) {
      const under = new DownstreamUnderTest();
      if (sent !== '') under.send(sent);
      under.socket.sendEnd();
      assert.equal(under.isClosed, true);
      assert.equal(under.take(), '');
    }
  });
});

describe('an application that hangs up', () => {
  test('while it waits aborts the call', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.socket.fail('ECONNRESET');
    assert.equal(under.call.cancelled?.kind, 'client-gone');
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.clientGone, 1);
    assert.equal(under.counters.connectionsOpen, 0);
  });

  test('in the middle of the answer aborts the call', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head(withLength(10));
    under.call.data('hello');
    under.socket.fail('EPIPE');
    assert.equal(under.call.cancelled?.kind, 'client-gone');
  });

  test('with further requests held has none of them served', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2'));
    under.socket.fail('ECONNRESET');
    assert.equal(under.service.calls.length, 1);
  });

  test('between requests costs nothing', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    answerOk(under);
    under.socket.fail('ECONNRESET');
    assert.equal(under.counters.clientGone, 0);
    assert.equal(under.counters.connectionsOpen, 0);
  });
});

describe('an answer that can not be completed', () => {
  for (const [how, bodyLength] of [
    ['with a length', 10],
    ['in chunks', UNKNOWN_LENGTH],
  ] as const) {
    test(`${how} is cut off`, () => {
      const under = new DownstreamUnderTest();
      under.send(get() + get('/2'));
      under.call.head({ bodyLength });
      under.call.data('half');
      under.call.fail('reset');
      assert.match(under.take(), /half(\r\n)?$/);
      assert.equal(under.socket.closed, 'soon');
      assert.equal(under.service.calls.length, 1);
      assert.equal(under.isClosed, true);
    });
  }

  test('that ends with the connection is reset: a plain close would look like its end', () => {
    const under = new DownstreamUnderTest();
    under.send('GET / HTTP/1.0\r\nHost: inventory\r\n\r\n');
    under.call.head({ bodyLength: UNKNOWN_LENGTH });
    under.call.data('half');
    under.call.flush();
    under.call.fail('reset');
    assert.equal(under.socket.closed, 'reset');
    assert.equal(under.isClosed, true);
  });

  test('is not left to an application that does not read', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head(withLength(10));
    under.call.flush();
    under.socket.block();
    under.call.data('half');
    under.call.fail('reset');
    assert.equal(under.socket.closed, 'reset');
  });
});

describe('after the last answer', () => {
  test('the application is given a second to read it and to close', () => {
    const under = makeLingering();
    assert.equal(under.socket.hasEnded, true);
    assert.equal(under.isClosed, false);
    under.clock.advance(999);
    assert.equal(under.socket.closed, null);
    under.clock.advance(1);
    assert.equal(under.socket.closed, 'at once');
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.connectionsOpen, 0);
  });

  test('it is closed as soon as the application closes', () => {
    const under = makeLingering();
    under.socket.sendEnd();
    assert.equal(under.isClosed, true);
    assert.notEqual(under.socket.closed, null);
  });

  test('whatever the application still sends is read and means nothing', () => {
    const under = makeLingering();
    under.send(get('/late'));
    under.send('nonsense');
    assert.equal(under.service.calls.length, 1);
    assert.match(under.take(), /ok$/);
  });

  test('an application that is slow to read gets all of it', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/', 'Connection: close'));
    under.call.head(withLength(40_000));
    under.socket.block();
    under.call.data('x'.repeat(40_000));
    under.call.end();
    under.clock.advance(10_000);
    assert.equal(under.socket.closed, null);
    under.socket.drain();
    assert.equal(under.take().length > 40_000, true);
    assert.equal(under.socket.lost, '');
    under.clock.advance(1_000);
    assert.equal(under.isClosed, true);
  });

  test('so does one that is found to be slow when its last answer is written, behind what others had', () => {
    const under = new DownstreamUnderTest();
    const { socket } = under;
    socket.holds = true;
    const write = socket.writeTogether.bind(socket);
    socket.writeTogether = (...piece) => {
      socket.block();
      write(...piece);
    };
    under.send(get('/', 'Connection: close'));
    answerOk(under);
    under.clock.advance(10_000);
    assert.equal(socket.closed, null);
    socket.drain();
    assert.match(under.take(), /ok$/);
    assert.equal(socket.lost, '');
  });

  test('so does one that has closed its sending side', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.socket.sendEnd();
    under.call.head(withLength(40_000));
    under.socket.block();
    under.call.data('x'.repeat(40_000));
    under.call.end();
    under.clock.advance(10_000);
    under.socket.drain();
    assert.equal(under.take().length > 40_000, true);
    assert.equal(under.isClosed, true);
  });

  test('one that does not read at all is given up in the end, so that it shows', () => {
    for (const hasEnded of [false, true]) {
      const under = new DownstreamUnderTest({ limits: { idleTimeout: 30_000 } });
      under.send(get('/', 'Connection: close'));
      if (hasEnded) under.socket.sendEnd();
      under.call.head(withLength(40_000));
      under.socket.block();
      under.call.data('x'.repeat(40_000));
      under.call.end();
      under.clock.advance(29_999);
      assert.equal(under.isClosed, false);
      under.clock.advance(1);
      assert.equal(under.isClosed, true);
      assert.equal(under.socket.closed, 'reset');
    }
  });
});

describe('time', () => {
  test('a head has to be complete within its time, counted from its first byte', () => {
    const under = new DownstreamUnderTest({ limits: { headTimeout: 2_000 } });
    under.clock.advance(30_000);
    under.send('GET / HTTP/1.1\r\n');
    under.clock.advance(1_000);
    under.send('Host: inventory\r\n');
    under.clock.advance(999);
    assert.equal(under.take(), '');
    under.clock.advance(1);
    assert.match(under.take(), /^HTTP\/1\.1 408 /);
    assert.equal(under.counters.timedOut, 1);
    assert.equal(under.refused.length, 1);
    assert.equal(under.socket.hasEnded, true);
    under.clock.advance(1_000);
    assert.equal(under.isClosed, true);
  });

  test('the next head has its own time', () => {
    const under = new DownstreamUnderTest({ limits: { headTimeout: 2_000 } });
    under.send('GET / HTTP/1.1\r\n');
    under.clock.advance(1_500);
    under.send('Host: inventory\r\n\r\n');
    under.clock.advance(1_500);
    answerOk(under);
    under.send('GET / HT');
    under.clock.advance(1_999);
    assert.equal(under.socket.hasEnded, false);
    under.clock.advance(1);
    assert.equal(under.socket.hasEnded, true);
  });

  test('an empty line behind a request is not the beginning of the next one', () => {
    for (const line of ['\r', '\r\n']) {
      const under = new DownstreamUnderTest({ limits: { headTimeout: 2_000, idleTimeout: 5_000 } });
      under.send(get() + line);
      answerOk(under);
      under.take();
      under.clock.advance(4_999);
      assert.equal(under.socket.hasEnded, false);
      under.clock.advance(1);
      assert.equal(under.socket.hasEnded, true);
      assert.equal(under.take(), '');
    }
  });

  test('limits that a new configuration changes are in force from the next request on', () => {
    const under = new DownstreamUnderTest({ limits: { headSize: 100, idleTimeout: 5_000 } });
    under.send(get());
    under.context.limits = { ...under.context.limits, headSize: 1_000, idleTimeout: 50_000 };
    answerOk(under);
    under.clock.advance(6_000);
    under.send(get(`/${'x'.repeat(200)}`));
    assert.equal(under.call.exchange.head.target.length, 201);
  });

  test('a head that was held behind an exchange has its time from there on', () => {
    const under = new DownstreamUnderTest({ limits: { headTimeout: 2_000 } });
    under.send(`${get('/1')}GET /2 HT`);
    under.clock.advance(10_000);
    answerOk(under);
    under.clock.advance(1_999);
    assert.equal(under.socket.hasEnded, false);
    under.send('TP/1.1\r\nHost: inventory\r\n\r\n');
    assert.equal(under.call.exchange.head.target, '/2');
  });

  test('a connection is closed when it was idle for too long', () => {
    const under = new DownstreamUnderTest({ limits: { idleTimeout: 5_000 } });
    under.clock.advance(4_999);
    assert.equal(under.socket.hasEnded, false);
    under.clock.advance(1);
    assert.equal(under.socket.hasEnded, true);
    assert.equal(under.take(), '');
    assert.equal(under.counters.timedOut, 1);
  });

  test('idle is counted from the last answer', () => {
    const under = new DownstreamUnderTest({ limits: { idleTimeout: 5_000 } });
    under.clock.advance(4_000);
    under.send(get());
    under.clock.advance(4_000);
    answerOk(under);
    under.clock.advance(4_999);
    assert.equal(under.socket.hasEnded, false);
    under.clock.advance(1);
    assert.equal(under.socket.hasEnded, true);
  });

  test('an exchange may take as long as it likes', () => {
    const under = new DownstreamUnderTest({ limits: { idleTimeout: 5_000, headTimeout: 1_000 } });
    under.send(get());
    under.clock.advance(600_000);
    answerOk(under);
    assert.match(under.take(), /ok$/);
    assert.equal(under.socket.hasEnded, false);
  });
});

describe('a connection that is destroyed', () => {
  test('aborts what is under way', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.connection.destroy();
    under.connection.destroy();
    assert.equal(under.call.cancelled?.kind, 'client-gone');
    assert.deepEqual([under.socket.closed, under.counters.connectionsOpen], ['at once', 0]);
  });

  test('and leaves no timer', () => {
    const under = new DownstreamUnderTest();
    under.connection.destroy();
    under.clock.advance(100_000);
    assert.equal(under.counters.timedOut, 0);
  });
});

test('connections are counted', () => {
  const under = new DownstreamUnderTest();
  assert.deepEqual([under.counters.connectionsOpen, under.counters.connectionsTotal], [1, 1]);
  under.socket.sendEnd();
  assert.deepEqual([under.counters.connectionsOpen, under.counters.connectionsTotal], [0, 1]);
});
