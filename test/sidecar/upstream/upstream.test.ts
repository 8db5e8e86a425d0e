import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { DEFAULT_POLICY } from '../../../control-plane/contract/default-policy.ts';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ENDED_CALL } from '../../../sidecar/exchange/service.ts';
import type { Balancer } from '../../../sidecar/upstream/balancers/balancer.ts';
import { RoundRobin } from '../../../sidecar/upstream/balancers/round-robin.ts';
import type { Endpoint, EndpointSpec } from '../../../sidecar/upstream/endpoint.ts';
import { OutlierWatch } from '../../../sidecar/upstream/outlier-watch.ts';
import { Upstream } from '../../../sidecar/upstream/upstream.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { aSpec } from '../upstream-sets.ts';
import { PoolUnderTest } from './pools.ts';
import { OK, ScriptedEndpoint } from './scripted-endpoint.ts';

let pools: PoolUnderTest[] = [];
beforeEach(() => {
  pools = [];
});
afterEach(() => {
  for (const { pool } of pools) pool.stop();
});

function makeUpstream(specs: readonly EndpointSpec[], balancer: Balancer = new RoundRobin(() => 0)) {
  const under = new PoolUnderTest();
  pools.push(under);
  const upstream = new Upstream('inventory', balancer, under.pool);
  upstream.setEndpoints(specs);
  return { upstream, under };
}

/** One that leaves endpoints out. */
function makeWatched(specs: readonly EndpointSpec[]) {
  const under = new PoolUnderTest();
  pools.push(under);
  const settings = DEFAULT_POLICY.outliers;
  const watch = new OutlierWatch({ settings, moves: () => true, wheel: under.clock.wheel, random: () => 0 });
  const upstream = new Upstream('inventory', new RoundRobin(() => 0), under.pool, watch);
  watch.events = { ...watch.events, onShares: () => upstream.updateShares() };
  upstream.setEndpoints(specs);
  return { upstream, watch, under };
}

const endpointsOf = (upstream: Upstream): Endpoint[] => [...upstream.endpoints];

describe('its endpoints', () => {
  test('are those that discovery named last; who stays, stays the same', () => {
    const { upstream } = makeUpstream([aSpec(1), aSpec(2)]);
    const [first, second] = endpointsOf(upstream);
    upstream.setEndpoints([aSpec(2, { zone: 'b' }), aSpec(3)]);
    const after = endpointsOf(upstream);
    assert.deepEqual(
      after.map(({ port }) => port),
      [2, 3],
    );
    assert.equal(after[0], second);
    assert.equal(second.zone, 'b');
    assert.deepEqual([first.isGone, second.isGone], [true, false]);
  });

  test('are others when somebody else has taken the address over', () => {
    const { upstream } = makeUpstream([aSpec(1, { id: 'old' })]);
    const [old] = endpointsOf(upstream);
    upstream.setEndpoints([aSpec(1, { id: 'new' })]);
    assert.notEqual(endpointsOf(upstream)[0], old);
    assert.equal(old.isGone, true);
  });

  test('that come back are new', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    const [old] = endpointsOf(upstream);
    upstream.setEndpoints([]);
    upstream.setEndpoints([aSpec(1)]);
    assert.notEqual(endpointsOf(upstream)[0], old);
    assert.equal(endpointsOf(upstream)[0].isGone, false);
  });

  test('that are named twice are one', () => {
    assert.equal(endpointsOf(makeUpstream([aSpec(1), aSpec(1)]).upstream).length, 1);
  });
});

