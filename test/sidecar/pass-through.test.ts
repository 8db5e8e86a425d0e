import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turnEnd } from 'node:timers/promises';
import type { Service } from '../../sidecar/exchange/service.ts';
import { PassThrough } from '../../sidecar/pass-through.ts';
import { anExchange, type ExchangeParts } from './exchanges.ts';
import { RecordedReply } from './recorded-reply.ts';
import { OK, ScriptedEndpoint } from './upstream/scripted-endpoint.ts';
import { anUpstreamContext } from './upstream-sets.ts';

let endpoint: ScriptedEndpoint;
let parts: ReturnType<typeof anUpstreamContext>;
let passThrough: PassThrough;
beforeEach(async () => {
  endpoint = await ScriptedEndpoint.start();
  parts = anUpstreamContext();
  passThrough = new PassThrough(parts.context);
});
afterEach(async () => {
  passThrough.stop();
  await endpoint.close();
});

const toEndpoint = (host = '127.0.0.1') => passThrough.to(host, endpoint.endpoint.port);

function call(service: Service, exchange: ExchangeParts = {}): RecordedReply {
  const reply = new RecordedReply();
  service.call(anExchange({ startedAt: parts.clock.now, ...exchange }), reply);
  return reply;
}

describe('a host that nobody has configured', () => {
  test('is called as it is named', async () => {
    for (const [n, host] of ['127.0.0.1', 'localhost'].entries()) {
      const reply = call(toEndpoint(host), { authority: 'somewhere.test' });
      assert.match(await endpoint.request(n), /\r\nHost: somewhere\.test\r\n/);
      endpoint.connections[n].write(OK);
      await reply.ended;
      assert.deepEqual(reply.told, [200, 'data', 'end']);
    }
  });

  test('is told of as no upstream where it fails', async () => {
    await endpoint.close();
    const reply = call(toEndpoint());
    await reply.ended;
    const { name } = endpoint.endpoint;
    const says = `${name} (no upstream has that name, so it was called as it is): connecting to ${name} failed`;
    assert.ok(reply.failure?.detail.startsWith(says), reply.failure?.detail);
  });

  test('has its connections kept', async () => {
    for (let i = 0; i < 3; i++) {
      const reply = call(toEndpoint());
      await endpoint.request(0);
      endpoint.connections[0].write(OK);
      await reply.ended;
      await turnEnd();
    }
    assert.equal(endpoint.connections.length, 1);
  });

  test('may take nearly an hour', async () => {
    const reply = call(toEndpoint());
    await endpoint.request();
    parts.clock.advance(59 * 60 * 1000);
    endpoint.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
  });

  test('that fails is told of as it is, without a second try', async () => {
    const reply = call(toEndpoint());
    await endpoint.request();
    endpoint.connections[0].reset();
    await reply.ended;
    assert.equal(reply.failure?.kind, 'reset');
    assert.equal(endpoint.connections.length, 1);
    assert.equal(passThrough.counters.failures.reset, 1);
  });

  test('that is the sidecar itself is not called', async () => {
    const { port } = endpoint.endpoint;
    const own = new PassThrough({ ...parts.context, isOwnPort: asked => asked === port });
    const reply = call(own.to('127.0.0.1', port));
    await reply.ended;
    assert.equal(reply.failure?.kind, 'connect-failure');
    assert.match(reply.failure.detail, /this sidecar itself/);
    own.stop();
  });

  test('is counted with all others under one name', async () => {
    assert.equal(passThrough.counters.upstream, '(pass)');
    const reply = call(toEndpoint());
    assert.equal(passThrough.counters.inFlight, 1);
    await endpoint.request();
    endpoint.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(passThrough.counters.answers, [0, 0, 1, 0, 0, 0]);
  });
});

describe('what is remembered', () => {
  const names = () => [...passThrough.all].map(({ upstream }) => upstream.name);

  test('is one upstream for each host and port', () => {
    assert.equal(passThrough.to('a.test', 80), passThrough.to('a.test', 80));
    assert.notEqual(passThrough.to('a.test', 80), passThrough.to('a.test', 81));
    passThrough.to('2001:db8::1', 80);
    assert.deepEqual(names(), ['a.test:80', 'a.test:81', '[2001:db8::1]:80']);
  });

  test('is bounded: whom nobody has called for longest makes room', () => {
    for (let i = 0; i < 256; i++) passThrough.to(`h${i}.test`, 80);
    passThrough.to('h0.test', 80);
    passThrough.to('new.test', 80);
    assert.equal(names().length, 256);
    assert.equal(names().includes('h1.test:80'), false);
    assert.deepEqual(names().slice(-2), ['h0.test:80', 'new.test:80']);
  });

  test('a host that has to make room ends what it carries', async () => {
    const reply = call(toEndpoint());
    await endpoint.request();
    for (let i = 0; i < 256; i++) passThrough.to(`h${i}.test`, 80);
    endpoint.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    await endpoint.connections[0].over();
  });

  test('stays with a new configuration, connections and all, under policies made anew', async () => {
    const before = toEndpoint();
    const first = call(before);
    await endpoint.request();
    passThrough.restack();
    assert.notEqual(toEndpoint(), before);
    endpoint.connections[0].write(OK);
    await first.ended;
    await turnEnd();
    const second = call(toEndpoint());
    await endpoint.request(0);
    endpoint.connections[0].write(OK);
    await second.ended;
    assert.equal(endpoint.connections.length, 1);
  });
});
