import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DownstreamUnderTest, RecordedSink } from './downstreams.ts';

const CONNECT = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n';
const UPGRADE = 'GET /chat HTTP/1.1\r\nHost: chat\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Opens the tunnel for the request that was sent. */
function open(under: DownstreamUnderTest): RecordedSink {
  const isUpgrade = under.call.exchange.head.upgrade !== null;
  under.call.head(
    isUpgrade
      ? { status: 101, reason: 'Switching Protocols', tunnel: true, upgrade: 'websocket' }
      : { status: 200, reason: 'Connection Established', tunnel: true },
  );
  const upstream = new RecordedSink();
  under.call.exchange.tunnel?.body.attach(upstream);
  return upstream;
}

function makeTunnel(request = CONNECT) {
  const under = new DownstreamUnderTest();
  under.send(request);
  const upstream = open(under);
  under.take();
  return { under, upstream };
}

describe('a tunnel', () => {
  test('begins with the answer to CONNECT, which has no framing', () => {
    const under = new DownstreamUnderTest();
    under.send(CONNECT);
    open(under);
    assert.equal(under.take(), 'HTTP/1.1 200 Connection Established\r\n\r\n');
    assert.equal(under.counters.tunnelsOpen, 1);
    assert.equal(under.socket.isKeptAlive, true);
  });

  test('begins with a 101', () => {
    const under = new DownstreamUnderTest();
    under.send(UPGRADE);
    assert.equal(under.call.exchange.head.upgrade, 'websocket');
    open(under);
    assert.equal(
      under.take(),
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
    );
  });

  test('does not begin where the upgrade is declined', () => {
    const under = new DownstreamUnderTest();
    under.send(UPGRADE);
    under.call.head({ bodyLength: 0, fields: ['Content-Length', '0'] });
    under.call.end();
    under.send(UPGRADE);
    assert.equal(under.service.calls.length, 2);
    assert.equal(under.counters.tunnelsOpen, 0);
  });

  for (const [how, request] of [
    ['CONNECT', CONNECT],
    ['an upgrade', UPGRADE],
  ] as const) {
    test(`carries bytes both ways after ${how}`, () => {
      const { under, upstream } = makeTunnel(request);
      under.send('GET / HTTP/1.1\r\n\r\n');
      under.call.data('\x00\xff');
      under.call.data('y'.repeat(50_000));
      assert.equal(upstream.received, 'GET / HTTP/1.1\r\n\r\n');
      assert.equal(under.take(), `\x00\xff${'y'.repeat(50_000)}`);
      assert.equal(under.service.calls.length, 1);
    });
  }

  test('carries what the application sent ahead of it', () => {
    const under = new DownstreamUnderTest();
    under.send(`${UPGRADE}early `);
    under.send('birds');
    assert.equal(open(under).received, 'early birds');
  });

  test('reads on, also where as much was sent ahead as is held', () => {
    const under = new DownstreamUnderTest({ limits: { pipelined: 100 } });
    under.send(CONNECT + 'x'.repeat(200));
    assert.equal(under.socket.isPaused, true);
    const upstream = open(under);
    assert.equal(under.socket.isPaused, false);
    under.send('more');
    assert.equal(upstream.received, `${'x'.repeat(200)}more`);
  });

  test('slows down either side', () => {
    const { under, upstream } = makeTunnel();
    upstream.wantsMore = false;
    under.send('x');
    assert.equal(under.socket.isPaused, true);
    under.call.exchange.tunnel?.body.resume();
    assert.equal(under.socket.isPaused, false);
    under.socket.block();
    under.call.data('x');
    assert.equal(under.call.isPaused, true);
    under.socket.drain();
    assert.equal(under.call.isPaused, false);
  });

  test('is never idle', () => {
    const { under } = makeTunnel();
    under.clock.advance(1_000_000);
    assert.equal(under.isClosed, false);
    assert.equal(under.socket.hasEnded, false);
  });
});

describe('the end of a tunnel', () => {
  test('the application ends first: the upstream may go on', () => {
    const { under, upstream } = makeTunnel();
    under.send('bye');
    under.socket.sendEnd();
    assert.deepEqual([upstream.received, upstream.isEnded], ['bye', true]);
    under.call.data('still talking');
    assert.equal(under.take(), 'still talking');
    under.call.end();
    assert.equal(under.socket.closed, 'soon');
    assert.equal(under.counters.tunnelsOpen, 0);
    assert.equal(under.counters.clientGone, 0);
  });

  test('the upstream ends first: the application may go on', () => {
    const { under, upstream } = makeTunnel();
    under.call.exchange.tunnel?.peer.upstreamEnded();
    assert.equal(under.socket.hasEnded, true);
    under.send('still talking');
    assert.equal(upstream.received, 'still talking');
    under.socket.sendEnd();
    assert.equal(upstream.isEnded, true);
    under.call.end();
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.tunnelsOpen, 0);
  });

  test('a half-close that came before the tunnel is passed on behind what was sent', () => {
    for (const request of [CONNECT, `${CONNECT}hello`]) {
      const under = new DownstreamUnderTest();
      under.send(request);
      under.socket.sendEnd();
      const upstream = open(under);
      assert.deepEqual([upstream.received, upstream.isEnded], [request.slice(CONNECT.length), true]);
      under.clock.advance(100_000);
      assert.equal(under.isClosed, false);
    }
  });

  test('one that breaks is reset, so that it shows', () => {
    const { under } = makeTunnel();
    under.call.data('half a m');
    under.call.fail('reset');
    assert.equal(under.socket.closed, 'reset');
    assert.equal(under.isClosed, true);
    assert.equal(under.counters.tunnelsOpen, 0);
  });

  test('an application that hangs up aborts it', () => {
    const { under } = makeTunnel();
    under.socket.fail('ECONNRESET');
    assert.equal(under.call.cancelled?.kind, 'client-gone');
    assert.equal(under.counters.tunnelsOpen, 0);
    assert.equal(under.counters.clientGone, 1);
  });
});