describe('another endpoint', () => {
  const tried = (...endpoints: Endpoint[]) => {
    const exchange = anExchange();
    exchange.tried.push(...endpoints);
    return exchange;
  };

  test('is any but the one that was tried last', () => {
    const { upstream } = makeUpstream([aSpec(1), aSpec(2)]);
    const [first, second] = endpointsOf(upstream);
    assert.equal(upstream.hasOther(tried(first)), true);
    assert.equal(upstream.hasOther(tried(first, second)), true);
    assert.equal(upstream.hasOther(tried()), true);
  });

  test('is not one without weight, nor one that is gone', () => {
    const { upstream } = makeUpstream([aSpec(1), aSpec(2, { weight: 0 }), aSpec(3)]);
    const [first, , third] = endpointsOf(upstream);
    assert.equal(upstream.hasOther(tried(first)), true);
    upstream.setEndpoints([aSpec(1), aSpec(2, { weight: 0 })]);
    assert.equal(upstream.hasOther(tried(first)), false);
    assert.equal(upstream.hasOther(tried(third)), true);
  });
});

describe('an upstream whose endpoints can not be connected to', () => {
  const refused = failure('connect-failure', 'It was refused.');

  test('is lost when none is left that may be, and tells so once, until one is back', () => {
    const { upstream } = makeUpstream([aSpec(1), aSpec(2), aSpec(3, { weight: 0 })]);
    const told: string[] = [];
    upstream.onChange = () => told.push(upstream.availability);
    const [first, second] = endpointsOf(upstream);
    first.noteReached();
    second.noteLost(refused);
    first.noteLost(refused);
    first.noteLost(refused);
    assert.equal(upstream.loss, refused);
    second.noteReached();
    assert.deepEqual(told, ['ready', 'ready', 'lost', 'ready']);
  });

  test('is not lost where none of them ever could be', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    const [only] = endpointsOf(upstream);
    only.noteLost(refused);
    assert.equal(upstream.availability, 'ready');
    const exchange = anExchange();
    exchange.tried.push(only);
    assert.equal(upstream.hasLost(exchange), false);
  });

  test('can be asked again where it has connections, though one more did not come up in time', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    const [only] = endpointsOf(upstream);
    const exchange = anExchange();
    assert.equal(upstream.isReached(exchange), false);
    exchange.tried.push(only);
    assert.equal(upstream.isReached(exchange), false);
    only.noteReached();
    assert.equal(upstream.isReached(exchange), true);
    only.noteLost(refused);
    assert.equal(upstream.isReached(exchange), false);
    only.noteReached();
    upstream.setEndpoints([aSpec(2)]);
    assert.equal(upstream.isReached(exchange), false);
  });

  test('is lost where one could be that is gone by now', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    const [old] = endpointsOf(upstream);
    old.noteReached();
    upstream.setEndpoints([aSpec(2)]);
    endpointsOf(upstream)[0].noteLost(refused);
    assert.equal(upstream.availability, 'lost');
    const exchange = anExchange();
    exchange.tried.push(old);
    assert.equal(upstream.hasLost(exchange), true);
  });

  test('is not lost where what was reached before does not count', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    endpointsOf(upstream)[0].noteReached();
    upstream.forgetReached();
    upstream.setEndpoints([aSpec(2)]);
    endpointsOf(upstream)[0].noteLost(refused);
    assert.equal(upstream.availability, 'ready');
  });

  test('is ready with an endpoint that is new, and empty without any', () => {
    const { upstream } = makeUpstream([aSpec(1)]);
    const [first] = endpointsOf(upstream);
    first.noteReached();
    first.noteLost(refused);
    upstream.changeEndpoints([aSpec(2)], []);
    assert.equal(upstream.availability, 'ready');
    upstream.setEndpoints([]);
    assert.equal(upstream.availability, 'empty');
  });
});

