import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Message } from './harness/message.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

interface BreakerView {
  readonly state: string;
  readonly calls: number;
  readonly failed: number;
  readonly retryAfterMs: number;
  readonly lastChange: { readonly from: string; readonly at: string; readonly failed: number } | null;
}

describe('a circuit breaker', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let client: RawClient;
  let isBroken = false;

  const file = (breaker: object) => ({
    upstreams: { svc: { endpoints: [upstream.address], policy: { retry: { attempts: 1 }, breaker } } },
  });

  before(async () => {
    upstream = await RawUpstream.start((_, connection) => {
      if (isBroken) connection.answer(500, 'broken');
      else connection.answer(200, 'fine');
    });
    sidecar = await SidecarProcess.start({
      file: file({ minimumCalls: 4, openFor: '3s', halfOpenCalls: 2 }),
    });
    client = await RawClient.connect(sidecar.port);
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await upstream?.stop();
  });

  const ask = (): Promise<Message> => client.ask(get('/'));
  const breaker = async (): Promise<BreakerView> =>
    ((await sidecar.upstream()) as unknown as { breaker: BreakerView }).breaker;
  const received = () => upstream.requests.length;

  it('opens where half of the calls fail, and then answers without asking anybody', async () => {
    assert.equal((await breaker()).state, 'closed');
    for (const _ of [1, 2]) assert.equal((await ask()).status, 200);
    isBroken = true;
    for (const _ of [1, 2]) assert.equal((await ask()).text, 'broken');
    const before = received();
    const refused = await ask();
    assert.equal(received(), before);
    assert.deepEqual(
      [refused.status, refused.field('x-outrider-error'), refused.field('retry-after')],
      [503, 'breaker-open', '3'],
    );
    assert.match(
      String(refused.json.detail),
      /^The circuit breaker of svc is open: of 4 calls 2 failed and 0 were slow\./,
    );
  });

  it('says so in the admin API, the metrics and the log', async () => {
    const { state, retryAfterMs, lastChange } = await breaker();
    assert.equal(state, 'open');
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 3000, String(retryAfterMs));
    assert.deepEqual([lastChange?.from, lastChange?.failed], ['closed', 2]);
    assert.ok(Math.abs(Date.now() - Date.parse(lastChange?.at ?? '')) < 60_000, lastChange?.at);
    const metrics = await sidecar.metrics();
    assert.equal(metrics.value('outrider_breaker_state', { upstream: 'svc', state: 'open' }), 1);
    assert.equal(metrics.value('outrider_breaker_state', { upstream: 'svc', state: 'closed' }), 0);
    assert.equal(metrics.value('outrider_breaker_opened_total', { upstream: 'svc' }), 1);
    const told = 'the circuit breaker of svc is open now: of 4 calls 2 failed and 0 were slow';
    await until(() => sidecar.log.some(({ msg }) => msg === told), told);
  });

  it('tries again after a while, and closes when that goes well', async () => {
    isBroken = false;
    const before = received();
    await until(async () => (await ask()).status === 200, 'a call that is let through');
    assert.equal(received(), before + 1);
    assert.equal((await breaker()).state, 'half-open');
    assert.equal((await ask()).status, 200);
    assert.equal((await breaker()).state, 'closed');
  });

  it('is held open and let go by a change of the policy, at once', async () => {
    await sidecar.reconfigure(file({ force: { state: 'open' } }));
    const refused = await ask();
    assert.deepEqual([refused.status, refused.field('x-outrider-error')], [503, 'breaker-open']);
    assert.match(String(refused.json.detail), /is held open \(breaker\.force\)/);
    await sidecar.reconfigure(file({ force: { state: 'off' } }));
    assert.equal((await ask()).status, 200);
    assert.equal((await breaker()).state, 'off');
  });
});
