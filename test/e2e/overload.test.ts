import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

const WORKERS = 3;

interface ConcurrencyView {
  readonly limit: number;
  readonly isShedding: boolean;
  readonly adaptive: { readonly phase: string; readonly usualMs: number } | null;
}

describe('an upstream with a few workers, which queues what they can not take yet', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  const queue: RawUpstreamConnection[] = [];
  let busy = 0;
  /** The most requests that were there at once. */
  let highest = 0;
  let isOver = false;
  let clients: Promise<void>[] = [];
  const counts = { served: 0, refused: 0 };

  function work(): void {
    highest = Math.max(highest, busy + queue.length);
    while (busy < WORKERS) {
      const connection = queue.shift();
      if (connection === undefined) return;
      busy++;
      setTimeout(() => {
        busy--;
        connection.answer(200, 'done');
        work();
      }, 20);
    }
  }

  /** Applications that ask again as soon as they have an answer. */
  function ask(service: string, count: number): void {
    isOver = false;
    clients = Array.from({ length: count }, async () => {
      const client = await RawClient.connect(sidecar.port);
      while (!isOver) {
        const answer = await client.ask(get('/', service));
        if (answer.status === 200) counts.served++;
        else {
          assert.equal(answer.field('x-outrider-error'), 'overflow', answer.text);
          counts.refused++;
          await sleep(10);
        }
      }
      client.close();
    });
  }

  async function stopAsking(): Promise<void> {
    isOver = true;
    await Promise.all(clients);
    clients = [];
  }

  const concurrency = async (service: string) =>
    ((await sidecar.upstream(service)) as unknown as { concurrency: ConcurrencyView }).concurrency;

  before(async () => {
    upstream = await RawUpstream.start((_, connection) => {
      queue.push(connection);
      work();
    });
    const endpoints = [upstream.address];
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          told: { endpoints, policy: { limits: { concurrency: WORKERS } } },
          unknown: { endpoints, policy: { limits: { concurrency: 'adaptive' } } },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  afterEach(async () => {
    await stopAsking();
    highest = 0;
    Object.assign(counts, { served: 0, refused: 0 });
  });

  it('gets no more than it is said to take, and what would wait in vain is refused early', async () => {
    ask('told', 40);
    await until(async () => (await concurrency('told')).isShedding, 'a queue that stands');
    await until(() => counts.served > 30 && counts.refused > 30, 'served and refused requests');
    await stopAsking();
    assert.equal(highest, WORKERS);
    const metrics = await sidecar.metrics();
    assert.ok(Number(metrics.value('outrider_upstream_shed_total', { upstream: 'told' })) > 0);
    assert.equal(metrics.value('outrider_upstream_concurrency_limit', { upstream: 'told' }), WORKERS);
    assert.equal(metrics.value('outrider_upstream_pending', { upstream: 'told' }), 0);
  });

  it('gets no more than makes sense where nobody has said anything', async () => {
    ask('unknown', WORKERS);
    await until(() => counts.served > 100, 'a usual latency');
    await stopAsking();
    assert.equal((await concurrency('unknown')).adaptive?.phase, 'open');
    ask('unknown', 80);
    const isLimited = async () => {
      const { adaptive, limit } = await concurrency('unknown');
      return adaptive?.phase === 'limited' && limit < 60;
    };
    await until(isLimited, 'a limit');
    await until(() => counts.refused > 0, 'requests that would have waited in vain');
  });
});
