import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { FreePorts, isFree } from '../../../../examples/shop/runner/free-ports.ts';

describe('free ports', () => {
  it('are different ones, also around the end of the range', async () => {
    const ports = new FreePorts(() => 0.9999);
    const taken = new Set<number>();
    for (let i = 0; i < 10; i++) taken.add(await ports.take());
    assert.equal(taken.size, 10);
    for (const port of taken) assert.ok(port >= 20_000 && port <= 31_999, `${port}`);
  });

  it('are not those that somebody listens on', async () => {
    const port = await new FreePorts(() => 0.3).take();
    const server = createServer();
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
    assert.equal(await isFree(port), false);
    assert.notEqual(await new FreePorts(() => 0.3).take(), port);
    await new Promise(resolve => server.close(resolve));
    assert.equal(await isFree(port), true);
  });
});
