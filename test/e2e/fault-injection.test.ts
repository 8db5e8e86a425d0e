import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Message } from './harness/message.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess, type UpstreamState } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

interface FaultView {
  readonly leftMs: number;
  readonly active: number;
  readonly delay: { readonly for: string; readonly percent: string } | null;
  readonly refused?: string;
}

describe('faults made on purpose', () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;
  let clients: RawClient[] = [];

  const file = (fault: object | null, faults = 'allow') => ({
    faults,
    service: 'orders',
    accessLog: { sample: '0%' },
    upstreams: { svc: { endpoints: [upstream.address], policy: { fault, timeouts: { total: '400ms' } } } },
  });
  const open = async () => {
    const client = await RawClient.connect(sidecar.port);
    clients.push(client);
    return client;
  };
  const ask = async (path: string, fields = ''): Promise<Message> =>
    (await open()).ask(get(path, 'svc', fields));
  const received = () => upstream.requests.length;
  const view = async () => ((await sidecar.upstream()) as UpstreamState & { fault: FaultView | null }).fault;

  before(async () => {
    upstream = await RawUpstream.start();
    sidecar = await SidecarProcess.start({ file: file(null) });
  });

  afterEach(() => {
    for (const client of clients) client.close();
    clients = [];
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  it('an abort answers instead of the endpoint, and says so everywhere', async () => {
    await sidecar.reconfigure(file({ abort: { with: 503 } }));
    const before = received();
    const answer = await ask('/aborted');
    assert.deepEqual(
      [answer.status, answer.field('x-outrider-error'), answer.field('content-type')],
      [503, 'fault-injected', 'application/problem+json'],
    );
    assert.match(
      String(answer.json.detail),
      /^Answered with 503 on purpose, without asking svc \(fault\.abort\)\.$/,
    );
    assert.equal(received(), before);
    const line = await sidecar.logged('/aborted');
    assert.deepEqual([line.flag, line.error, line.attempts], ['FI', 'fault-injected', 0]);
    const metrics = await sidecar.metrics();
    assert.equal(metrics.value('outrider_faults_injected_total', { upstream: 'svc', fault: 'abort' }), 1);
    await until(
      () =>
        sidecar.log.some(({ msg }) => msg === 'requests for svc are disturbed on purpose (fault) for 10m'),
      'a line of the log',
    );
  });

  it('a reset cuts the connection without an answer', async () => {
    await sidecar.reconfigure(file({ abort: { with: 'reset' } }));
    const client = await open();
    client.send(get('/cut'));
    assert.equal(await client.ended(), 'reset');
    const line = await sidecar.logged('/cut');
    assert.deepEqual([line.flag, line.status], ['FI', 0]);
  });

  it('a delay is no part of the total timeout, and is logged whatever is sampled', async () => {
    await sidecar.reconfigure(file({ delay: { for: '600ms' } }));
    const begun = performance.now();
    assert.equal((await ask('/delayed')).status, 200);
    assert.ok(performance.now() - begun >= 600);
    const { injectedDelayMs = 0 } = await sidecar.logged('/delayed');
    assert.ok(injectedDelayMs >= 600, String(injectedDelayMs));
  });

  it('a delayed request whose application hangs up is given up at once', async () => {
    await sidecar.reconfigure(file({ delay: { for: '1m' } }));
    const before = received();
    const client = await open();
    client.send(get('/given-up'));
    await until(async () => (await view())?.active === 1, 'a delayed request');
    client.reset();
    await until(async () => (await view())?.active === 0, 'nothing that is delayed');
    assert.equal((await sidecar.logged('/given-up')).flag, 'DC');
    assert.equal(received(), before);
  });

  it('concern the requests and the callers that are named', async () => {
    const abort = { with: 418 };
    await sidecar.reconfigure(
      file({
        abort,
        match: [
          { name: 'X-Canary', value: 'yes' },
          { name: 'x-user', prefix: 'test-' },
        ],
      }),
    );
    assert.equal((await ask('/', 'x-canary: yes\r\nX-User: test-7\r\n')).status, 418);
    assert.equal((await ask('/', 'x-canary: yes\r\nX-User: tess\r\n')).status, 200);
    assert.equal((await ask('/', 'x-canary: yes\r\n')).status, 200);
    await sidecar.reconfigure(file({ abort, callers: ['gateway'] }));
    assert.equal((await ask('/')).status, 200);
    assert.equal(await view(), null);
    await sidecar.reconfigure(file({ abort, callers: ['gateway', 'orders'] }));
    assert.equal((await ask('/')).status, 418);
  });

  it('concern tunnels too', async () => {
    await sidecar.reconfigure(file({ abort: { with: 502 } }));
    const client = await open();
    client.send('CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\n\r\n');
    assert.equal((await client.answer('CONNECT')).status, 502);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';
    assert.equal((await ask('/', upgrade)).status, 502);
  });

  it('end by themselves, whatever else is changed meanwhile', async () => {
    await sidecar.reconfigure(file({ abort: { with: 418 }, ttl: '3s' }));
    const begun = performance.now();
    const { leftMs = 0 } = (await view()) ?? {};
    assert.ok(leftMs > 0 && leftMs <= 3000, String(leftMs));
    await sidecar.reconfigure({ ...file({ abort: { with: 418 }, ttl: '3s' }), egress: { via: false } });
    await until(async () => (await ask('/')).status === 200, 'the end of the fault');
    const took = performance.now() - begun;
    assert.ok(took >= 1000 && took < 20_000, String(took));
    assert.equal(await view(), null);
    await until(
      () => sidecar.log.some(({ msg }) => msg.includes('their time is over (fault.ttl)')),
      'a line',
    );
  });

  it('are left out where the sidecar refuses them, and the rest of the policy is in force', async () => {
    await sidecar.reconfigure(file({ abort: { with: 418 } }, 'refuse'));
    assert.equal((await ask('/')).status, 200);
    assert.equal((await view())?.refused, 'this sidecar makes no faults (faults: refuse)');
    assert.equal((await sidecar.config()).inForce.faults, 'refuse');
    const told =
      'the policy of svc asks for faults, which this sidecar refuses (faults: refuse): the rest of it is in force';
    await until(() => sidecar.log.some(({ msg }) => msg === told), told);
    await sidecar.reconfigure(file({ abort: { with: 418 } }, 'allow'));
    assert.equal((await ask('/')).status, 418);
  });
});
