import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../sidecar/exchange/failure.ts';
import type { Attempt } from '../../../sidecar/upstream/attempt.ts';
import { LeastRequest } from '../../../sidecar/upstream/balancers/least-request.ts';
import type { ConnectionPool } from '../../../sidecar/upstream/connection-pool.ts';
import type { Endpoint, EndpointSpec } from '../../../sidecar/upstream/endpoint.ts';
import { Upstream } from '../../../sidecar/upstream/upstream.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';

function aSpec(id: string, more: Partial<EndpointSpec> = {}): EndpointSpec {
  const port = id.charCodeAt(0);
  return { id, address: '10.0.0.1', port, weight: 1, zone: null, version: null, ...more };
}

/** An upstream whose pool opens nothing: it notes where attempts go and which endpoints are gone. */
function makeUpstream(...specs: EndpointSpec[]) {
  const removed: string[] = [];
  const waiting: Attempt[] = [];
  const pool = {
    remove: ({ id }: Endpoint) => removed.push(id),
    acquire: (attempt: Attempt) => waiting.push(attempt),
  };
  const upstream = new Upstream('inventory', new LeastRequest(() => 0), pool as unknown as ConnectionPool);
  upstream.setEndpoints(specs);
  /** Where one exchange goes with one attempt after the other. */
  const attempts = (count: number) => {
    const exchange = anExchange();
    for (let i = 0; i < count; i++) upstream.call(exchange, new RecordedReply());
    return exchange.tried.map(target => (target as Endpoint).id).join('');
  };
  return { upstream, removed, waiting, attempts };
}

test('something is leaving until what is under way at an endpoint that is gone has ended', () => {
  const { upstream, waiting } = makeUpstream(aSpec('a'));
  upstream.call(anExchange(), new RecordedReply());
  assert.equal(upstream.isLeaving, false, 'nobody is gone yet');
  upstream.changeEndpoints([aSpec('b')], ['a']);
  assert.equal(upstream.isLeaving, true);
  upstream.changeEndpoints([aSpec('c')], ['b']);
  assert.equal(upstream.isLeaving, true, 'nothing was under way at the other one');
  waiting[0].fail(failure('reset', 'The connection was lost.', false));
  assert.equal(upstream.isLeaving, false);
  upstream.call(anExchange(), new RecordedReply());
  upstream.changeEndpoints([], ['c']);
  upstream.forgetLeaving();
  assert.equal(upstream.isLeaving, false, 'nobody waits any longer');
});

describe('an attempt whose endpoint has left before it was reached', () => {
  test('goes to another', () => {
    const { upstream, waiting } = makeUpstream(aSpec('a'));
    const exchange = anExchange();
    const reply = new RecordedReply();
    upstream.call(exchange, reply);
    upstream.changeEndpoints([aSpec('b')], ['a']);
    assert.equal(waiting[0].moveOn(), true);
    assert.equal(exchange.tried.map(({ name }) => name).join(), '10.0.0.1:98');
    assert.equal(exchange.attempts, 1);
    assert.deepEqual(reply.told, []);
    assert.deepEqual(
      [...upstream.endpoints].map(({ outstanding }) => outstanding),
      [1],
    );
  });

  test('fails where there is none', () => {
    const { upstream, waiting } = makeUpstream(aSpec('a'));
    const reply = new RecordedReply();
    upstream.call(anExchange(), reply);
    upstream.changeEndpoints([], ['a']);
    assert.equal(waiting[0].moveOn(), false);
    assert.deepEqual(reply.told, ['no-endpoint']);
    assert.equal(reply.failure?.reachedNobody, true);
  });
});

describe('a change of some endpoints', () => {
  test('leaves the others as they are', () => {
    const { upstream, removed } = makeUpstream(aSpec('a'), aSpec('b'));
    const [first] = upstream.endpoints;
    upstream.changeEndpoints([aSpec('c'), aSpec('b', { weight: 7 })], []);
    assert.deepEqual(
      [...upstream.endpoints].map(({ id, weight }) => `${id}${weight}`),
      ['a1', 'b7', 'c1'],
    );
    assert.equal([...upstream.endpoints][0], first);
    assert.deepEqual(removed, []);
  });

  test('gives up who has moved, and who is gone', () => {
    const { upstream, removed } = makeUpstream(aSpec('a'), aSpec('b'), aSpec('c'));
    upstream.changeEndpoints([aSpec('a', { port: 1 })], ['b', 'unknown']);
    assert.deepEqual(removed, ['b', 'a']);
    assert.deepEqual(
      [...upstream.endpoints].map(({ id, port }) => id + port),
      ['a1', 'c99'],
    );
  });

  test('is told to whoever listens, once the next attempt would go by it', () => {
    const { upstream } = makeUpstream(aSpec('a'));
    const told: string[] = [];
    upstream.onChange = () => told.push(upstream.availability);
    upstream.changeEndpoints([aSpec('a', { weight: 0 })], []);
    upstream.changeEndpoints([aSpec('b', { isLastResort: true })], []);
    upstream.changeEndpoints([], ['b']);
    assert.deepEqual(told, ['empty', 'ready', 'empty']);
  });

  test('comes to the same as the whole set said anew', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd');
    const change = fc.record({
      set: fc.array(
        fc.record({ id: ids, port: fc.integer({ min: 1, max: 2 }), weight: fc.integer({ min: 0, max: 2 }) }),
      ),
      remove: fc.array(ids),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), changes => {
        const { upstream } = makeUpstream();
        const model = new Map<string, string>();
        for (const { set, remove } of changes) {
          upstream.changeEndpoints(
            set.map(values => aSpec(values.id, values)),
            remove,
          );
          for (const id of remove) model.delete(id);
          for (const { id, port, weight } of set) model.set(id, `${id} ${port} ${weight}`);
          const now = [...upstream.endpoints].map(({ id, port, weight }) => `${id} ${port} ${weight}`);
          assert.deepEqual(new Set(now), new Set(model.values()));
          assert.equal(
            upstream.availability === 'empty',
            [...model.values()].every(text => text.endsWith(' 0')),
          );
        }
      }),
    );
  });
});

describe('endpoints of the last resort', () => {
  const LAST = { isLastResort: true };

  test('are left alone while there is another', () => {
    const { attempts } = makeUpstream(aSpec('x', LAST), aSpec('a'));
    assert.equal(attempts(1), 'a');
  });

  test('are used where there is none, or none that takes requests', () => {
    const { upstream, attempts } = makeUpstream(aSpec('x', LAST));
    assert.equal(attempts(1), 'x');
    upstream.changeEndpoints([aSpec('a', { weight: 0 })], []);
    assert.equal(attempts(1), 'x');
  });

  test('come after all others, but before one that was tried already', () => {
    const { attempts } = makeUpstream(aSpec('x', LAST), aSpec('a'), aSpec('b'));
    assert.equal(attempts(3).slice(2), 'x');
  });

  test('are like all others again as soon as they are said to be', () => {
    const { upstream, removed, attempts } = makeUpstream(aSpec('x', LAST), aSpec('a'));
    upstream.changeEndpoints([aSpec('x')], []);
    assert.deepEqual([attempts(2).split('').sort().join(''), removed], ['ax', []]);
  });
});
