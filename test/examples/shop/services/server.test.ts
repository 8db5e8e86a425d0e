import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FakeNeighbour, ServiceProcess } from './service-process.ts';

/** Orders is slow when the service it asks is: accounting stands for any service here. */
describe('a service of the shop that is told to stop', () => {
  let waiting: ServerResponse[];
  let onAsked: () => void;
  let orders: FakeNeighbour;
  let accounting: ServiceProcess;
  let sockets: Socket[];

  beforeEach(async () => {
    waiting = [];
    sockets = [];
    orders = await FakeNeighbour.start((_, response) => {
      waiting.push(response);
      onAsked();
    });
    accounting = await ServiceProcess.start('accounting', { ORDERS_URL: orders.url });
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await accounting.end();
    await orders.end();
  });

  async function open(): Promise<Socket> {
    const { hostname, port } = new URL(accounting.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  async function healthOn(socket: Socket): Promise<string> {
    socket.write('GET /healthz HTTP/1.1\r\nHost: accounting\r\n\r\n');
    const [chunk] = await once(socket, 'data');
    return String(chunk);
  }

  it('says that it is well before', async () => {
    const { status, json } = await accounting.request('GET', '/healthz');
    assert.deepEqual({ status, json }, { status: 200, json: { service: 'accounting', status: 'ok' } });
  });

  it('closes idle connections, takes no new ones, finishes what runs, and exits with 0', async () => {
    const idle = await open();
    assert.match(await healthOn(idle), /200 OK/);

    const busy = await open();
    let answer = '';
    busy.on('data', chunk => {
      answer += chunk;
    });
    const asked = new Promise<void>(resolve => {
      onAsked = resolve;
    });
    busy.write('GET /invoices/7 HTTP/1.1\r\nHost: accounting\r\n\r\n');
    await asked;

    idle.resume();
    const idleClosed = once(idle, 'close');
    accounting.process.kill('SIGTERM');
    await idleClosed;
    // The listener closes a moment after the idle connections.
    const refused = async () =>
      (await open().catch((error: NodeJS.ErrnoException) => error.code)) === 'ECONNREFUSED';
    while (!(await refused()));
    assert.equal(accounting.process.exitCode, null);

    const busyClosed = once(busy, 'close');
    waiting[0]!.end('{"items":["funghi"]}');
    await busyClosed;
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.match(answer, /\{"id":"7","total":9\.5\}\n$/);
    assert.deepEqual(await accounting.ended, [0, null]);
  });
});
