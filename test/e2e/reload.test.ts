import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closedPort } from './harness/closed-port.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

describe('a configuration that changes while the sidecar runs', () => {
  let sidecar: SidecarProcess;
  let one: RawUpstream;
  let two: RawUpstream;
  let clients: RawClient[] = [];

  before(async () => {
    one = await RawUpstream.start((request, connection) => connection.answer(200, `one ${request.target}`));
    two = await RawUpstream.start((request, connection) => connection.answer(200, `two ${request.target}`));
    sidecar = await SidecarProcess.start({ file: file() });
  });

  afterEach(async () => {
    for (const client of clients) client.close();
    clients = [];
    await sidecar.reconfigure(file());
    for (const upstream of [one, two]) {
      for (const connection of upstream.connections) connection.close();
    }
    await until(async () => (await sidecar.upstream()).connections.open === 0, 'no connection');
    one.forget();
    two.forget();
    one.options = { onRequest: (request, connection) => connection.answer(200, `one ${request.target}`) };
  });

  after(async () => {
    await sidecar?.kill();
    await one?.stop();
    await two?.stop();
  });

  const file = (svc: object = { endpoints: [one.address] }, more: object = {}) => ({
    egress: { unknownHosts: 'refuse' },
    upstreams: { svc, other: { endpoints: [] } },
    ...more,
  });

  async function open(port = sidecar.port): Promise<RawClient> {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  }

  it('is picked up by itself', async () => {
    const client = await open();
    assert.equal((await client.ask(get('/'))).text, 'one /');
    sidecar.write(file({ endpoints: [two.address] }));
    await until(async () => (await client.ask(get('/'))).text === 'two /', 'the new endpoint');
  });

  it('or at once on SIGHUP, which says where nothing has changed', async () => {
    const { generation } = await sidecar.config();
    sidecar.child.kill('SIGHUP');
    await until(
      () => sidecar.log.some(({ msg }) => /outrider\.yaml has not changed/.test(msg)),
      'a line about it',
    );
    assert.equal((await sidecar.config()).generation, generation);
  });

  it('counts on when the access log changes', async () => {
    const logged = async () => (await sidecar.metrics()).value('outrider_access_log_written_total');
    const upstream = { endpoints: [one.address] };
    await sidecar.reconfigure(file(upstream));
    const client = await open();
    assert.equal((await client.ask(get('/counted'))).status, 200);
    await until(async () => (await logged()) > 0, 'a line');
    const before = await logged();
    await sidecar.reconfigure(file(upstream, { accessLog: { format: 'text' } }));
    assert.ok((await logged()) >= before);
    await sidecar.reconfigure(file(upstream, { accessLog: { format: 'off' } }));
    assert.ok((await logged()) >= before);
  });

  it('applies without losing a request or a connection', async () => {
    const variants = [
      file({ endpoints: [one.address, two.address] }),
      file({ endpoints: [two.address], policy: { balancer: 'round-robin' } }),
      file({ endpoints: [one.address], policy: { timeouts: { total: '7s' }, retry: { attempts: 1 } } }),
      file({ endpoints: [two.address, one.address], policy: { balancer: 'random' } }),
      file({ endpoints: [one.address, two.address] }, { accessLog: { format: 'off' } }),
      file({ dns: `localhost:${one.port}` }),
      file({ endpoints: [one.address] }, { downstream: { headFields: 64 }, connections: 50 }),
    ];
    const loaders = await Promise.all(Array.from({ length: 8 }, () => open()));
    let isOver = false;
    let asked = 0;
    const load = loaders.map(async (client, n) => {
      for (let i = 0; !isOver; i++) {
        const path = `/${n}-${i}`;
        const answer = await client.ask(get(path));
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.text.split(' ')[1], path);
        asked++;
      }
    });
    for (let round = 0; round < 3; round++) {
      for (const variant of variants) await sidecar.reconfigure(variant);
    }
    isOver = true;
    await Promise.all(load);
    assert.ok(asked > 200, `${asked} requests`);
    assert.ok(
      loaders.every(({ ending }) => ending === null),
      'all on the connections that they began with',
    );
  });

  it('leaves connections to endpoints that stay', async () => {
    const client = await open();
    const [stays, comes] = [await RawUpstream.start(), await RawUpstream.start()];
    await sidecar.reconfigure(file({ endpoints: [stays.address] }));
    await client.ask(get('/'));
    const policy = { balancer: 'round-robin' };
    await sidecar.reconfigure(file({ endpoints: [stays.address, comes.address], policy }));
    for (let i = 0; i < 4; i++) await client.ask(get('/'));
    assert.deepEqual([stays.connections.length, comes.connections.length], [1, 1]);
    await sidecar.reconfigure(file({ endpoints: [comes.address] }));
    await stays.connections[0]!.ended();
    await client.ask(get('/last'));
    assert.equal(comes.connections.length, 1);
    await stays.stop();
    await comes.stop();
  });

  it('lets what is under way end as it began', async () => {
    one.options = {};
    const client = await open();
    client.send(get('/under-way'));
    await one.requested('/under-way');
    await sidecar.reconfigure(file({ endpoints: [two.address], policy: { timeouts: { total: '1ms' } } }));
    await sidecar.reconfigure({ egress: { unknownHosts: 'refuse' }, upstreams: {} });
    await sleep(50);
    one.connections[0]!.answer(200, 'late');
    assert.equal((await client.answer()).text, 'late');
    assert.equal((await client.ask(get('/gone'))).field('x-outrider-error'), 'no-route');
    await one.connections[0]!.ended();
  });

  it('adds and removes upstreams', async () => {
    const client = await open();
    assert.equal((await client.ask(get('/', 'more'))).status, 404);
    await sidecar.reconfigure({ upstreams: { ...file().upstreams, more: { endpoints: [two.address] } } });
    assert.equal((await client.ask(get('/', 'more'))).text, 'two /');
    await sidecar.reconfigure(file());
    assert.equal((await client.ask(get('/', 'more'))).status, 404);
  });

  it('adds and removes ports', async () => {
    const [first, second] = [await closedPort(), await closedPort()];
    await sidecar.reconfigure(
      file(undefined, { egress: { unknownHosts: 'refuse', ports: { [first]: 'svc' } } }),
    );
    const client = await open(first);
    assert.equal((await client.ask(get('/'))).text, 'one /');
    await sidecar.reconfigure(
      file(undefined, { egress: { unknownHosts: 'refuse', ports: { [first]: 'svc', [second]: 'svc' } } }),
    );
    assert.equal((await client.ask(get('/'))).text, 'one /');
    assert.equal((await (await open(second)).ask(get('/'))).text, 'one /');
    await sidecar.reconfigure(
      file(undefined, { egress: { unknownHosts: 'refuse', ports: { [second]: 'svc' } } }),
    );
    await assert.rejects(open(first), { code: 'ECONNREFUSED' });
    assert.equal((await (await open(second)).ask(get('/'))).text, 'one /');
  });

  it('changes what is told to upstreams and applications', async () => {
    const client = await open();
    assert.match((await client.ask(get('/'))).field('via')!, /outrider/);
    await sidecar.reconfigure(file(undefined, { egress: { via: false } }));
    assert.equal((await client.ask(get('/without'))).field('via'), null);
    assert.equal((await one.requested('/without')).field('via'), null);
  });

  it('changes limits', async () => {
    const big = get('/', 'svc', `X-Fill: ${'x'.repeat(2_000)}\r\n`);
    assert.equal((await (await open()).ask(big)).status, 200);
    const limits = { headSize: '1KiB' };
    await sidecar.reconfigure(file({ endpoints: [one.address], policy: { limits } }, { downstream: limits }));
    assert.equal((await (await open()).ask(big)).status, 431);
    // Those of a connection are those of its beginning.
    for (const connection of one.connections) connection.close();
    one.options = {
      onRequest: (_, connection) => connection.answer(200, '', `X-Fill: ${'x'.repeat(2_000)}\r\n`),
    };
    assert.equal((await (await open()).ask(get('/'))).status, 502);
  });

  it('says what needs a restart, and leaves that as it was', async () => {
    const { inForce } = await sidecar.config();
    const port = await closedPort();
    await sidecar.reconfigure(file(undefined, { service: 'orders', admin: { listen: `127.0.0.1:${port}` } }));
    const config = await sidecar.config();
    assert.deepEqual(config.needsRestart, ['service', 'admin.listen']);
    assert.deepEqual(config.inForce.admin, inForce.admin);
    await assert.rejects(RawClient.connect(port), { code: 'ECONNREFUSED' });
    const said = 'service, admin.listen differ from what the sidecar started with; that needs a restart';
    await until(() => sidecar.log.some(({ level, msg }) => level === 'warn' && msg.includes(said)), said);
    await sidecar.reconfigure(file());
    assert.deepEqual((await sidecar.config()).needsRestart, []);
  });

  describe('that is wrong is refused whole, and the old one stays', () => {
    async function refuse(text: string | object): Promise<string> {
      const { generation } = await sidecar.config();
      const refusals = (await sidecar.metrics()).value('outrider_config_refused_total');
      sidecar.write(text as string);
      sidecar.child.kill('SIGHUP');
      await until(async () => (await sidecar.config()).refused !== null, 'a refusal');
      const config = await sidecar.config();
      assert.equal(config.generation, generation);
      assert.ok((await sidecar.metrics()).value('outrider_config_refused_total') > refusals);
      const { reason } = config.refused!;
      const said = `is refused, what was in force stays: ${reason.split('\n')[0]}`;
      await until(() => sidecar.log.some(({ level, msg }) => level === 'error' && msg.includes(said)), said);
      assert.equal((await (await open()).ask(get('/'))).text, 'one /');
      return reason;
    }

    it('a key that there is not', async () => {
      const reason = await refuse('upstreams:\n  svc:\n    endpoint: ["127.0.0.1:1"]\n');
      assert.match(reason, /outrider\.yaml:3:5.*endpoint.*endpoints/s);
    });

    it('a value that is none', async () => {
      assert.match(await refuse(file({ endpoints: ['nowhere'] })), /outrider\.yaml:1:\d+/);
    });

    it('not YAML at all', async () => {
      assert.match(await refuse('upstreams: [}'), /outrider\.yaml:1:/);
    });

    it('a port that somebody else listens on', async () => {
      const holder: Server = createServer();
      await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
      const { port } = holder.address() as { port: number };
      const free = await closedPort();
      const ports = { [free]: 'svc', [port]: 'svc' };
      const next = { egress: { ports }, upstreams: { svc: { endpoints: [two.address] } } };
      assert.match(await refuse(next), new RegExp(`${port}: .*EADDRINUSE.*egress\\.ports`));
      await assert.rejects(open(free), { code: 'ECONNREFUSED' }, 'nothing of it is in force');
      // Once the port is free, the same file is taken.
      await new Promise(resolve => holder.close(resolve));
      await sidecar.reconfigure({ ...next });
      assert.equal((await (await open(port)).ask(get('/'))).text, 'two /');
    });

    it('no file at all, which is told of until it is back as it was', async () => {
      sidecar.removeFile();
      await until(async () => (await sidecar.config()).refused !== null, 'a refusal');
      const { refused, generation } = await sidecar.config();
      assert.match(refused!.reason, /can not be read: there is no such file/);
      sidecar.restoreFile();
      await until(async () => (await sidecar.config()).refused === null, 'no refusal');
      assert.equal((await sidecar.config()).generation, generation);
    });

    it('and is told of until a right one comes', async () => {
      await refuse('nonsense');
      await sidecar.reconfigure(file());
      assert.equal((await sidecar.config()).refused, null);
    });
  });
});

