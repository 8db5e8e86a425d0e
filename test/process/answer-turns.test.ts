import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { AnswerTurns } from '../../process/answer-turns.ts';

/** More than the buffers of a connection take. */
const BODY = 'x'.repeat(16 * 1024 * 1024);

async function serve(t: TestContext, respond: (path: string, response: ServerResponse) => void) {
  const turns = new AnswerTurns(4);
  const server = createServer(async (request, response) => {
    if (await turns.take(request, response)) respond(request.url ?? '', response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => socket.destroy());
  return socket;
}

test('an answer is made when the one before it has been written', async t => {
  const responses: ServerResponse[] = [];
  const writtenBefore: boolean[] = [];
  const socket = await serve(t, (_, response) => {
    writtenBefore.push(responses.every(earlier => earlier.writableFinished));
    responses.push(response);
    response.end(BODY);
  });
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2));
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assert.ok((await text(socket)).length > 3 * BODY.length);
  assert.deepEqual(writtenBefore, [true, true, true]);
});

test('a connection that asks for too much at once is closed', async t => {
  const paths: string[] = [];
  const socket = await serve(t, path => paths.push(path));
  socket.on('error', () => {});
  const closed = new Promise(resolve => socket.on('close', resolve));
  for (let i = 1; i <= 5; i++) socket.write(`GET /${i} HTTP/1.1\r\nhost: a\r\n\r\n`);
  await closed;
  assert.ok(paths.length <= 1, paths.join());
});

test('as many as are permitted may come again and again', async t => {
  const socket = await serve(t, (path, response) => response.end(`[${path}]`));
  socket.setEncoding('utf8');
  let received = '';
  socket.on('data', data => {
    received += data;
  });
  for (const round of [1, 2, 3]) {
    for (let i = 1; i <= 4; i++) socket.write(`GET /${round}/${i} HTTP/1.1\r\nhost: a\r\n\r\n`);
    while (!received.includes(`[/${round}/4]`)) await once(socket, 'data');
  }
  assert.equal(received.match(/\[/g)?.length, 12);
});
