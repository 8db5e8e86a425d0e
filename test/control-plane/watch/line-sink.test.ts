import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createSocketServer, type Socket } from 'node:net';
import { mock, type TestContext, test } from 'node:test';
import { lineSinkOf } from '../../../control-plane/watch/line-sink.ts';

/** More than the kernel takes in for somebody who does not read. */
const MUCH = `${'x'.repeat(32 * 1024 * 1024)}\n`;

/** Both ends of a connection, of which the other one is not read unless the test does. */
async function socketPair(t: TestContext): Promise<{ own: Socket; other: Socket }> {
  const server = createSocketServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const other = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [own] = (await once(server, 'connection')) as [Socket];
  for (const socket of [own, other]) socket.on('error', () => {});
  t.after(() => {
    own.destroy();
    other.destroy();
    server.close();
  });
  return { own, other };
}

/** An answer under way, with the end that may read it. */
async function answerPair(t: TestContext): Promise<{ own: ServerResponse; other: IncomingMessage }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sent = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [, own] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  own.flushHeaders();
  const [other] = (await once(sent, 'response')) as [IncomingMessage];
  for (const end of [own, other, sent]) end.on('error', () => {});
  t.after(() => {
    sent.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { own, other };
}

for (const [what, pair] of [
  ['a socket', socketPair],
  ['an answer', answerPair],
] as const) {
  test(`${what} that is not read is closed a second after its end, with all that waits for its reader`, async t => {
    const { own } = await pair(t);
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const sink = lineSinkOf(own);
    sink.write(MUCH);
    assert.ok(sink.waiting > 0);
    const closed = once(own, 'close');
    sink.close();
    mock.timers.tick(999);
    assert.equal(own.destroyed, false);
    mock.timers.tick(1);
    assert.equal(own.destroyed, true);
    await closed;
  });

  test(`${what} that is read gets its last line`, async t => {
    const { own, other } = await pair(t);
    let heard = '';
    other.on('data', chunk => {
      heard += chunk;
    });
    const sink = lineSinkOf(own);
    sink.write('one\n');
    sink.write('two\n');
    const ended = once(other, 'end');
    sink.close();
    await ended;
    assert.equal(heard, 'one\ntwo\n');
  });

  test(`${what} can be ended at once`, async t => {
    const { own } = await pair(t);
    const sink = lineSinkOf(own);
    sink.write(MUCH);
    const closed = once(own, 'close');
    sink.destroy();
    await closed;
  });
}
