import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { Attempt } from '../../../sidecar/upstream/attempt.ts';
import { UpstreamConnection } from '../../../sidecar/upstream/upstream-connection.ts';
import { MemorySocket } from '../downstream/memory-socket.ts';
import { Application, aCompleteBody, anExchange, aTunnel, type ExchangeParts } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { until } from '../until.ts';
import { aPoolContext, PoolUnderTest } from './pools.ts';
import { type EndpointConnection, OK, ScriptedEndpoint } from './scripted-endpoint.ts';

let endpoint: ScriptedEndpoint;
let under: PoolUnderTest;

beforeEach(async () => {
  endpoint = await ScriptedEndpoint.start();
  under = new PoolUnderTest();
});
afterEach(async () => {
  under.pool.stop();
  await endpoint.close();
});

const NO_OWNER = { name: 'inventory', onFree() {}, onClosed() {}, onStale() {}, onKeepAliveHint() {} };
const NO_SOURCE = { acquire() {}, leave() {}, waitedTooLong() {} };
const NO_CHOOSER = {
  choose: () => failure('no-endpoint', 'There is no other.', true),
  chooseOther: () => null,
};

/** Sends a request on a new connection. */
function sendTo(socket: MemorySocket) {
  socket.holds = true;
  const connection = new UpstreamConnection(endpoint.endpoint, socket, NO_OWNER, aPoolContext(under.clock));
  const reply = new RecordedReply();
  connection.send(new Attempt(anExchange(), reply, endpoint.endpoint, NO_SOURCE, NO_CHOOSER));
  return { socket, reply };
}

/** An attempt, and the connection on which its request came to the endpoint. */
async function begin(parts: ExchangeParts = {}, n = 0) {
  const made = under.attempt(endpoint.endpoint, parts);
  const head = await endpoint.request(n);
  const connection = endpoint.connections[n];
  return { ...made, head, connection };
}

/** What an attempt is told when its request is answered with this. */
async function answered(text: string, parts: ExchangeParts = {}, close?: 'end') {
  const begun = await begin(parts);
  begun.connection.write(text);
  if (close === 'end') begun.connection.end();
  await begun.reply.ended;
  return begun;
}

const isKept = () => under.pool.idleCount(endpoint.endpoint) === 1;

describe('a request', () => {
  test('is written anew from what was understood', async () => {
    const { head } = await begin({
      method: 'GET',
      target: '/stock/7?depth=2',
      fields: ['Host', 'inventory', 'x-Id', '1'],
    });
    assert.equal(head, 'GET /stock/7?depth=2 HTTP/1.1\r\nHost: inventory\r\nx-Id: 1\r\n\r\n');
  });

  test('goes out before the answer of a new connection that says something at once', () => {
    const { socket, reply } = sendTo(new MemorySocket());
    socket.send('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n');
    assert.deepEqual(reply.told, [503, 'end']);
    assert.match(socket.take(), /^GET .*\r\n\r\n$/s);
  });

  test('has reached nobody where a new connection is lost before it has gone out', () => {
    const socket = new MemorySocket();
    socket.hasFailed = true;
    const { reply } = sendTo(socket);
    socket.fail('ECONNRESET');
    assert.deepEqual([reply.failure?.kind, reply.failure?.reachedNobody], ['reset', true]);
  });

  test('comes with its body', async () => {
    const { connection } = await begin({
      method: 'POST',
      fields: ['Host', 'inventory', 'Content-Length', '5'],
      body: aCompleteBody('hello'),
    });
    await until(() => connection.received === 'hello', 'the body');
  });

  test('with a body of unknown length comes in chunks, as they come, with its trailers', async () => {
    const body = new RequestBody(new Application(), UNKNOWN_LENGTH, 100);
    body.push(Buffer.from('hello '));
    const { head, connection } = await begin({ method: 'POST', body });
    assert.match(head, /\r\nTransfer-Encoding: chunked\r\n\r\n$/);
    await until(() => connection.received === '6\r\nhello \r\n', 'the first chunk');
    body.push(Buffer.from('you'));
    await until(() => connection.received.endsWith('3\r\nyou\r\n'), 'the next chunk');
    body.finish(['X-Sum', '1']);
    await until(() => connection.received.endsWith('0\r\nX-Sum: 1\r\n\r\n'), 'the end');
  });

  test('is slowed down by an endpoint that does not read', async () => {
    const application = new Application();
    const body = new RequestBody(application, UNKNOWN_LENGTH, 0);
    const { connection } = await begin({ method: 'POST', body });
    connection.socket.pause();
    const piece = Buffer.alloc(128 * 1024, 'x');
    let written = 0;
    for (; !application.isPaused; written += piece.length) {
      assert.ok(written < 256 * 1024 * 1024);
      body.push(piece);
    }
    let got = connection.received.length;
    connection.received = '';
    connection.socket.removeAllListeners('data');
    connection.socket.on('data', (text: string) => {
      got += text.length;
    });
    connection.socket.resume();
    await until(() => !application.isPaused, 'to go on');
    await until(() => got > written, 'the rest');
  });
});

