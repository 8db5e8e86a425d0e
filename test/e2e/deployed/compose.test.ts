/**
 * Deploys docker-compose.yml as it is, and does to it what happens to deployments, while customers send requests. What they saw is
 * printed; docs/compose.md has the figures.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Traffic } from '../../../examples/shop/runner/traffic.ts';
import { LostTime } from '../harness/lost-time.ts';
import { until } from '../harness/until.ts';
import { Deployment } from './deployment.ts';
import { findEngine } from './engine.ts';
import { EventLog, type Figures } from './event-log.ts';
import { pagesForEngine, runPage } from './page-commands.ts';

const REQUESTS_PER_SECOND = 15;
/** How long the customers go on after an event: what it broke would show. */
const AFTERMATH_MS = 1500;
/** What dies without a word, where there is another one, is to be forgotten within this time… */
const RECOVERED_MS = 5000;
/** …where other processes leave the machine enough time: they take a few percent where nothing else runs. */
const TOO_BUSY = 0.15;
const TEST_MS = 300_000;

const engine = findEngine();

describe('the shop, deployed with docker-compose', {
  skip: typeof engine === 'string' ? engine : false,
  timeout: TEST_MS * 3,
}, () => {
  let shop: Deployment;
  let traffic: Traffic;
  const log = new EventLog();

  before(
    async () => {
      assert.ok(typeof engine !== 'string');
      shop = await Deployment.prepare(engine);
      await shop.compose('up', '-d');
      for (const service of ['gateway', 'kitchen', 'accounting']) await shop.untilUp(service, 1);
      for (const service of ['orders', 'delivery']) await shop.untilUp(service, 2);
      traffic = new Traffic(shop.gatewayUrl, REQUESTS_PER_SECOND, log);
      await traffic.start();
      await sleep(AFTERMATH_MS);
    },
    { timeout: TEST_MS },
  );

  after(
    async () => {
      await traffic?.stop();
      await shop?.close();
    },
    { timeout: TEST_MS },
  );

  /** Makes something happen, until the mesh is as it should be again, and a while longer. */
  async function during(
    t: TestContext,
    happening: (beginAt: (time: number) => void) => Promise<unknown>,
    { mayFail = false, isSudden = false } = {},
  ): Promise<Figures> {
    const lostTime = new LostTime();
    let from = performance.now();
    const heldBack = log.heldBack;
    await happening(time => {
      from = time;
    });
    await sleep(AFTERMATH_MS);
    await until(() => traffic.inFlight < REQUESTS_PER_SECOND, 'answers to what waits', 120_000);
    const figures = log.between(from, performance.now());
    const { sent, failed, longest, troubledFor, complaints } = figures;
    const lost = lostTime.stop();
    t.diagnostic(
      `${t.name}: ${sent} requests, ${failed} failed, longest ${Math.round(longest)} ms, ` +
        `recovered after ${Math.round(troubledFor)} ms, ${log.heldBack - heldBack} not sent, ` +
        `the machine was busy with something else for ${Math.round(100 * lost)} %`,
    );
    for (const complaint of complaints.slice(0, 5)) t.diagnostic(complaint);
    if (failed > 0) t.diagnostic(await shop.logs());
    assert.ok(sent > 0);
    if (!mayFail) assert.deepEqual(complaints, []);
    if (isSudden && lost < TOO_BUSY) assert.ok(troubledFor <= RECOVERED_MS, `${troubledFor} ms`);
    return figures;
  }

  /** Puts another version of an image, or something else that is new, in place of what runs. */
  async function replace(service: string, settings: object): Promise<void> {
    const [before] = await shop.containersOf(service);
    shop.change(service, settings);
    await shop.compose('up', '-d');
    assert.ok(!(await shop.containersOf(service)).includes(before!), 'there is a new container');
  }

  test('the image has less than 15 MB of its own, and its user may write nothing but its volumes', async () => {
    const sizeOf = async (image: string) => Number(await shop.docker('inspect', '-f', '{{.Size}}', image));
    assert.ok((await sizeOf(shop.image)) - (await sizeOf(`${shop.nodeImage}:1`)) < 15e6);
    const [container] = await shop.containersOf('control-plane');
    const script = `
      const isWritable = path => { try { fs.accessSync(path, fs.constants.W_OK); return true } catch { return false } };
      console.log(process.getuid(), ['/', '/opt/outrider', '/etc/outrider', '/tmp', '/data'].filter(isWritable).join())`;
    assert.equal(await shop.docker('exec', container!, 'node', '-e', script), '1000 /data\n');
    assert.match(
      await shop.compose('exec', '-T', 'control-plane', 'outrider', 'get', 'instances'),
      /^kitchen /m,
    );
  });

  test('delivery is scaled up', async t => {
    await during(t, async () => {
      await shop.compose('up', '-d', '--scale', 'delivery=3');
      await shop.untilUp('delivery', 3);
    });
  });

  test('delivery is scaled down to one, and up again', async t => {
    await during(t, async () => {
      for (const count of [1, 2]) {
        await shop.compose('up', '-d', '--scale', `delivery=${count}`);
        await shop.untilUp('delivery', count);
      }
    });
  });

  test('a service with one instance gets another image', async t => {
    await during(t, async () => {
      await replace('accounting', { image: `${shop.nodeImage}:2` });
      await shop.untilUp('accounting', 1);
    });
  });

  test('a pair of several gets another sidecar', async t => {
    const before = await shop.instancesOf('orders');
    await during(t, async () => {
      await shop.docker('tag', shop.image, `${shop.image}:2`);
      // As a new value of OUTRIDER_IMAGE does to all services.
      shop.change('orders-2', { labels: { 'outrider.image': '2' } });
      await replace('orders-2-sidecar', { image: `${shop.image}:2` });
      await until(
        async () => (await shop.instancesOf('orders')).some(id => !before.includes(id)),
        'a new one',
      );
      await shop.untilUp('orders', 2);
    });
  });

  test('an instance of several is stopped, and started again', async t => {
    const [container] = await shop.containersOf('delivery');
    await during(t, async () => {
      await shop.docker('stop', container!);
      await shop.untilUp('delivery', 1);
      await shop.docker('start', container!);
      await shop.untilUp('delivery', 2);
    });
  });

  test('an instance of several is recreated', async t => {
    await during(t, async () => {
      await replace('orders-2', { image: `${shop.nodeImage}:2` });
      await shop.untilUp('orders', 2);
    });
  });

  /** Rolls a new version out, after which compose has nothing left to do. */
  async function rollOut(t: TestContext, service: string, settings: object): Promise<void> {
    const before = await shop.instancesOf(service);
    await during(t, async () => {
      shop.change(service, settings);
      await shop.rollOut(service);
      await shop.untilUp(service, before.length, before);
    });
    const containers = await shop.containersOf(service);
    for (const container of containers)
      assert.match(await shop.docker('inspect', '-f', '{{.Config.Image}}', container), /:2$/m);
    await shop.compose('up', '-d');
    assert.deepEqual(await shop.containersOf(service), containers);
  }

  test('a pair is rolled out', async t => {
    await rollOut(t, 'kitchen', { image: `${shop.nodeImage}:2` });
  });

  test('a service in the wrapped form is rolled out', async t => {
    await shop.docker('tag', shop.image, `${shop.image}:2`);
    await rollOut(t, 'delivery', { image: `${shop.image}:2` });
  });

  test('a version that does not get healthy is not rolled out', async t => {
    const instances = await shop.instancesOf('kitchen');
    const containers = await shop.docker('ps', '-aq');
    const image = `${shop.nodeImage}:2`;
    await during(t, async () => {
      shop.change('kitchen', { image, environment: { PORT: '8081' } });
      const rolling = shop.rollOut('kitchen', '--timeout', '15s');
      await assert.rejects(rolling, /healthy[\s\S]*Still serving: .*What was started is removed/);
    });
    assert.deepEqual(await shop.instancesOf('kitchen'), instances);
    assert.equal(await shop.docker('ps', '-aq'), containers);
    shop.change('kitchen', { image });
  });

  test('the control plane is restarted', async t => {
    await during(t, async () => {
      await shop.compose('restart', 'control-plane');
      for (const service of ['kitchen', 'accounting']) await shop.untilUp(service, 1);
      for (const service of ['orders', 'delivery']) await shop.untilUp(service, 2);
    });
  });

  test('an instance of several, wrapped, is killed without warning', async t => {
    const [container] = await shop.containersOf('delivery');
    const before = await shop.instancesOf('delivery');
    await during(t, beginAt => kill(container!, 'delivery', before, 2, beginAt), { isSudden: true });
  });

  for (const [compose, service, count] of [
    ['orders', 'orders', 2],
    ['kitchen', 'kitchen', 1],
  ] as const) {
    const of = count === 1 ? 'the only instance of a service' : 'an instance of several';
    const options = { mayFail: count === 1, isSudden: count > 1 };

    test(`the application of ${of} is killed without warning`, async t => {
      const [container] = await shop.containersOf(compose);
      await during(t, beginAt => kill(container!, service, [], count, beginAt), options);
    });

    test(`the sidecar of ${of} is killed without warning, and the pair comes back by itself`, async t => {
      const [container] = await shop.containersOf(`${compose}-sidecar`);
      const before = await shop.instancesOf(service);
      await during(t, beginAt => kill(container!, service, before, count, beginAt), options);
    });
  }

  /**
   * Kills a container's process, and waits until the service has as many instances as it had.
   * @param before its instances, where a new one is to come for the one that goes
   */
  async function kill(
    container: string,
    service: string,
    before: readonly string[],
    count: number,
    beginAt: (time: number) => void,
  ): Promise<void> {
    const startedAt = await shop.stateOf(container, 'StartedAt');
    await shop.killProcessOf(container);
    const isAnew = async () => (await shop.stateOf(container, 'StartedAt')) !== startedAt;
    await until(isAnew, 'the container starts again', 60_000);
    const ago = Date.now() - Date.parse(await shop.stateOf(container, 'FinishedAt'));
    beginAt(performance.now() - ago);
    if (before.length > 0) {
      const isNew = async () => (await shop.instancesOf(service)).some(id => !before.includes(id));
      await until(isNew, `a new instance of ${service}`, 60_000);
    }
    await shop.untilUp(service, count);
  }
});

for (const page of pagesForEngine()) {
  test(`the commands of ${page} that need a Docker engine do what it says`, {
    skip: typeof engine === 'string' ? engine : false,
    timeout: TEST_MS,
  }, async t => {
    assert.ok(typeof engine !== 'string');
    const shop = await Deployment.prepare(engine);
    t.after(() => shop.close());
    await runPage(page, shop);
  });
}
