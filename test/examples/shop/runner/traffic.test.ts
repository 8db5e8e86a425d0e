import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { Tally } from '../../../../examples/shop/runner/tally.ts';
import { orderIdOf, Traffic } from '../../../../examples/shop/runner/traffic.ts';

const WHOLE = '{"id":"1","items":["funghi"],"kitchen":"ready","delivery":"on its way","total":9.5}';

describe('a good answer', () => {
  it('has an id, items, and to a GET a part of every service', () => {
    assert.equal(orderIdOf(WHOLE, 'GET'), '1');
    assert.equal(orderIdOf('{"id":"1","items":[]}', 'POST'), '1');
  });

  for (const text of ['', 'null', '{', '{"items":[]}', '{"id":"1","items":[]}', WHOLE.slice(0, -1)]) {
    it(`is not ${text || 'an empty one'}`, () => assert.equal(orderIdOf(text, 'GET'), null));
  }
});

describe('traffic', () => {
  let server: Server;

  async function gateway(listener: (request: IncomingMessage, response: ServerResponse) => void) {
    server = createServer(listener);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('comes at its rate, with every kind of request, until it is stopped', async () => {
    const methods: string[] = [];
    let enough: () => void = () => {};
    const sixty = new Promise<void>(resolve => {
      enough = resolve;
    });
    const url = await gateway((request, response) => {
      methods.push(request.method!);
      if (methods.length === 60) enough();
      request.resume();
      response.end(WHOLE);
    });
    const tally = new Tally(() => performance.now());
    const traffic = new Traffic(url, 500, tally);
    const startedAt = performance.now();
    await traffic.start();
    await sixty;
    const tookMs = performance.now() - startedAt;
    await traffic.stop();
    assert.ok(tookMs >= 100, `60 requests at 500/s within ${tookMs} ms`);
    assert.equal(traffic.inFlight, 0);
    assert.equal(tally.succeeded, methods.length);
    assert.equal(tally.failed, 0);
    assert.deepEqual(new Set(methods), new Set(['PUT', 'GET', 'POST']));
  });

  it('holds requests back while fifty wait', async () => {
    const waiting: ServerResponse[] = [];
    let isFirst = true;
    const url = await gateway((request, response) => {
      request.resume();
      if (request.url === '/orders/first' && request.method === 'PUT' && isFirst) {
        isFirst = false;
        response.end(WHOLE);
      } else waiting.push(response);
    });
    const tally = new Tally(() => performance.now());
    const traffic = new Traffic(url, 2000, tally);
    await traffic.start();
    while (tally.heldBack === 0) await new Promise(resolve => setTimeout(resolve, 5));
    assert.equal(traffic.inFlight, 50);
    const stopped = traffic.stop();
    while (waiting.length < 50) await new Promise(resolve => setTimeout(resolve, 5));
    for (const response of waiting) response.end(WHOLE);
    await stopped;
    assert.deepEqual([tally.succeeded, tally.failed], [51, 0]);
  });

  it('counts an error answer and a broken connection as failures, and says why', async () => {
    const answers = [503, 0];
    const url = await gateway((request, response) => {
      request.resume();
      const status = answers.shift() ?? 503;
      if (status === 0) request.socket.destroy();
      else response.writeHead(status).end('orders: no endpoint');
    });
    const tally = new Tally(() => performance.now());
    for (let i = 0; i < 2; i++) {
      const traffic = new Traffic(url, 1, tally);
      await traffic.start();
      await traffic.stop();
    }
    assert.equal(tally.failed, 2);
    assert.equal(tally.events[0]!.text, 'FAILED PUT /orders/first: 503 orders: no endpoint');
    assert.match(tally.events[1]!.text, /^FAILED PUT \/orders\/first: fetch failed \(.+\)$/);
  });
});
