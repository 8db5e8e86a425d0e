import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { WatchHub } from '../../../control-plane/watch/watch-hub.ts';
import { speakWatch } from '../../../control-plane/watch/watch-socket.ts';
import { until } from '../../sidecar/until.ts';
import { ADMIN, hello, hub, spec } from './hubs.ts';

/** A watch over a real connection, and both of its ends. */
async function open(t: TestContext, watch: WatchHub): Promise<{ near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const far = connect(address.port, '127.0.0.1');
  t.after(() => far.destroy());
  const [near] = (await once(server, 'connection')) as [Socket];
  t.after(() => near.destroy());
  speakWatch(watch, near, Buffer.alloc(0), 's1');
  return { near, far };
}

test('who reads nothing is let go of, with all that waits for him', { timeout: 30_000 }, async t => {
  const { registry, hub: watch, now } = hub();
  for (let i = 0; i < 3000; i++) registry.register(spec({ id: `i${i}`, port: 1 + i }), ADMIN, now());
  const { near, far } = await open(t, watch);
  const say = (message: object) => far.write(`${JSON.stringify(message)}\n`);
  say(hello());
  await until(() => watch.sidecars().length === 1, 'hello was heard');
  // More than the kernel takes off our hands.
  for (let i = 0; i < 100; i++) {
    say({ type: 'watch', services: [] });
    say({ type: 'watch', services: ['inventory'] });
  }
  await until(() => watch.sidecars().length === 0, 'the slow reader was cut off');
  if (!near.destroyed) await once(near, 'close');
  assert.ok(near.destroyed);
});

test('who talks of himself as another is refused', async t => {
  const { hub: watch } = hub();
  const { far } = await open(t, watch);
  far.write(`${JSON.stringify(hello({ sidecar: 's2' }))}\n`);
  let heard = '';
  far.on('data', chunk => {
    heard += chunk;
  });
  await once(far, 'close');
  assert.match(heard, /"type":"goodbye","reason":"hello names another sidecar than the request"/);
  assert.deepEqual(watch.sidecars(), []);
});