describe('an answer', () => {
  const ANSWERS: readonly [what: string, text: string, body: string, kept: boolean][] = [
    ['with a length', OK, 'ok', true],
    ['with a length of 0', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '', true],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', 'abc', true],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', '', true],
    ['that closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok', 'ok', false],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', false],
    [
      'of HTTP/1.0 that keeps the connection',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
      'ok',
      true,
    ],
    ['with bytes behind it that nobody asked for', `${OK}HTTP/1.1 200 OK\r\n`, 'ok', false],
  ];
  for (const [what, text, body, kept] of ANSWERS) {
    test(`${what} ${kept ? 'leaves the connection for the next' : 'ends the connection'}`, async () => {
      const { reply } = await answered(text);
      assert.equal(reply.failure, null);
      assert.equal(reply.body, body);
      assert.equal(isKept(), kept);
      if (!kept) await endpoint.connections[0].over();
      assert.deepEqual(under.gauges, { open: kept ? 1 : 0, busy: 0, waiting: 0 });
    });
  }

  test('of unknown length ends with the connection', async () => {
    const { reply } = await answered('HTTP/1.1 200 OK\r\n\r\nall of it', {}, 'end');
    assert.deepEqual([reply.body, reply.told.at(-1)], ['all of it', 'end']);
    assert.equal(reply.answer?.bodyLength, UNKNOWN_LENGTH);
    assert.equal(isKept(), false);
  });

  test('to HEAD has no body, whatever it says', async () => {
    const { reply } = await answered('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', { method: 'HEAD' });
    assert.deepEqual(reply.told, [200, 'end']);
    assert.equal(isKept(), true);
  });

  test('may be split anywhere', async () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n';
    const { reply, connection } = await begin();
    for (const byte of text) {
      const before = connection.socket.bytesWritten;
      connection.write(byte);
      await until(() => connection.socket.bytesWritten > before, 'a byte');
    }
    await reply.ended;
    assert.equal(reply.body, 'abcde');
    assert.deepEqual(reply.trailers, ['X-Sum', '1']);
  });

  test('may come behind interim ones', async () => {
    const { reply } = await answered(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`,
    );
    assert.deepEqual(reply.told, [100, 103, 200, 'data', 'end']);
    assert.deepEqual(reply.informationals[1].fields, ['Link', 'x']);
  });

  test('may come long behind interim ones, with which nothing begins that would have to go out', async () => {
    const { reply, connection } = await begin();
    connection.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    await until(() => reply.told.length > 0, 'the interim answer');
    connection.write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [103, 200, 'data', 'end']);
  });

  test('is told as it comes, not when it is complete', async () => {
    const { reply, connection } = await begin();
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    await until(() => reply.told.includes('flush'), 'the head');
    assert.deepEqual(reply.told, [200, 'flush']);
    connection.write('hello');
    await until(() => reply.body === 'hello', 'the first half');
    connection.write('hello');
    await reply.ended;
  });

  test('that came before its request was sent is passed on, and ends the connection', async () => {
    const body = new RequestBody(new Application(), 100, 100);
    body.push(Buffer.from('half'));
    const { reply } = await answered(OK, { method: 'POST', body });
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    await endpoint.connections[0].over();
    body.push(Buffer.from('the rest goes nowhere'));
    assert.equal(isKept(), false);
  });

  test('is not read while its reader is slow', async () => {
    const { reply, attempt, connection } = await begin();
    const size = 16 * 1024 * 1024;
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    await reply.answered;
    attempt.pause();
    let isWritten = false;
    connection.socket.write('x'.repeat(size), () => {
      isWritten = true;
    });
    const later = under.attempt(endpoint.endpoint);
    await endpoint.request(1);
    endpoint.connections[1].write(OK);
    await later.reply.ended;
    assert.equal(isWritten, false);
    assert.equal(reply.body, '');
    attempt.resume();
    await reply.ended;
    assert.equal(reply.body.length, size);
  });

  test('whose reader was slow to the last leaves a connection that is read from', async () => {
    const { reply, attempt, connection } = await begin();
    reply.data = () => attempt.pause();
    connection.write(OK);
    await reply.ended;
    const next = under.attempt(endpoint.endpoint);
    await endpoint.request(0);
    connection.write(OK);
    await next.reply.ended;
    assert.equal(endpoint.connections.length, 1);
  });
});

describe('an answer in chunks of which the first read has a malformed one', () => {
  const CHUNKS = [
    'zz\r\nhello\r\n',
    '5\r\nhello\r\nzz\r\n',
    '5\r\nhello!!0\r\n\r\n',
    '0\r\nno field\r\n\r\n',
  ];
  for (const chunks of CHUNKS) {
    test(`has told nothing of itself: ${JSON.stringify(chunks)}`, async () => {
      const { reply } = await answered(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
      assert.deepEqual([reply.told, reply.failure?.kind], [['bad-response'], 'bad-response']);
      assert.equal(isKept(), false);
    });
  }

  test('leaves nothing for the next one', async () => {
    await answered('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n');
    const next = await begin({}, 1);
    next.connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n');
    await next.reply.ended;
    assert.equal(next.reply.body, 'own');
  });
});

describe('a bad answer', () => {
  const BAD: readonly [what: string, text: string, parts?: ExchangeParts][] = [
    ['no status line', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a chunk that is none', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a head that is too large', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(65)],
    ['a switch that was not asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
    [
      'a switch to something else',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chess\r\n\r\n',
      { upgrade: 'websocket', ...aTunnel() },
    ],
  ];
  for (const [what, text, parts] of BAD) {
    test(`${what} is refused, and ends the connection`, async () => {
      const { reply } = await answered(text, parts);
      assert.equal(reply.failure?.kind, 'bad-response');
      assert.equal(reply.failure.status, 502);
      assert.match(reply.failure.detail, /: the connection to 127\.0\.0\.1:\d+ brought an answer with /);
      await endpoint.connections[0].over();
      assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
      assert.equal(endpoint.endpoint.failures, 1);
    });
  }
});

describe('a connection that is lost', () => {
  const lose: readonly [how: string, (connection: EndpointConnection) => void][] = [
    ['closed', connection => connection.socket.destroy()],
    ['reset', connection => connection.reset()],
  ];
  for (const [how, act] of lose) {
    test(`${how} before the answer fails the attempt`, async () => {
      const { reply, connection } = await begin();
      act(connection);
      await reply.ended;
      assert.equal(reply.failure?.kind, 'reset');
      assert.match(reply.failure.detail, /was lost before it answered/);
      assert.equal(reply.failure.reachedNobody, false);
    });

    test(`${how} in the middle of the answer leaves it incomplete`, async () => {
      const { reply, connection } = await begin();
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      await until(() => reply.body === 'hello', 'the first half');
      act(connection);
      await reply.ended;
      assert.equal(reply.failure?.kind, 'reset');
      assert.match(reply.failure.detail, /in the middle of its answer/);
    });

    test(`${how} in the middle of a chunked answer leaves it incomplete`, async () => {
      const { reply, connection } = await begin();
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      await until(() => reply.body === 'hello', 'the first half');
      act(connection);
      await reply.ended;
      assert.equal(reply.failure?.kind, 'reset');
    });

    test(`${how} in the middle of a head fails the attempt`, async () => {
      const { reply, connection } = await begin();
      connection.write('HTTP/1.1 200 OK\r\nContent-');
      act(connection);
      await reply.ended;
      assert.deepEqual(reply.told, ['reset']);
    });
  }

  test('reset in the middle of an answer that ends with the connection is no end', async () => {
    const { reply, connection } = await begin();
    connection.write('HTTP/1.1 200 OK\r\n\r\nhalf');
    await until(() => reply.body === 'half', 'the first half');
    connection.reset();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
  });

  test('that had carried another request, with an answer begun, is not tried again', async () => {
    await answered(OK);
    const { reply, connection } = await begin();
    connection.write('HTTP/1.1 2');
    connection.end();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(endpoint.connections.length, 1);
  });

  test('with a body that is no longer there is not tried again', async () => {
    await answered(OK);
    const body = new RequestBody(new Application(), 100, 2);
    const { reply, connection } = await begin({ method: 'PUT', body });
    body.push(Buffer.from('too much to keep'));
    connection.socket.destroy();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(endpoint.connections.length, 1);
  });
});

describe('a tunnel', () => {
  const CONNECT = { method: 'CONNECT', target: 'inventory:443' };
  const UPGRADE = { upgrade: 'websocket' };
  const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

  test('to CONNECT is there as soon as the connection is', async () => {
    const { tunnel } = aTunnel();
    tunnel.body.push(Buffer.from('hello'));
    const { reply } = under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    await until(() => connection.received === 'hello', 'bytes');
    assert.deepEqual(reply.told, [200, 'flush']);
    assert.equal(reply.answer?.tunnel, true);
    connection.write('and back');
    await until(() => reply.body === 'and back', 'bytes');
  });

  test('by an upgrade begins with the 101, and what came with it', async () => {
    const { tunnel } = aTunnel();
    const { head, connection, reply } = await begin({ ...UPGRADE, tunnel });
    assert.match(head, /\r\nUpgrade: websocket\r\nConnection: upgrade\r\n/);
    tunnel.body.push(Buffer.from('held until then'));
    assert.equal(connection.received, '');
    connection.write(`${SWITCH}first`);
    await until(() => connection.received === 'held until then', 'bytes');
    assert.equal(reply.body, 'first');
    assert.equal(reply.answer?.upgrade, 'websocket');
  });

  test('the application ends first', async () => {
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    await reply.answered;
    tunnel.body.push(Buffer.from('bye'));
    tunnel.body.finish(null);
    await until(() => connection.hasEnded, 'the end');
    assert.equal(connection.received, 'bye');
    connection.end('bye bye');
    await reply.ended;
    assert.equal(reply.body, 'bye bye');
    assert.equal(reply.told.at(-1), 'end');
    assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
  });

  test('is over when the last byte has gone, to an endpoint that ended first and does not read', async () => {
    const { tunnel, application } = aTunnel();
    const { reply } = under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    connection.end();
    await until(() => application.hasUpstreamEnded, 'the end');
    connection.socket.pause();
    const piece = Buffer.alloc(128 * 1024, 'x');
    let written = 0;
    for (; !application.isPaused; written += piece.length) tunnel.body.push(piece);
    tunnel.body.finish(null);
    assert.equal(reply.isEnded, false);
    connection.socket.resume();
    await reply.ended;
    await until(() => connection.hasEnded, 'the end');
    assert.equal(connection.received.length, written);
  });

  test('the endpoint ends first', async () => {
    const { tunnel, application } = aTunnel();
    const { reply } = under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    connection.end('bye');
    await until(() => application.hasUpstreamEnded, 'the end');
    assert.equal(reply.isEnded, false);
    tunnel.body.push(Buffer.from('still here'));
    await until(() => connection.received === 'still here', 'bytes');
    tunnel.body.finish(null);
    await reply.ended;
    assert.equal(reply.told.at(-1), 'end');
  });

  test('what the application sent and its half-close were there before', async () => {
    const { tunnel } = aTunnel();
    tunnel.body.push(Buffer.from('all I have'));
    tunnel.body.finish(null);
    under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    await until(() => connection.hasEnded, 'the end');
    assert.equal(connection.received, 'all I have');
  });

  test('that breaks fails', async () => {
    const { tunnel } = aTunnel();
    const { reply } = under.attempt(endpoint.endpoint, { ...CONNECT, tunnel });
    const connection = await endpoint.accepted(0);
    connection.write('half');
    await until(() => reply.body === 'half', 'bytes');
    connection.reset();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
  });

  test('an upgrade that is declined is an answer like any other', async () => {
    const { tunnel } = aTunnel();
    const { reply } = await answered(OK, { ...UPGRADE, tunnel });
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.equal(isKept(), true);
  });
});
