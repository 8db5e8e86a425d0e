import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Call, Reply, Service } from '../../../sidecar/exchange/service.ts';
import { aResponseHead } from '../exchanges.ts';
import { DownstreamUnderTest, get, post, RecordedSink, withLength } from './downstreams.ts';

function attach(under: DownstreamUnderTest): RecordedSink {
  const sink = new RecordedSink();
  under.call.exchange.body?.attach(sink);
  return sink;
}

describe('an application that is slow to read', () => {
  test('slows down the call, until it has read everything', () => {
    const under = new DownstreamUnderTest();
    under.send(get());
    under.call.head(withLength(60_000));
    under.call.data('x'.repeat(20_000));
    assert.equal(under.call.isPaused, false);
    under.socket.block();
    under.call.data('x'.repeat(20_000));
    assert.equal(under.call.isPaused, true);
    under.socket.drain();
    assert.equal(under.call.isPaused, false);
    under.call.data('x'.repeat(20_000));
    under.call.end();
    assert.equal(under.take().length > 60_000, true);
  });

  test('is given no further answer before it has read the last one', () => {
    const under = new DownstreamUnderTest();
    under.send(get('/1') + get('/2'));
    under.socket.block();
    under.call.head(withLength(2));
    under.call.data('ok');
    under.call.end();
    assert.equal(under.service.calls.length, 1);
    under.send(get('/3'));
    assert.equal(under.service.calls.length, 1);
    under.socket.drain();
    assert.equal(under.service.calls.length, 2);
    under.call.head(withLength(2));
    under.call.data('ok');
    under.call.end();
    assert.equal(under.service.calls.length, 3);
  });

  test('gets what was read for it, also where that buffer is used again', () => {
    const under = new DownstreamUnderTest();
    const upstream = new BufferedUpstream();
    under.router = () => upstream;
    under.send(get('/1') + get('/2') + get('/3'));
    for (const n of ['1', '2', '3']) {
      under.socket.block();
      upstream.reply?.head(aResponseHead(withLength(200_000)));
      let sent = 0;
      for (let turns = 0; sent < 200_000; turns++) {
        assert.ok(turns < 100, 'stalled');
        // An upstream reads on as long as nobody pauses it.
        while (!upstream.isPaused && sent < 200_000) sent += upstream.read(n, 50_000);
        under.socket.drain();
        if (turns % 2 === 0) under.socket.block();
      }
      upstream.reply?.end(null);
      under.socket.drain();
    }
    const bodies = under.take().split(/HTTP\/1\.1 200 OK\r\nContent-Length: 200000\r\n\r\n/);
    assert.deepEqual(
      bodies.map(body => [body.length, new Set(body).size]),
      [
        [0, 0],
        [200_000, 1],
        [200_000, 1],
        [200_000, 1],
      ],
    );
    assert.deepEqual(
      bodies.slice(1).map(body => body[0]),
      ['1', '2', '3'],
    );
  });
});

/** An upstream that reads every piece into the same buffer of its own. */
class BufferedUpstream implements Service, Call {
  reply: Reply | null = null;
  isPaused = false;
  private readonly buffer = Buffer.alloc(50_000);

  call(_exchange: unknown, reply: Reply): Call {
    this.reply = reply;
    this.isPaused = false;
    return this;
  }

