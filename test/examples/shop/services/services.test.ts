import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Asked, FakeNeighbour, ServiceProcess } from './service-process.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Answers by what the target contains. */
function answering(answers: Record<string, object>) {
  return ({ target }: Asked, response: { end(text: string): void }) => {
    const match = Object.entries(answers).find(([part]) => target.includes(part));
    response.end(JSON.stringify(match?.[1] ?? {}));
  };
}

describe('the services of the shop', () => {
  let dataDir: string;
  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'outrider-test-'));
  });
  after(() => rmSync(dataDir, { recursive: true }));

  describe('gateway', () => {
    let others: FakeNeighbour;
    let gateway: ServiceProcess;
    before(async () => {
      others = await FakeNeighbour.start(
        answering({
          '/orders/': { id: '7', items: ['funghi'] },
          '/tickets/': { state: 'ready' },
          '/deliveries/': { state: 'on its way' },
          '/invoices/': { total: 9.5 },
        }),
      );
      const { url } = others;
      const env = { ORDERS_URL: url, KITCHEN_URL: url, DELIVERY_URL: url, ACCOUNTING_URL: url };
      gateway = await ServiceProcess.start('gateway', env);
    });
    after(async () => {
      await gateway.end();
      await others.end();
    });

    it('puts an order together from what four services know of it', async () => {
      others.asked.length = 0;
      assert.deepEqual(await gateway.request('GET', '/orders/7'), {
        status: 200,
        json: { id: '7', items: ['funghi'], kitchen: 'ready', delivery: 'on its way', total: 9.5 },
      });
      const targets = others.asked.map(({ target }) => target).sort();
      assert.deepEqual(targets, ['/deliveries/7', '/invoices/7', '/orders/7', '/tickets/7']);
    });

    it('makes a new order’s id itself and passes it on as a PUT', async () => {
      others.asked.length = 0;
      const { status } = await gateway.request('POST', '/orders', { items: ['funghi'] });
      assert.equal(status, 200);
      const [asked] = others.asked;
      assert.equal(asked!.method, 'PUT');
      assert.match(asked!.target.replace('/orders/', ''), UUID);
      assert.equal(asked!.body, '{"items":["funghi"]}');
    });

    it('refuses what it does not know', async () => {
      assert.equal((await gateway.request('GET', '/nothing')).status, 404);
      assert.equal((await gateway.request('DELETE', '/orders/7')).status, 405);
    });
  });

  describe('orders', () => {
    let kitchen: FakeNeighbour;
    let orders: ServiceProcess;
    before(async () => {
      kitchen = await FakeNeighbour.start(answering({}));
      orders = await ServiceProcess.start('orders', { DATA_DIR: dataDir, KITCHEN_URL: kitchen.url });
    });
    after(async () => {
      await orders.end();
      await kitchen.end();
    });

    it('keeps an order and tells the kitchen, the second time as the first', async () => {
      const order = { id: '7', items: ['funghi', 'calzone'] };
      for (let time = 0; time < 2; time++) {
        const placed = await orders.request('PUT', '/orders/7', { items: order.items });
        assert.deepEqual(placed, { status: 200, json: order });
        assert.deepEqual(await orders.request('GET', '/orders/7'), { status: 200, json: order });
      }
      assert.deepEqual(
        kitchen.asked.map(({ method, target }) => `${method} ${target}`),
        ['PUT /tickets/7', 'PUT /tickets/7'],
      );
    });

    it('shares its orders with its other instance', async () => {
      const other = await ServiceProcess.start('orders', { DATA_DIR: dataDir, KITCHEN_URL: kitchen.url });
      await orders.request('PUT', '/orders/8', { items: ['marinara'] });
      assert.equal((await other.request('GET', '/orders/8')).status, 200);
      await other.end();
    });

    it('refuses an order without items, and one that is not JSON', async () => {
      assert.equal((await orders.request('PUT', '/orders/9', { items: [] })).status, 400);
      const response = await fetch(`${orders.url}/orders/9`, { method: 'PUT', body: '{' });
      assert.equal(response.status, 400);
      assert.equal((await orders.request('GET', '/orders/9')).status, 404);
    });

    it('says which service failed it, and how', async () => {
      const failing = await FakeNeighbour.start((_, response) => response.writeHead(503).end('no oven'));
      const lonely = await ServiceProcess.start('orders', { DATA_DIR: dataDir, KITCHEN_URL: failing.url });
      const refused = await lonely.request('PUT', '/orders/10', { items: ['funghi'] });
      assert.deepEqual(refused, { status: 502, json: { error: 'orders: kitchen answered 503: no oven' } });
      await failing.end();
      const unreachable = await lonely.request('PUT', '/orders/10', { items: ['funghi'] });
      assert.equal(unreachable.status, 502);
      assert.match(JSON.stringify(unreachable.json), /kitchen can not be reached/);
      await lonely.end();
    });
  });

  it('kitchen takes a ticket and tells delivery, under its host name', async () => {
    const front = await FakeNeighbour.start(answering({}));
    const env = { DATA_DIR: dataDir, DELIVERY_URL: front.url, DELIVERY_HOST: 'delivery' };
    const kitchen = await ServiceProcess.start('kitchen', env);
    assert.equal((await kitchen.request('PUT', '/tickets/7', { items: ['funghi'] })).status, 200);
    assert.deepEqual(front.asked, [
      { method: 'PUT', target: '/deliveries/7', host: 'delivery', body: '{"from":"kitchen"}' },
    ]);
    const { json } = await kitchen.request('GET', '/tickets/7');
    assert.equal((json as { state: string }).state, 'cooking');
    await kitchen.end();
    await front.end();
  });

  it('delivery asks the kitchen through the proxy', async () => {
    const proxy = await FakeNeighbour.start(answering({ '/tickets/': { state: 'ready' } }));
    const env = { DATA_DIR: dataDir, KITCHEN_URL: 'http://kitchen', HTTP_PROXY: proxy.url };
    const delivery = await ServiceProcess.start('delivery', env);
    await delivery.request('PUT', '/deliveries/7', { from: 'kitchen' });
    const { json } = await delivery.request('GET', '/deliveries/7');
    assert.deepEqual(json, { id: '7', from: 'kitchen', state: 'on its way' });
    const [asked] = proxy.asked;
    assert.equal(asked!.target, 'http://kitchen/tickets/7');
    assert.equal(asked!.host, 'kitchen');
    await delivery.end();
    await proxy.end();
  });

  it('accounting adds up what was ordered, with and without a proxy', async () => {
    const orders = await FakeNeighbour.start(answering({ '/orders/7': { items: ['funghi', 'pizza'] } }));
    for (const env of [
      { ORDERS_URL: orders.url },
      { ORDERS_URL: 'http://orders', HTTP_PROXY: orders.url },
    ] as Record<string, string>[]) {
      const accounting = await ServiceProcess.start('accounting', env);
      assert.deepEqual(await accounting.request('GET', '/invoices/7'), {
        status: 200,
        json: { id: '7', total: 19.5 },
      });
      await accounting.end();
    }
    await orders.end();
  });
});