describe('a further attempt', () => {
  const refused = failure('connect-failure', 'It was refused.');
  const goesTo = (upstream: Upstream, tried: readonly Endpoint[]) => {
    const exchange = anExchange();
    exchange.tried.push(...tried);
    upstream.call(exchange, new RecordedReply());
    return exchange.tried.at(-1);
  };

  test('goes to an endpoint that is not known to be lost, of the last resort too', () => {
    const specs = [aSpec(1), aSpec(2), aSpec(3), aSpec(4), aSpec(5, { isLastResort: true })];
    const { upstream } = makeUpstream(specs);
    const [first, second, third, fourth, last] = endpointsOf(upstream);
    for (const endpoint of [first, second, third]) endpoint.noteLost(refused);
    for (let i = 0; i < 4; i++) assert.equal(goesTo(upstream, [first]), fourth);
    assert.equal(goesTo(upstream, [fourth]), last);
    assert.ok([second, third].includes(goesTo(upstream, [first, fourth, last]) as Endpoint));
  });

  test('goes to the endpoint that has just answered rather than to one that is left out', () => {
    const { upstream, watch } = makeWatched([aSpec(1), aSpec(2)]);
    const [first, second] = endpointsOf(upstream);
    assert.equal(watch.detection.ejections.eject(second, 'unanswered', 0), true);
    assert.equal(goesTo(upstream, [first]), first);
  });

  test('to which a request is moved is not one that is left out, or can not be connected to', () => {
    const { upstream, watch } = makeWatched([aSpec(1), aSpec(2), aSpec(3)]);
    const [first, second, third] = endpointsOf(upstream);
    watch.detection.ejections.eject(second, 'unanswered', 0);
    const exchange = anExchange();
    exchange.tried.push(first);
    assert.equal(upstream.chooseOther(exchange), third);
    third.noteLost(refused);
    assert.equal(upstream.chooseOther(exchange), null);
  });
});

describe('a call', () => {
  test('fails at once where there is no endpoint, and says what to do', () => {
    for (const [specs, why] of [
      [[], /^inventory has no endpoint\. Start an instance of inventory/],
      [[aSpec(1, { weight: 0 })], /^inventory has only endpoints of weight 0/],
    ] as const) {
      const reply = new RecordedReply();
      const exchange = anExchange();
      assert.equal(makeUpstream(specs).upstream.call(exchange, reply), ENDED_CALL);
      assert.equal(reply.failure?.kind, 'no-endpoint');
      assert.equal(reply.failure.reachedNobody, true);
      assert.match(reply.failure.detail, why);
      assert.equal(exchange.attempts, 0);
    }
  });

  test('tells what discovery could not do', () => {
    const { upstream } = makeUpstream([]);
    upstream.explain = () => "DNS does not know 'inventory.test'.";
    const reply = new RecordedReply();
    upstream.call(anExchange(), reply);
    assert.equal(reply.failure?.detail, "inventory has no endpoint. DNS does not know 'inventory.test'.");
  });

  test('goes to the endpoint that the balancer picks, which is told what was tried', async () => {
    const endpoint = await ScriptedEndpoint.start(connection => connection.write(OK));
    const asked: number[] = [];
    let known: readonly Endpoint[] = [];
    const balancer: Balancer = {
      update(endpoints) {
        known = endpoints;
      },
      pick(tried) {
        asked.push(tried.length);
        return known[1];
      },
    };
    const { upstream } = makeUpstream([aSpec(1), aSpec(endpoint.endpoint.port)], balancer);
    const reply = new RecordedReply();
    const exchange = anExchange();
    upstream.call(exchange, reply);
    await reply.ended;
    assert.deepEqual(reply.told, [200, 'data', 'end']);
    assert.deepEqual([exchange.attempts, exchange.tried], [1, [known[1]]]);
    assert.deepEqual(asked, [0]);
    upstream.stop();
    await endpoint.close();
  });

  test('goes where the new balancer says once it was replaced', () => {
    const { upstream } = makeUpstream([aSpec(1), aSpec(2)]);
    let told = 0;
    upstream.balanceWith({
      update(endpoints) {
        told = endpoints.length;
      },
      pick: () => null,
    });
    assert.equal(told, 2);
    const reply = new RecordedReply();
    upstream.call(anExchange(), reply);
    assert.equal(reply.failure?.kind, 'no-endpoint');
  });
});