  read(content: string, length: number): number {
    this.buffer.fill(content);
    this.reply?.data(this.buffer.subarray(0, length));
    return length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  cancel(): void {}
}

describe('the body of a request', () => {
  test('is read while the endpoint takes it', () => {
    const under = new DownstreamUnderTest();
    under.send(post('x'.repeat(100)).slice(0, -90));
    const sink = attach(under);
    sink.wantsMore = false;
    under.send('y'.repeat(10));
    assert.equal(under.socket.isPaused, true);
    under.call.exchange.body?.resume();
    assert.equal(under.socket.isPaused, false);
    sink.wantsMore = true;
    under.send('z'.repeat(80));
    assert.equal(under.socket.isPaused, false);
    assert.equal(sink.received, 'x'.repeat(10) + 'y'.repeat(10) + 'z'.repeat(80));
    assert.equal(sink.isEnded, true);
  });

  test('is read up to the bound while nobody takes it yet', () => {
    const under = new DownstreamUnderTest({ keepForReplay: 50 });
    under.send(post('x'.repeat(100)).slice(0, -60));
    assert.equal(under.socket.isPaused, false);
    under.send('x'.repeat(20));
    assert.equal(under.socket.isPaused, true);
    const sink = attach(under);
    assert.equal(under.socket.isPaused, false);
    assert.equal(sink.received.length, 60);
  });

  test('that came whole leaves the application watched: it may hang up', () => {
    const under = new DownstreamUnderTest({ keepForReplay: 50 });
    under.send(post('x'.repeat(100)));
    assert.equal(under.socket.isPaused, false);
    under.socket.sendEnd();
    assert.equal(under.counters.halfClosed, 1);
  });

  test('that nobody took any more is read and forgotten behind an early answer', () => {
    const under = new DownstreamUnderTest({ keepForReplay: 10 });
    under.send(post('x'.repeat(100)).slice(0, -60));
    assert.equal(under.socket.isPaused, true);
    under.call.fail('no-endpoint');
    assert.equal(under.socket.isPaused, false);
    under.send('x'.repeat(60));
    under.socket.sendEnd();
    assert.equal(under.isClosed, true);
  });

  test('does not hold up the next request', () => {
    const under = new DownstreamUnderTest();
    under.send(post('x'.repeat(100)).slice(0, -50));
    const sink = attach(under);
    sink.wantsMore = false;
    under.send('x'.repeat(50));
    under.call.head(withLength(0));
    under.call.end();
    assert.equal(under.socket.isPaused, false);
    under.send(get('/2'));
    assert.equal(under.call.exchange.head.target, '/2');
  });
});

describe('requests that come ahead of their time', () => {
  const limits = { pipelined: 1_000 };

  test('are held up to the bound', () => {
    const under = new DownstreamUnderTest({ limits });
    under.send(get('/1'));
    under.send(get(`/${'x'.repeat(800)}`));
    assert.equal(under.socket.isPaused, false);
    under.send(get('/3').slice(0, -1).repeat(1));
    under.send('x'.repeat(200));
    assert.equal(under.socket.isPaused, true);
  });

  test('are read on when those before are served', () => {
    const under = new DownstreamUnderTest({ limits });
    under.send(get('/1') + get(`/${'x'.repeat(1_000)}`));
    assert.equal(under.socket.isPaused, true);
    under.call.head(withLength(0));
    under.call.end();
    assert.equal(under.socket.isPaused, false);
    assert.equal(under.service.calls.length, 2);
    under.send(get('/3'));
    under.call.head(withLength(0));
    under.call.end();
    assert.equal(under.call.exchange.head.target, '/3');
  });

  test('stay held where what is served next leaves too many of them', () => {
    const under = new DownstreamUnderTest({ limits });
    under.send(get('/1') + get('/2') + get(`/${'x'.repeat(1_000)}`));
    under.call.head(withLength(0));
    under.call.end();
    assert.equal(under.service.calls.length, 2);
    assert.equal(under.socket.isPaused, true);
  });

  test('may be long bodies: the pieces are told apart whichever buffer they come in', () => {
    const under = new DownstreamUnderTest({ limits: { pipelined: 10_000_000 } });
    const long = 'L'.repeat(300_000);
    under.send(get('/1') + post(long).slice(0, -200_000));
    under.call.head(withLength(0));
    under.call.end();
    const sink = attach(under);
    under.send(long.slice(-200_000));
    assert.equal(sink.received, long);
    assert.equal(sink.isEnded, true);
  });
});
