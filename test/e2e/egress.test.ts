import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { after, afterEach, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { fetch, ProxyAgent } from 'undici';
import { closedPort } from './harness/closed-port.ts';
import { HttpUpstream } from './harness/http-upstream.ts';
import type { Message } from './harness/message.ts';
import { get, RawClient } from './harness/raw-client.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const run = promisify(execFile);

/** Answers with who it is and what `Host` it was asked for. */
const tell = (name: string) =>
  HttpUpstream.start((request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(`${name} as ${request.headers.host} for ${request.url}`);
  });

describe('an application reaches its upstreams', () => {
  let sidecar: SidecarProcess;
  let inventory: HttpUpstream;
  let delivery: HttpUpstream;
  let unknown: HttpUpstream;
  let inventoryPort: number;
  let deliveryPort: number;
  let client: RawClient | undefined;

  before(async () => {
    [inventory, delivery, unknown] = await Promise.all([
      tell('inventory'),
      tell('delivery'),
      tell('unknown'),
    ]);
    [inventoryPort, deliveryPort] = [await closedPort(), await closedPort()];
    sidecar = await SidecarProcess.start({
      file: {
        egress: {
          ports: { [inventoryPort]: 'inventory', [deliveryPort]: 'delivery' },
          connect: [unknown.port],
        },
        upstreams: {
          inventory: { endpoints: [inventory.address] },
          // By name: the system knows more than one address of it, and at one of them nobody listens.
          delivery: { dns: `localhost:${delivery.port}` },
        },
      },
    });
  });

  afterEach(() => {
    client?.close();
  });

  after(async () => {
    await sidecar?.kill();
    await inventory?.stop();
    await delivery?.stop();
    await unknown?.stop();
  });

  async function ask(request: string, port = sidecar.port): Promise<Message> {
    client?.close();
    client = await RawClient.connect(port);
    return await client.ask(request);
  }

  describe('by a port of their own', () => {
    it('where Host says only where the sidecar is, the upstream is told its name', async () => {
      for (const host of [
        `127.0.0.1:${inventoryPort}`,
        `localhost:${inventoryPort}`,
        `LOCALHOST:${inventoryPort}`,
      ]) {
        assert.equal((await ask(get('/a', host), inventoryPort)).text, 'inventory as inventory for /a');
      }
      const own = await ask(get('/b', `127.0.0.1:${deliveryPort}`), deliveryPort);
      assert.equal(own.text, 'delivery as delivery for /b');
    });

    it('any other Host is kept, also one that names another upstream', async () => {
      for (const host of ['shop.example', 'delivery', 'shop.example:8080']) {
        assert.equal((await ask(get('/', host), inventoryPort)).text, `inventory as ${host} for /`);
      }
    });

    it('also in absolute form', async () => {
      const answer = await ask(get(`http://127.0.0.1:${inventoryPort}/x`, 'whatever'), inventoryPort);
      assert.equal(answer.text, 'inventory as inventory for /x');
    });

    it('with fetch', async () => {
      const answer = await fetch(`http://localhost:${inventoryPort}/fetch?q=1`);
      assert.equal(await answer.text(), 'inventory as inventory for /fetch?q=1');
    });
  });

  describe('by their host names', () => {
    for (const host of [
      'inventory',
      'INVENTORY',
      'inventory.mesh',
      'Inventory.Mesh',
      'inventory:80',
      'inventory.mesh:8080',
      'inventory.',
    ]) {
      it(`http://${host}/`, async () => {
        assert.equal((await ask(get('/', host))).text, `inventory as ${host} for /`);
      });
    }

    it('whose endpoints are found by name', async () => {
      // In turn to each address: where nobody listens, the next one is tried.
      for (let i = 0; i < 6; i++)
        assert.equal((await ask(get('/', 'delivery'))).text, 'delivery as delivery for /');
    });
  });

  describe('with the sidecar as their HTTP proxy', () => {
    const proxied = (url: string, options = {}) => {
      const dispatcher = new ProxyAgent({ uri: `http://127.0.0.1:${sidecar.port}`, ...options });
      return fetch(url, { dispatcher }).finally(() => dispatcher.close());
    };

    it('in absolute form, with undici', async () => {
      const answer = await proxied('http://inventory/proxied', { proxyTunnel: false });
      assert.equal(await answer.text(), 'inventory as inventory for /proxied');
      assert.equal(answer.headers.get('via'), '1.1 outrider');
    });

    it('through a tunnel, with undici as it comes', async () => {
      const answer = await proxied('http://inventory/tunnelled');
      assert.equal(await answer.text(), 'inventory as inventory for /tunnelled');
      assert.equal(
        await (await proxied(`http://${unknown.address}/t`)).text(),
        `unknown as ${unknown.address} for /t`,
      );
    });

    it('with node:http', async () => {
      const text = await new Promise<string>((resolve, reject) => {
        const path = 'http://inventory.mesh/node';
        const request = httpRequest({
          port: sidecar.port,
          host: '127.0.0.1',
          path,
          headers: { host: 'inventory.mesh' },
        });
        request.on('response', async response => {
          let body = '';
          for await (const chunk of response) body += chunk;
          resolve(body);
        });
        request.on('error', reject).end();
      });
      assert.equal(text, 'inventory as inventory.mesh for /node');
    });

    it('with curl', async context => {
      const env = { PATH: process.env.PATH, http_proxy: `http://127.0.0.1:${sidecar.port}` };
      const hasCurl = await run('curl', ['--version']).then(
        () => true,
        () => false,
      );
      if (!hasCurl) return context.skip('curl is not installed');
      const { stdout } = await run('curl', ['-sS', '--fail', 'http://inventory/curl'], { env });
      assert.equal(stdout, 'inventory as inventory for /curl');
    });

    it('the URL says whom it is for, whatever Host says', async () => {
      const answer = await ask(get('http://inventory/x', 'delivery'));
      assert.equal(answer.text, 'inventory as inventory for /x');
    });
  });

  describe('and what is no upstream', () => {
    it('is called as the application would have called it', async () => {
      const { address } = unknown;
      assert.equal((await ask(get('/', address))).text, `unknown as ${address} for /`);
      assert.equal((await ask(get(`http://${address}/x?y`, address))).text, `unknown as ${address} for /x?y`);
      const named = `localhost:${unknown.port}`;
      assert.equal((await ask(get('/', named))).text, `unknown as ${named} for /`);
      const metrics = await sidecar.metrics();
      assert.ok(metrics.value('outrider_requests_total', { upstream: '(pass)', class: '2xx' }) >= 3);
    });

    it('fails as it would have failed', async () => {
      const answer = await ask(get('/', `127.0.0.1:${await closedPort()}`));
      assert.equal(answer.status, 503);
      assert.equal(answer.field('x-outrider-error'), 'connect-failure');
      const nowhere = await ask(get('/', 'does-not-exist.invalid'));
      assert.equal(nowhere.status, 503);
      assert.match(nowhere.text, /does-not-exist\.invalid/);
    });
  });
});

describe('a sidecar that refuses unknown hosts', () => {
  let sidecar: SidecarProcess;
  let svc: HttpUpstream;
  let unknown: Server;

  before(async () => {
    svc = await tell('svc');
    unknown = createServer((_, response) => response.end('reached'));
    await new Promise<void>(resolve => unknown.listen(0, '127.0.0.1', resolve));
    sidecar = await SidecarProcess.start({
      file: {
        egress: { unknownHosts: 'refuse', connect: 'any' },
        upstreams: { svc: { endpoints: [svc.address] }, other: { endpoints: [svc.address] } },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await svc?.stop();
    unknown?.close();
  });

  it('says which hosts it knows', async () => {
    const { port } = unknown.address() as { port: number };
    for (const request of [
      get('/', `127.0.0.1:${port}`),
      get(`http://127.0.0.1:${port}/`, 'svc'),
      `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    ]) {
      const client = await RawClient.connect(sidecar.port);
      const answer = await client.ask(request);
      assert.equal(answer.status, 404);
      assert.match(answer.text, /configured are svc, other/);
      client.close();
    }
    const client = await RawClient.connect(sidecar.port);
    assert.equal((await client.ask(get('/', 'svc'))).status, 200);
    client.close();
  });
});

describe('without a file', () => {
  it('the only upstream serves every request that names no other', async () => {
    const one = await tell('one');
    const two = await tell('two');
    const flags = [
      '--listen',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
      '--upstream',
      `inventory=${one.address},${two.address}`,
    ];
    const sidecar = await SidecarProcess.start({ file: null, flags });
    const client = await RawClient.connect(sidecar.port);
    const texts = new Set<string>();
    for (let i = 0; i < 10; i++) texts.add((await client.ask(get('/', 'inventory'))).text);
    assert.deepEqual([...texts].sort(), ['one as inventory for /', 'two as inventory for /']);
    assert.match((await client.ask(get('/x', 'anything.example'))).text, / as anything\.example for \/x$/);
    assert.match((await client.ask(get('/y', `127.0.0.1:${sidecar.port}`))).text, / as inventory for \/y$/);
    client.close();
    assert.equal(await sidecar.stop(), 0);
    await one.stop();
    await two.stop();
  });
});

describe('a request to the sidecar itself', () => {
  let sidecar: SidecarProcess;
  let svc: HttpUpstream;
  let port: number;

  before(async () => {
    svc = await tell('svc');
    port = await closedPort();
    sidecar = await SidecarProcess.start({
      file: {
        egress: { ports: { [port]: 'svc' } },
        upstreams: {
          svc: { endpoints: [svc.address] },
          // Only when it connects does it find out that this is itself.
          loop: { endpoints: [`localhost:${port}`], policy: { retry: { attempts: 1 } } },
        },
      },
    });
  });

  after(async () => {
    await sidecar?.kill();
    await svc?.stop();
  });

  const HOSTS = [
    '127.0.0.1',
    'localhost',
    '127.0.0.2',
    '0.0.0.0',
    '[::1]',
    '127.1',
    '2130706433',
    '[::ffff:127.0.0.1]',
  ];
  for (const host of HOSTS) {
    it(`does not go round in circles: ${host}`, async () => {
      const connections = async () =>
        (await sidecar.metrics()).value('outrider_downstream_connections_total');
      const before = await connections();
      const client = await RawClient.connect(sidecar.port);
      const answer = await client.ask(get('/', `${host}:${sidecar.port}`));
      assert.ok(['no-route', 'connect-failure'].includes(answer.field('x-outrider-error')!), answer.text);
      assert.ok((await connections()) - before <= 2);
      client.close();
    });
  }

  it('nor by a name for another of the addresses on which it listens', async () => {
    const everywhere = await SidecarProcess.start({
      file: {
        egress: { listen: '0.0.0.0:0' },
        upstreams: { svc: { endpoints: [svc.address] }, none: { endpoints: [] } },
      },
    });
    const client = await RawClient.connect(everywhere.port);
    // 127.0.1.2, in a notation that only the system's resolver understands.
    const answer = await client.ask(get('/', `2130706690:${everywhere.port}`));
    assert.match(answer.text, /is this sidecar itself/);
    assert.ok((await everywhere.metrics()).value('outrider_downstream_connections_total') <= 2);
    client.close();
    await everywhere.kill();
  });

  it('nor by an upstream that leads back', async () => {
    const client = await RawClient.connect(sidecar.port);
    const answer = await client.ask(get('/', 'loop'));
    assert.equal(answer.status, 503);
    assert.match(answer.text, /is this sidecar itself/);
    client.close();
  });
});
