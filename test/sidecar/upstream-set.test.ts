import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { failure } from '../../sidecar/exchange/failure.ts';
import type { RunningUpstream } from '../../sidecar/running-upstream.ts';
import { UpstreamSet } from '../../sidecar/upstream-set.ts';
import { anExchange } from './exchanges.ts';
import { RecordedReply } from './recorded-reply.ts';
import { until } from './until.ts';
import { OK, ScriptedEndpoint } from './upstream/scripted-endpoint.ts';
import { anUpstreamContext, aPolicy, aSpec, configsOf } from './upstream-sets.ts';

let parts: ReturnType<typeof anUpstreamContext>;
let set: UpstreamSet;
beforeEach(() => {
  parts = anUpstreamContext();
  set = new UpstreamSet(parts.context);
});
afterEach(() => set.stop());

function running(name: string): RunningUpstream {
  const found = [...set.all].find(({ upstream }) => upstream.name === name);
  assert.ok(found, `no upstream ${name}`);
  return found;
}

const endpointsOf = (name: string) => [...running(name).upstream.endpoints];
const portsOf = (name: string) => endpointsOf(name).map(({ port }) => port);

describe('a configuration', () => {
  test('makes the upstreams that it names', () => {
    set.apply(configsOf({ inventory: [aSpec(1), aSpec(2)], delivery: [aSpec(3)] }));
    assert.deepEqual([...set.stacks().keys()], ['inventory', 'delivery']);
    assert.deepEqual(portsOf('inventory'), [1, 2]);
    assert.equal(running('inventory').isKnown, true);
    assert.equal(running('inventory').counters.upstream, 'inventory');
  });

  test('that is the same again changes nothing', () => {
    set.apply(configsOf({ inventory: [aSpec(1)] }));
    const { upstream, counters } = running('inventory');
    const [endpoint] = endpointsOf('inventory');
    set.apply(configsOf({ inventory: [aSpec(1)] }));
    const after = running('inventory');
    assert.deepEqual([after.upstream, after.counters], [upstream, counters]);
    assert.equal(endpointsOf('inventory')[0], endpoint);
  });

  test('with other endpoints keeps those that stay, with what is counted of them', () => {
    set.apply(configsOf({ inventory: [aSpec(1), aSpec(2)] }));
    const [first, second] = endpointsOf('inventory');
    second.attempts = 7;
    set.apply(configsOf({ inventory: [aSpec(2, { weight: 5 }), aSpec(3)] }));
    assert.deepEqual(portsOf('inventory'), [2, 3]);
    assert.equal(endpointsOf('inventory')[0], second);
    assert.deepEqual([second.attempts, second.weight], [7, 5]);
    assert.equal(first.isGone, true);
  });

  test('with another policy changes the bounds, and keeps upstream and endpoints', () => {
    set.apply(configsOf({ inventory: [aSpec(1)] }));
    const { upstream } = running('inventory');
    const [endpoint] = endpointsOf('inventory');
    const policy = aPolicy({ limits: { connections: 3, pending: 0 }, timeouts: { connect: 250 } });
    set.apply(configsOf({ inventory: [aSpec(1)] }, policy));
    assert.equal(running('inventory').upstream, upstream);
    assert.equal(endpointsOf('inventory')[0], endpoint);
    const { connections, pending, connectTimeout } = upstream.pool.settings;
    assert.deepEqual([connections, pending, connectTimeout], [3, 0, 250]);
  });

  test('without an upstream lets it go', () => {
    set.apply(configsOf({ inventory: [aSpec(1)], delivery: [aSpec(2)] }));
    const gone = running('delivery');
    set.apply(configsOf({ inventory: [aSpec(1)] }));
    assert.deepEqual([...set.stacks().keys()], ['inventory']);
    assert.deepEqual([...gone.upstream.endpoints], []);
  });

  test('may change from a list to a name', async () => {
    set.apply(configsOf({ inventory: [aSpec(1)] }));
    parts.resolver.ipv4.set('inventory.test', [{ address: '10.0.0.9', ttl: 60 }]);
    const config = configsOf({ inventory: [] }).get('inventory')!;
    const endpoints = { kind: 'dns' as const, host: 'inventory.test', port: 8080 };
    set.apply(new Map([['inventory', { ...config, endpoints }]]));
    await until(() => endpointsOf('inventory')[0]?.address === '10.0.0.9', 'an address');
    assert.deepEqual(portsOf('inventory'), [8080]);
  });
});

