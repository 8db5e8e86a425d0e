import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess, type UpstreamState } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

/** After so long an upstream closes an idle connection. */
const IDLE_MS = 400;

/** An upstream that ends connections that have been idle for a while. */
class Impatient {
  upstream!: RawUpstream;
  /** Connections that it ended before the sidecar did. */
  closed = 0;

  async start(how: 'end' | 'reset'): Promise<void> {
    const timers = new Map<RawUpstreamConnection, NodeJS.Timeout>();
    this.upstream = await RawUpstream.start((request, connection) => {
      clearTimeout(timers.get(connection));
      connection.answer(200, request.target);
      const close = () => {
        if (connection.ending === null) this.closed++;
        connection[how]();
      };
      timers.set(connection, setTimeout(close, IDLE_MS));
    });
  }
}

describe('an upstream that closes idle connections', () => {
  let sidecar: SidecarProcess;
  const silent = new Impatient();
  const abrupt = new Impatient();
  let hinting: RawUpstream;

  before(async () => {
    await silent.start('end');
    await abrupt.start('reset');
    hinting = await RawUpstream.start((request, connection) => {
      const timeout = request.target.slice(1);
      connection.answer(200, '', timeout === 'none' ? '' : `Keep-Alive: timeout=${timeout}, max=100\r\n`);
    });
    const endpoints = [hinting.address];
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          silent: { endpoints: [silent.upstream.address] },
          abrupt: { endpoints: [abrupt.upstream.address] },
          hinting: { endpoints },
          unhinting: { endpoints },
          'long-hinting': { endpoints },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await silent.upstream?.stop();
    await abrupt.upstream?.stop();
    await hinting?.stop();
  });

  for (const [name, impatient] of Object.entries({ silent, abrupt })) {
    it(`loses no GET, and learns when connections are too old (${name})`, async () => {
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(sidecar.port)));
      const burst = async () => {
        const answers = await Promise.all(clients.map(client => client.ask(get('/', name))));
        for (const answer of answers) assert.equal(answer.status, 200, answer.text);
      };
      await burst();
      // At the very age at which the upstream closes, a little before and a little after.
      for (let round = 0; round < 12; round++) {
        await sleep(IDLE_MS + (round % 4) * 3 - 5);
        await burst();
      }
      assert.ok(impatient.closed > 0);

      // What it has seen makes it give up idle connections in good time.
      impatient.closed = 0;
      const before = impatient.upstream.connections.length;
      for (let round = 0; round < 3; round++) {
        await sleep(IDLE_MS + 100);
        await burst();
      }
      const opened = impatient.upstream.connections.length - before;
      assert.ok(
        impatient.closed < opened / 2,
        `${impatient.closed} of ${opened} were closed by the upstream`,
      );

      const state = await sidecar.upstream(name);
      assert.equal(state.requests, 16 * 8);
      assert.equal(state.retries, 0, 'a stale connection is no reason for a retry');
      assert.deepEqual(state.failures, {});
      for (const client of clients) client.close();
    });
  }

  it('a POST does not go out on a connection that may be about to be closed', async () => {
    const client = await RawClient.connect(sidecar.port);
    for (let round = 0; round < 6; round++) {
      const answer = await client.ask(post('/', `post-${round}`, 'silent'));
      assert.equal(answer.status, 200, answer.text);
      await sleep(IDLE_MS - 5 + round * 2);
    }
    const bodies = silent.upstream.requests.map(({ text }) => text).filter(text => text.startsWith('post-'));
    assert.deepEqual(bodies, ['post-0', 'post-1', 'post-2', 'post-3', 'post-4', 'post-5']);
    client.close();
  });

  it('says so itself: then its connections are given up before', async () => {
    const client = await RawClient.connect(sidecar.port);
    await client.ask(get('/none', 'unhinting'));
    await client.ask(get('/1', 'hinting'));
    await client.ask(get('/30', 'long-hinting'));
    const open = async () => {
      const states = (await sidecar.adminJson('/v1/upstreams')) as UpstreamState[];
      return Object.fromEntries(states.map(({ name, connections }) => [name, connections.open]));
    };
    // A second at most, then 3 s where nothing is known, and 29 s.
    await until(async () => (await open()).hinting === 0, 'the first one closed');
    const atFirst = await open();
    assert.deepEqual([atFirst.unhinting, atFirst['long-hinting']], [1, 1]);
    await until(async () => (await open()).unhinting === 0, 'the second one closed');
    assert.equal((await open())['long-hinting'], 1);
    client.close();
  });

  it('replays a GET whose connection was closed under it, and counts that', async () => {
    // Closes each connection at its second request, unanswered: what a close that crosses a request looks like.
    const seen = new Map<object, number>();
    const crossing = await RawUpstream.start((request, connection) => {
      seen.set(connection, (seen.get(connection) ?? 0) + 1);
      if (seen.get(connection) === 2) connection.close();
      else connection.answer(200, request.target);
    });
    await sidecar.reconfigure({ upstreams: { crossing: { endpoints: [crossing.address] } } });
    const client = await RawClient.connect(sidecar.port);
    await client.ask(get('/first', 'crossing'));
    const answer = await client.ask(get('/second', 'crossing'));
    assert.equal(answer.text, '/second');
    const state = await sidecar.upstream('crossing');
    assert.equal(state.staleReplays, 1);
    assert.equal(state.retries, 0);
    const line = await sidecar.logged('/second');
    assert.deepEqual([line.attempts, line.staleReplays, line.flag], [1, 1, '-']);

    // A POST may have been acted upon: it is not sent again.
    const refused = await client.ask(post('/third', 'x', 'crossing'));
    assert.equal(refused.field('x-outrider-error'), 'reset');
    assert.equal(crossing.requests.filter(({ target }) => target === '/third').length, 1);
    client.close();
    await crossing.stop();
  });
});
