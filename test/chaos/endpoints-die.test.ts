import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from '../e2e/harness/closed-port.ts';
import { Load } from '../e2e/harness/load.ts';
import type { Message } from '../e2e/harness/message.ts';
import { post } from '../e2e/harness/raw-client.ts';
import { CAN_READ_MEMORY, ResidentMemory } from '../e2e/harness/resident-memory.ts';
import { chooseSeed, Seeded } from '../e2e/harness/seeded.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';
import { EndpointProcess } from './endpoint-process.ts';

const SEED = chooseSeed('CHAOS_SEED');
const FOR_MS = Number(process.env.CHAOS_MS ?? 12_000);

/** One endpoint of three is down at a time: one retry is enough for every request that may be sent again. */
describe(`while endpoints are killed, stopped and restarted (CHAOS_SEED=${SEED})`, () => {
  let sidecar: SidecarProcess;
  let folder: string;
  let endpoints: EndpointProcess[];
  const notes = () => endpoints.map((_, i) => join(folder, `posts-${i}`));

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'outrider-chaos-'));
    const ports = [await closedPort(), await closedPort(), await closedPort()];
    endpoints = ports.map((port, i) => new EndpointProcess(port, join(folder, `posts-${i}`)));
    await Promise.all(endpoints.map(endpoint => endpoint.start()));
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          svc: {
            endpoints: ports.map(port => `127.0.0.1:${port}`),
            policy: {
              timeouts: { attempt: '2s' },
              retry: { on: ['connect-failure', 'reset', 'attempt-timeout'] },
            },
          },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    for (const endpoint of endpoints) endpoint.thaw();
    await Promise.all(endpoints.map(endpoint => endpoint.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });

  it('no GET fails, no POST is acted on twice, no answer goes astray, and nothing is left', async () => {
    const memory = CAN_READ_MEMORY ? new ResidentMemory(sidecar.pid) : null;
    const gets = new Load({ port: sidecar.port, workers: 12, think: 1 });
    const posts = new Load({
      port: sidecar.port,
      workers: 4,
      think: 1,
      request: id => post(`/${id}`, 'x'),
      judge: judgePost,
    });
    const did = await makeTrouble(new Seeded(SEED));
    await Promise.all([gets.stop(), posts.stop()]);
    const growth = memory?.stop() ?? 0;

    assert.deepEqual(gets.failures, [], did.join(', '));
    assert.deepEqual(posts.failures, []);
    assert.ok(
      gets.succeeded > 200 && posts.succeeded > 50,
      `${gets.succeeded} GETs, ${posts.succeeded} POSTs`,
    );
    const acted = notes().flatMap(file =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter(line => line !== ''),
    );
    assert.equal(new Set(acted).size, acted.length, 'a POST was acted on twice');

    await sidecar.quiet();
    const { endpoints: states, retries } = await sidecar.upstream();
    assert.deepEqual(
      states.map(({ outstanding }) => outstanding),
      [0, 0, 0],
    );
    assert.ok(retries > 0, did.join(', '));
    assert.ok(growth < 64, `resident memory grew by ${growth} MiB`);
    assert.ok(!sidecar.log.some(({ level }) => level === 'fatal' || level === 'error'));
  });

  /** A POST that may have been acted on is not sent again: that is the only way in which it may fail. */
  function judgePost(answer: Message, id: string): string | null {
    if (answer.status === 200) return answer.text === `/${id}` ? null : 'the answer to another request';
    return ['reset', 'attempt-timeout'].includes(answer.field('x-outrider-error') ?? '') ? null : 'failed';
  }

  async function makeTrouble(random: Seeded): Promise<string[]> {
    const did: string[] = [];
    for (const end = performance.now() + FOR_MS; performance.now() < end; ) {
      const number = random.below(endpoints.length);
      const endpoint = endpoints[number]!;
      const what = random.pick(['kill', 'kill', 'stop', 'stop', 'freeze'] as const);
      did.push(`${what} ${number}`);
      if (what === 'freeze') {
        endpoint.freeze();
        await sleep(500 + random.below(2_500));
        endpoint.thaw();
      } else {
        await endpoint.end(what === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await sleep(random.below(300));
        await endpoint.start();
      }
      await sleep(50 + random.below(300));
    }
    return did;
  }
});