const OK_TOLD = [200, 'data', 'end'];

/** A configuration in which a name says where the endpoints are. */
function byName(port = 8080) {
  const config = configsOf({ inventory: [] }).get('inventory')!;
  const endpoints = { kind: 'dns' as const, host: 'inventory.test', port };
  return new Map([['inventory', { ...config, endpoints }]]);
}

describe('discovery', () => {
  test('that can not say anything yet is told of', async () => {
    parts.resolver.ipv4.set('inventory.test', 'ETIMEOUT');
    parts.resolver.ipv6.set('inventory.test', 'ETIMEOUT');
    set.apply(byName());
    assert.equal(running('inventory').isKnown, false);
    await until(() => running('inventory').problem !== null, 'a problem');
    assert.equal(running('inventory').isKnown, false);
    assert.deepEqual(parts.warnings, [running('inventory').problem]);
    assert.match(parts.warnings[0], /inventory\.test/);
  });

  test('that is configured as before is not asked anew', async () => {
    parts.resolver.ipv4.set('inventory.test', [{ address: '10.0.0.9', ttl: 60 }]);
    set.apply(byName());
    await until(() => running('inventory').isKnown, 'an answer');
    const { asked } = parts.resolver;
    const before = asked.length;
    set.apply(byName());
    assert.equal(asked.length, before);
    set.apply(
      new Map([
        [
          'inventory',
          { ...byName().get('inventory')!, endpoints: { kind: 'dns', host: 'other.test', port: 1 } },
        ],
      ]),
    );
    assert.ok(asked.length > before);
  });

  test('that has said something is known from then on', async () => {
    parts.resolver.ipv4.set('inventory.test', [{ address: '10.0.0.9', ttl: 60 }]);
    set.apply(byName());
    await until(() => running('inventory').isKnown, 'an answer');
    assert.equal(running('inventory').problem, null);
  });
});

