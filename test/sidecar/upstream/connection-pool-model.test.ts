import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { aCompleteBody, aTunnel, type ExchangeParts } from '../exchanges.ts';
import { until } from '../until.ts';
import { PoolUnderTest } from './pools.ts';
import { OK, ScriptedEndpoint } from './scripted-endpoint.ts';

const GONE = failure('client-gone', 'gone');

/** What an endpoint may do with a request. */
const DEEDS = {
  answer: c => c.write(OK),
  'answer and close': c => c.end(OK.replace('\r\n', '\r\nConnection: close\r\n')),
  'answer and say so too late': c => c.end(OK),
  'half an answer': c => c.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
  nonsense: c => c.write('nonsense\r\n\r\n'),
  'too much': c => c.write(OK + OK),
  'close at once': c => c.socket.destroy(),
  reset: c => c.reset(),
  nothing: () => {},
} satisfies Record<string, NonNullable<ScriptedEndpoint['script']>>;

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('attempt' as const),
      to: fc.constantFrom('a', 'b', 'refusing'),
      method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'CONNECT'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('turn' as const), turns: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.constantFrom('a', 'b') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('limit' as const), connections: fc.integer({ min: 1, max: 4 }) }),
  },
);

function partsOf(method: string): ExchangeParts {
  if (method === 'CONNECT') return { method, target: 'a:443', ...aTunnel() };
  return method === 'GET' ? { method } : { method, body: aCompleteBody('hello') };
}

test('whatever applications and endpoints do: every attempt ends once, and nothing is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[])), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 3 }),
      fc.boolean(),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (deeds, connections, pending, rests, steps) => {
        let requests = 0;
        const script = (connection: Parameters<(typeof DEEDS)['answer']>[0]) =>
          DEEDS[deeds[requests++ % deeds.length]](connection);
        const servers = await Promise.all(['a', 'b'].map(id => ScriptedEndpoint.start(script, id)));
        const refusing = await ScriptedEndpoint.start(null, 'refusing');
        await refusing.close();
        const endpoints = new Map([...servers, refusing].map(({ endpoint }) => [endpoint.id, endpoint]));
        const all = new Set(endpoints.values());
        const under = new PoolUnderTest({
          settings: { connections, pending, streamIdle: 5_000 },
          afterTurn: rests ? run => void setImmediate(run) : run => run(),
        });
        const made: ReturnType<PoolUnderTest['attempt']>[] = [];

        for (const action of steps) {
          if (action.do === 'attempt')
            made.push(under.attempt(endpoints.get(action.to)!, partsOf(action.method)));
          else if (action.do === 'cancel') made[action.which]?.attempt.cancel(GONE);
          else if (action.do === 'pass') under.clock.advance(action.ms);
          else if (action.do === 'turn') for (let i = 0; i < action.turns; i++) await nextTurn();
          else if (action.do === 'limit')
            under.pool.configure({ ...under.pool.settings, connections: action.connections });
          else {
            const old = endpoints.get(action.who)!;
            under.pool.remove(old);
            const { id, address, port, weight, zone, version } = old;
            const next = new Endpoint({ id, address, port, weight, zone, version });
            endpoints.set(action.who, next);
            all.add(next);
          }
          const { open, busy } = under.gauges;
          assert.ok(busy >= 0 && busy <= open);
        }

        for (const { attempt } of made) attempt.cancel(GONE);
        assert.ok(made.every(({ reply }) => reply.isEnded));
        assert.deepEqual(
          [...all].map(({ outstanding }) => outstanding),
          [...all].map(() => 0),
        );
        const { busy, waiting } = under.gauges;
        assert.deepEqual([busy, waiting], [0, 0]);
        // What is idle grows old, what is being opened comes up or not: in the end nothing is open.
        under.total.max = 1;
        await until(() => {
          under.clock.advance(500);
          return !under.total.isReached;
        }, 'everything to be closed');
        assert.deepEqual(under.gauges, { open: 0, busy: 0, waiting: 0 });
        under.pool.stop();
        await Promise.all(servers.map(server => server.close()));
      },
    ),
    { numRuns: 200 },
  );
});
