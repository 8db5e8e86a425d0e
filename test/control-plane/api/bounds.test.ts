/** What is too much for the API: it says so, and goes on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { MemoryStore } from '../../../control-plane/store/memory-store.ts';
import { startControlPlane } from '../running.ts';
import { instanceRecord, serviceRecord } from '../store/records.ts';
import { Watcher } from '../watchers.ts';

const AT = { address: '10.0.0.1', port: 8080 };

/** Sends a body of 3 MB, all of it, and reads what is answered until the connection ends or stays open in silence. */
async function sendTooMuch(port: number, more: string, isBodySent: boolean): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', chunk => {
    heard += chunk;
  });
  socket.on('error', () => {});
  const length = 3_000_000;
  socket.write(
    `PUT /v1/services/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`,
  );
  if (isBodySent) socket.write(Buffer.alloc(length, 97));
  while (!heard.includes('\r\n\r\n{')) await once(socket, 'data');
  // The connection is still good, where the body was read to its end.
  if (isBodySent) {
    socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    await once(socket, 'close');
  }
  socket.destroy();
  return heard;
}

test('answers 413 to a body that is too long so that it is also read, and keeps the connection', async t => {
  const api = await startControlPlane(t);
  const heard = await sendTooMuch(api.port, '', true);
  assert.deepEqual(heard.match(/(?<=HTTP\/1\.1 )\d+/g), ['413', '200']);
});

test('does not ask for a body that is too long', async t => {
  const api = await startControlPlane(t);
  const heard = await sendTooMuch(api.port, 'expect: 100-continue\r\n', false);
  assert.deepEqual(heard.match(/(?<=HTTP\/1\.1 )\d+/g), ['413']);
});

test('asks for one that is not', async t => {
  const api = await startControlPlane(t);
  const socket = connect(api.port, '127.0.0.1');
  socket.write(
    'PUT /v1/services/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n',
  );
  const [first] = await once(socket, 'data');
  assert.equal(String(first), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('{}');
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 201 /);
  socket.destroy();
});

test('gives a head that does not come to its end no more than a few seconds', {
  timeout: 20_000,
}, async t => {
  const api = await startControlPlane(t);
  const socket = connect(api.port, '127.0.0.1');
  let heard = '';
  socket.on('data', chunk => {
    heard += chunk;
  });
  socket.write('GET /healthz HTTP/1.1\r\nhost: local');
  await once(socket, 'close');
  assert.match(heard, /^HTTP\/1\.1 408 /);
});

test('takes so much metadata and no more', async t => {
  const api = await startControlPlane(t);
  const metadata = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, 'v']));
  const put = (length: number) =>
    api.call('PUT', '/v1/services/a/instances/a1', { json: { ...AT, metadata: metadata(length) } });
  assert.equal((await put(64)).status, 201);
  const { status, body } = await put(65);
  assert.deepEqual([status, body.errors[0].field], [400, 'metadata']);
  assert.match(body.detail, /expected 64 entries at most, found 65/);
});

test('has so many services and instances and no more, and those that are there can be written', async t => {
  const store = new MemoryStore();
  const services = Array.from({ length: 10_000 }, (_, i) => serviceRecord(`s${i}`));
  const instances = Array.from({ length: 50_000 }, (_, i) =>
    instanceRecord({ id: `i${i}`, service: 's1', address: `10.0.${i >> 8}.${i & 255}` }),
  );
  await store.commit([...services, ...instances], { starts: 0, revisionCeiling: 0 }, 0);
  const api = await startControlPlane(t, { store });
  const put = async (path: string, json: object) => (await api.call('PUT', path, { json })).status;
  assert.equal(await put('/v1/services/one-more', {}), 507);
  assert.equal(await put('/v1/services/s7', { policy: { retry: { attempts: 2 } } }), 200);
  assert.equal(await put('/v1/services/s1/instances/one-more', AT), 507);
  assert.equal(await put('/v1/services/one-more/instances/i1', AT), 507);
  assert.equal(await put('/v1/services/s1/instances/i1', AT), 200);
  assert.equal((await api.call('DELETE', '/v1/services/s1/instances/i2')).status, 204);
  assert.equal(await put('/v1/services/s1/instances/one-more', AT), 201);
});

test('streams leave some of the connections to others', async t => {
  const api = await startControlPlane(t, { connections: 10 });
  const watchers: Watcher[] = [];
  for (let i = 0; i < 9; i++) {
    const watcher = await Watcher.open(api.url, `s${i}`, ['inventory']);
    watchers.push(watcher);
    await watcher.heard(({ type }) => type === 'sync');
  }
  await assert.rejects(Watcher.open(api.url, 's10', ['inventory']), /503 .*9 streams are open/);
  const { status, headers } = await api.call('GET', '/v1/watch?services=inventory');
  assert.deepEqual([status, headers['retry-after']], [503, '2']);
  watchers[0].close();
  await watchers[0].closed();
});