describe('with an endpoint', () => {
  let endpoint: ScriptedEndpoint;
  beforeEach(async () => {
    endpoint = await ScriptedEndpoint.start();
  });
  afterEach(() => endpoint.close());

  const call = (name = 'inventory') => {
    const reply = new RecordedReply();
    const handle = running(name).stack.call(anExchange({ startedAt: parts.clock.now }), reply);
    return { reply, handle };
  };

  const upstream = (policy = aPolicy()) => configsOf({ inventory: [aSpec(endpoint.endpoint.port)] }, policy);

  test('an exchange that is under way ends under the policy that it began with', async () => {
    set.apply(upstream(aPolicy({ timeouts: { total: 500 } })));
    const { reply } = call();
    await endpoint.request();
    set.apply(upstream(aPolicy({ timeouts: { total: 60_000 } })));
    parts.clock.advance(500);
    assert.equal(reply.failure?.kind, 'deadline');
  });

  test('an upstream that is let go carries what is under way to its end', async () => {
    set.apply(upstream());
    const { reply } = call();
    await endpoint.request();
    set.apply(new Map());
    endpoint.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    await endpoint.connections[0].over();
  });

  test('a request that is held finds the endpoints that are written down meanwhile', async () => {
    parts.resolver.ipv4.set('inventory.test', 'ENOTFOUND');
    parts.resolver.ipv6.set('inventory.test', 'ENOTFOUND');
    set.apply(byName());
    const { memory, counters } = running('inventory');
    const { reply } = call();
    assert.equal(counters.pendingWaiting, 1);
    set.apply(upstream());
    await endpoint.request();
    endpoint.connections[0].write(OK);
    await reply.ended;
    assert.deepEqual(reply.told, OK_TOLD);
    assert.equal(counters.pendingWaiting, 0);
    assert.equal(running('inventory').memory, memory);
  });

  test('what was written down is not used any more where a name is now, and requests are held until that is known', async () => {
    set.apply(upstream());
    const underWay = call();
    await endpoint.request();
    parts.resolver.ipv4.set('inventory.test', [{ address: '127.0.0.1', ttl: 60 }]);
    set.apply(byName(endpoint.endpoint.port));
    assert.deepEqual([running('inventory').isKnown, endpointsOf('inventory')], [false, []]);
    const { reply } = call();
    assert.equal(running('inventory').counters.pendingWaiting, 1);
    await endpoint.request(1);
    endpoint.connections[0].write(OK);
    endpoint.connections[1].write(OK);
    await Promise.all([underWay.reply.ended, reply.ended]);
    assert.deepEqual([underWay.reply.told, reply.told], [OK_TOLD, OK_TOLD]);
  });

  test('the bounds for an answer and the name in Via are those of the last configuration', async () => {
    set.apply(upstream(aPolicy({ limits: { headSize: 1_024 } })));
    const answer = `HTTP/1.1 204 No Content\r\nX: ${'x'.repeat(2_000)}\r\n\r\n`;
    const first = call();
    assert.doesNotMatch(await endpoint.request(0), /Via/);
    endpoint.connections[0].write(answer);
    await first.reply.ended;
    assert.equal(first.reply.failure?.kind, 'bad-response');
    parts.context.via = 'outrider';
    set.apply(upstream(aPolicy({ limits: { headSize: 4_096 } })));
    const second = call();
    assert.match(await endpoint.request(1), /\r\nVia: 1\.1 outrider\r\n/);
    endpoint.connections[1].write(answer);
    await second.reply.ended;
    assert.deepEqual(second.reply.told, [204, 'end']);
  });

  test('that is lost is waited for and told of, until it is back or other endpoints are written down', async () => {
    set.apply(upstream());
    const only = endpointsOf('inventory')[0];
    only.noteReached();
    only.noteLost(failure('connect-failure', 'it was refused.'));
    assert.match(
      parts.warnings.join(),
      /^requests for inventory wait for up to 5000 ms \(limits.hold\): it was refused\.$/,
    );
    const { reply } = call();
    assert.equal(running('inventory').counters.pendingWaiting, 1);
    parts.clock.advance(25);
    await endpoint.accepted(0);
    await until(() => only.lost === null, 'the endpoint found');
    assert.equal(running('inventory').counters.pendingWaiting, 0);
    await endpoint.accepted(1);
    endpoint.connections[1].write(OK);
    await reply.ended;

    set.apply(configsOf({ inventory: [aSpec(1)] }));
    endpointsOf('inventory')[0].noteLost(failure('connect-failure', 'a wrong port'));
    const { stack, counters } = running('inventory');
    const before = counters.held;
    stack.call(anExchange(), new RecordedReply());
    assert.equal(counters.held, before);
  });

  test('a stop lets go who waits', () => {
    set.apply(upstream());
    const only = endpointsOf('inventory')[0];
    only.noteReached();
    only.noteLost(failure('connect-failure', 'It was refused.'));
    const { reply } = call();
    assert.equal(reply.isEnded, false);
    set.stop();
    assert.equal(reply.failure?.kind, 'no-endpoint');
  });

  test('a stop ends everything', async () => {
    set.apply(upstream());
    const { reply, handle } = call();
    await endpoint.request();
    set.stop();
    assert.equal(reply.isEnded, true);
    assert.deepEqual([...set.all], []);
    handle.cancel(failure('client-gone', 'late'));
    await endpoint.connections[0].over();
  });
});
