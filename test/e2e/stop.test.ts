import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from './harness/load.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

describe('a sidecar that is told to stop', () => {
  let upstream: RawUpstream;
  let sidecar: SidecarProcess;
  let clients: RawClient[] = [];

  before(async () => {
    upstream = await RawUpstream.start((request, connection) => {
      const [, delay = '0'] = /delay=(\w+)/.exec(request.target) ?? [];
      if (delay === '0') connection.answer(200, request.target);
      else if (delay !== 'never') setTimeout(() => connection.answer(200, request.target), Number(delay));
    });
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    clients = [];
    await sidecar.kill();
  });

  after(async () => {
    await upstream?.stop();
  });

  async function start(more: object = {}): Promise<void> {
    const svc = { endpoints: [upstream.address] };
    sidecar = await SidecarProcess.start({
      file: { upstreams: { svc }, accessLog: { perSecond: 1_000_000 }, ...more },
    });
  }

  async function open(): Promise<RawClient> {
    const client = await RawClient.connect(sidecar.port);
    clients.push(client);
    return client;
  }

  const stopping = () => until(() => sidecar.log.some(({ msg }) => msg.startsWith('stops')), 'a stop');

  it('goes on serving until the application has gone, loses no request, and ends with 0', async () => {
    await start();
    const load = new Load({ port: sidecar.port, workers: 8 });
    await until(() => load.succeeded > 100, 'some load');
    const { connections } = load;
    sidecar.child.kill('SIGTERM');
    await stopping();
    const before = load.succeeded;
    await sleep(600);
    const client = await open();
    const answer = await client.ask(get('/new-connection'));
    assert.equal(answer.text, '/new-connection');
    assert.equal(answer.field('connection'), 'close');
    assert.equal(await client.ended(), 'fin');
    await load.stop();
    const endedAt = performance.now();
    assert.equal(await sidecar.exit(), 0);
    const took = performance.now() - endedAt;

    assert.deepEqual(load.failures, []);
    const during = load.succeeded - before;
    assert.ok(during > 20, `${during} requests while it stopped`);
    assert.ok(load.connections - connections >= during / 2, 'each on a connection of its own');
    assert.ok(took > 150 && took < 9_000, `ended ${took} ms after the last connection`);
    assert.equal(sidecar.accessLog.length, load.succeeded + 1, 'every exchange is in the access log');
    assert.equal(sidecar.log.at(-1)!.msg, 'stopped');
  });

  it('is not ready any more, and says so', async () => {
    await start();
    const held = await open();
    held.send(get('/held?delay=700'));
    await upstream.requested('/held?delay=700');
    assert.equal((await fetch(`${sidecar.adminUrl}/readyz`)).status, 200);
    sidecar.child.kill('SIGTERM');
    await stopping();
    const readiness = await fetch(`${sidecar.adminUrl}/readyz`);
    assert.equal(readiness.status, 503);
    assert.match(await readiness.text(), /The sidecar drains/);
    assert.equal((await fetch(`${sidecar.adminUrl}/healthz`)).status, 200);
    assert.equal(((await sidecar.adminJson('/v1/info')) as { state: string }).state, 'draining');
    assert.equal((await held.answer()).text, '/held?delay=700');
    assert.equal(await held.ended(), 'fin');
    assert.equal(await sidecar.exit(), 0);
    await assert.rejects(RawClient.connect(sidecar.port), { code: 'ECONNREFUSED' });
  });

  it('with nothing to do ends soon', async () => {
    await start();
    const startedAt = performance.now();
    assert.equal(await sidecar.stop('SIGINT'), 0);
    const took = performance.now() - startedAt;
    assert.ok(took > 200 && took < 9_000, `${took} ms`);
  });

  it('waits no longer than stop.grace, and says what it closed', async () => {
    await start({ stop: { grace: '600ms' } });
    const idle = await open();
    await idle.ask(get('/'));
    const busy = await open();
    busy.send(get('/never?delay=never'));
    await upstream.requested('/never?delay=never');
    const startedAt = performance.now();
    assert.equal(await sidecar.stop(), 0);
    const took = performance.now() - startedAt;
    assert.ok(took > 550 && took < 9_000, `${took} ms`);
    assert.ok(
      sidecar.log.some(({ msg }) => /^2 connections are still open after 600 ms \(stop\.grace\)/.test(msg)),
    );
    const answer = await busy.answer();
    assert.equal(answer.status, 503);
    assert.match(answer.text, /The sidecar stops, and the answer did not end within 600 ms \(stop\.grace\)/);
    const line = await sidecar.logged('/never?delay=never');
    assert.deepEqual([line.status, line.error], [503, 'no-endpoint']);
  });

  it('ends at once on a second signal', async () => {
    await start();
    const busy = await open();
    busy.send(get('/endless?delay=never'));
    await upstream.requested('/endless?delay=never');
    sidecar.child.kill('SIGTERM');
    await stopping();
    sidecar.child.kill('SIGTERM');
    assert.equal(await sidecar.exit(3_000), 1);
    assert.match(sidecar.log.at(-1)!.msg, /a second signal/);
  });

  it('can be drained by its API without being stopped', async () => {
    await start();
    const client = await open();
    assert.equal((await client.ask(get('/'))).field('connection'), null);
    const drained = await fetch(`${sidecar.adminUrl}/v1/drain`, { method: 'POST' });
    assert.equal(drained.status, 202);
    await until(() => sidecar.log.some(({ msg }) => msg.startsWith('drains: ')), 'a line about it');
    assert.equal((await fetch(`${sidecar.adminUrl}/readyz`)).status, 503);
    assert.equal((await client.ask(get('/'))).field('connection'), 'close');
    assert.equal(await client.ended(), 'fin');
    assert.equal((await (await open()).ask(get('/'))).status, 200);
  });

  it('does not hurry a slow reader', async () => {
    await start();
    const size = 8 * 1024 * 1024;
    upstream.options = {
      onRequest: (_, connection) => void connection.answer(200, 'x'.repeat(size)),
    };
    const slow = await open();
    slow.socket.pause();
    slow.send(get('/big'));
    await upstream.requested('/big');
    sidecar.child.kill('SIGTERM');
    await sleep(1_500);
    slow.socket.resume();
    const answer = await slow.answer();
    assert.equal(answer.body.length, size);
    assert.ok(answer.isComplete);
    slow.close();
    assert.equal(await sidecar.exit(), 0);
  });
});

describe('a sidecar that can not start', () => {
  async function fails(options: Parameters<typeof SidecarProcess.startOnly>[0]): Promise<[unknown, string]> {
    const sidecar = await SidecarProcess.startOnly(options);
    const code = await sidecar.exit(120_000);
    return [code, `${sidecar.complaints}${sidecar.log.at(-1)?.msg}`];
  }

  it('says why and ends with 1: a port that is taken', async () => {
    const holder = await RawUpstream.start();
    const [code, said] = await fails({ file: { egress: { listen: holder.address } } });
    assert.equal(code, 1);
    assert.match(said, new RegExp(`can not listen on ${holder.address}: something else does already`));
    const [adminCode] = await fails({ file: { admin: { listen: holder.address } } });
    assert.equal(adminCode, 1);
    await holder.stop();
  });

  it('says why and ends with 2: a wrong file', async () => {
    const [code, said] = await fails({ file: { egress: { lissen: '127.0.0.1:0' } } });
    assert.equal(code, 2);
    assert.match(said, /outrider\.yaml:1:\d+: .*lissen.*listen/s);
  });
});