it('a changed configuration leaves tunnels alone, what is passed on, and connections to a port that has moved', async () => {
  const upstreams = { svc: { endpoints: [] }, other: { endpoints: [] } };
  const sidecar = await SidecarProcess.start({ file: { upstreams, egress: { connect: 'any' } } });
  const echo = await RawUpstream.start({
    onConnection(connection) {
      connection.isRaw = true;
      connection.socket.on('data', bytes => connection.send(bytes));
    },
  });
  const silent = await RawUpstream.start({});
  const tunnel = await RawClient.connect(sidecar.port);
  await tunnel.ask(`CONNECT ${echo.address} HTTP/1.1\r\nHost: ${echo.address}\r\n\r\n`);
  const passed = await RawClient.connect(sidecar.port);
  passed.send(get('/passed', silent.address));
  await silent.requested('/passed');

  const port = await closedPort();
  const before = sidecar.port;
  await sidecar.reconfigure({
    upstreams,
    egress: { connect: 'any', listen: `127.0.0.1:${port}` },
    connections: 100,
  });
  await assert.rejects(RawClient.connect(before), { code: 'ECONNREFUSED' });
  assert.equal(String(await tunnel.send('still there').bytes(11)), 'still there');
  silent.connections[0]!.answer(200, 'at last');
  assert.equal((await passed.answer()).text, 'at last');
  passed.send(get('/again', silent.address));
  await silent.requested('/again');
  silent.connections.at(-1)!.answer(200, 'on the old connection');
  assert.equal((await passed.answer()).text, 'on the old connection');
  const moved = await RawClient.connect(port);
  assert.equal((await moved.ask(get('/'))).field('x-outrider-error'), 'no-endpoint');
  for (const client of [tunnel, passed, moved]) client.close();
  await sidecar.kill();
  await echo.stop();
  await silent.stop();
});
