import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { deleteInstance, drainInstance, putInstance } from '../../../control-plane/contract/calls.ts';
import { ControlPlaneApi } from '../../../sidecar/discovery/control-plane-api.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';

const DRAIN = drainInstance('orders', 'orders-1', 2000);

let server: Server;
let answer: RequestListener;
let api: ControlPlaneApi;

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  api = apiAt((server.address() as AddressInfo).port);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function apiAt(port: number): ControlPlaneApi {
  return new ControlPlaneApi({ url: `http://127.0.0.1:${port}`, token: 'secret', sidecar: 's-1' });
}

/** Answers every call with a status and a text. */
function says(status: number, text: string): void {
  answer = (_, response) => void response.writeHead(status).end(text);
}

test('a call says who makes it, and sends its body as JSON', async () => {
  let heard = '';
  answer = (request, response) => {
    const { method, url, headers } = request;
    request.on('data', chunk => {
      heard += chunk;
    });
    request.on('end', () => {
      heard = [method, url, headers.authorization, headers['x-outrider-sidecar'], heard].join(' ');
      response.writeHead(201).end('{"revision":7,"id":"orders-1"}');
    });
  };
  const called = await api.call(putInstance('orders', 'orders-1'), { port: 1 }, 5000);
  assert.deepEqual(called, { ok: true, body: { revision: 7 } });
  assert.equal(heard, 'PUT /v1/services/orders/instances/orders-1 Bearer secret s-1 {"port":1}');
});

describe('an answer', () => {
  test('is read by what the call expects', async () => {
    says(200, '{"revision":7,"acknowledged":false,"waitingFor":["shop/shop-1"],"mood":"good"}');
    const body = { revision: 7, acknowledged: false, waitingFor: ['shop/shop-1'] };
    assert.deepEqual(await api.call(DRAIN, null, 5000), { ok: true, body });
  });

  test('may be empty where nothing is expected', async () => {
    says(204, '');
    assert.deepEqual(await api.call(deleteInstance('orders', 'orders-1'), null, 5000), {
      ok: true,
      body: null,
    });
  });

  for (const [text, problem] of [
    ['', 'the answer is not an object'],
    ['<html>Welcome</html>', 'the answer is not JSON'],
    ['{"revision":7}', 'acknowledged is neither true nor false'],
    ['null', 'the answer is not an object'],
  ] as const) {
    test(`is none of a control plane's: ${JSON.stringify(text)}`, async () => {
      says(200, text);
      const expected = `answered 200, but not as a control plane does: ${problem}`;
      assert.deepEqual(await api.call(DRAIN, null, 5000), { ok: false, status: 200, problem: expected });
    });
  }

  for (const [status, text, problem] of [
    [
      507,
      '{"type":"about:blank","title":"x","status":507,"detail":"The disk is full."}',
      'answered 507: The disk is full',
    ],
    [502, '<html>Bad gateway</html>', 'answered 502'],
    [401, '', 'answered 401; look at controlPlane.token'],
    [302, '', 'answered 302'],
  ] as const) {
    test(`that refuses: ${problem}`, async () => {
      says(status, text);
      assert.deepEqual(await api.call(DRAIN, null, 5000), { ok: false, status, problem });
    });
  }

  test('that breaks off', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{');
      setImmediate(() => response.destroy());
    };
    const called = await api.call(DRAIN, null, 5000);
    assert.ok(!called.ok);
    assert.deepEqual([called.status, called.problem.split(':')[0]], [0, 'broke its answer off']);
  });

  for (const [how, begin] of [
    ['does not begin', () => {}],
    ['has no end', (_request, response) => void response.writeHead(200).write('{')],
  ] as [string, RequestListener][]) {
    test(`that ${how} is not waited for without end`, async () => {
      answer = begin;
      const called = await api.call(DRAIN, null, 50);
      assert.deepEqual(called, { ok: false, status: 0, problem: 'did not answer within 50 ms' });
    });
  }
});

test('nobody answers', async () => {
  const called = await apiAt(await closedPort()).call(DRAIN, null, 5000);
  assert.ok(!called.ok);
  assert.match(called.problem, /^can not be reached: .*ECONNREFUSED/);
});
