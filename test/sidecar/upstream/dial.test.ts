import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Failure } from '../../../sidecar/exchange/failure.ts';
import type { ByteSocket } from '../../../sidecar/io/byte-socket.ts';
import { Dial, type DialListener } from '../../../sidecar/upstream/dial.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { HandClock } from '../hand-clock.ts';
import { until } from '../until.ts';
import { ScriptedEndpoint } from './scripted-endpoint.ts';

class Listener implements DialListener {
  readonly name = 'inventory';
  socket: ByteSocket | null = null;
  failure: Failure | null = null;

  onConnected(_dial: Dial, socket: ByteSocket): void {
    assert.ok(!this.isTold);
    this.socket = socket;
  }

  onConnectFailed(_dial: Dial, reason: Failure): void {
    assert.ok(!this.isTold);
    this.failure = reason;
  }

  get isTold(): boolean {
    return this.socket !== null || this.failure !== null;
  }
}

let endpoint: ScriptedEndpoint;
let clock: HandClock;
let listener: Listener;
beforeEach(async () => {
  endpoint = await ScriptedEndpoint.start();
  clock = new HandClock();
  listener = new Listener();
});
afterEach(async () => {
  listener.socket?.destroy();
  await endpoint.close();
});

const dial = (isOwnPort: (port: number) => boolean = () => false, to = endpoint.endpoint) =>
  new Dial(to, listener, clock.wheel, 500, isOwnPort);

describe('a dial', () => {
  test('gives a socket, and is over', async () => {
    dial();
    await until(() => listener.isTold, 'the connection');
    assert.notEqual(listener.socket, null);
    clock.advance(10_000);
    assert.equal(listener.failure, null);
  });

  test('fails where nobody listens', async () => {
    await endpoint.close();
    dial();
    await until(() => listener.isTold, 'the failure');
    assert.equal(listener.failure?.kind, 'connect-failure');
    assert.match(
      listener.failure.detail,
      /^inventory: connecting to 127\.0\.0\.1:\d+ failed: ECONNREFUSED\. Check that it runs/,
    );
    endpoint = await ScriptedEndpoint.start();
  });

  test('fails when it takes too long, at the millisecond', () => {
    dial();
    clock.advance(499);
    assert.equal(listener.isTold, false);
    clock.advance(1);
    assert.equal(listener.failure?.kind, 'connect-timeout');
    assert.equal(listener.failure.reachedNobody, true);
    assert.match(listener.failure.detail, /took longer than 500 ms \(timeouts\.connect\)/);
  });

  test('that took too long or was given up tells nothing more', async () => {
    dial();
    clock.advance(500);
    const other = new Listener();
    new Dial(endpoint.endpoint, other, clock.wheel, 500, () => false).abort();
    for (let i = 0; i < 10; i++) await nextTurn();
    clock.advance(1_000);
    assert.equal(listener.socket, null);
    assert.equal(other.isTold, false);
  });

  test('notes that the endpoint was reached, is lost, and is back', async () => {
    const to = new Endpoint({ ...endpoint.endpoint });
    const told: string[] = [];
    to.onReach = () => told.push(to.lost === null ? 'reached' : to.lost.kind);
    const dialOnce = async () => {
      listener = new Listener();
      dial(undefined, to);
      await until(() => listener.isTold, 'the end of the dial');
      listener.socket?.destroy();
    };
    await dialOnce();
    await dialOnce();
    await endpoint.close();
    await dialOnce();
    await dialOnce();
    endpoint = await ScriptedEndpoint.start();
    Object.assign(to, { port: endpoint.endpoint.port });
    await dialOnce();
    assert.deepEqual(told, ['reached', 'connect-failure', 'reached']);
  });

  test('that took too long says nothing about an endpoint with connections: it may have too much to do', () => {
    const to = endpoint.endpoint;
    const lostBy = () => to.lost?.kind ?? null;
    to.connections = 1;
    dial();
    clock.advance(500);
    assert.equal(lostBy(), null);
    to.connections = 0;
    listener = new Listener();
    dial();
    clock.advance(500);
    assert.equal(lostBy(), 'connect-timeout');
  });

  test('that the sidecar itself can not make says nothing about the endpoint', () => {
    const to = endpoint.endpoint;
    dial().onFailed('EMFILE');
    assert.equal(listener.failure?.kind, 'connect-failure');
    assert.equal(to.lost, null);
  });

  test('does not reach the sidecar itself, by whichever of its addresses', async () => {
    const { port } = endpoint.endpoint;
    for (const address of ['127.0.0.1', 'localhost']) {
      listener = new Listener();
      const to = new Endpoint({ ...endpoint.endpoint, address });
      dial(asked => asked === port, to);
      await until(() => listener.isTold, 'the failure');
      assert.equal(listener.failure?.kind, 'connect-failure');
      assert.match(listener.failure.detail, /this sidecar itself/);
    }
  });
});
