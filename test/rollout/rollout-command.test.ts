import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { Watcher } from '../control-plane/watchers.ts';
import { SHOP, StandIn } from './stand-in.ts';

async function withDelivery(t: TestContext, scale: number): Promise<StandIn> {
  const shop = await StandIn.start(t);
  shop.behave({ starts: { delivery: 'up' } });
  await shop.up('delivery', scale);
  return shop;
}

const ALL_UP = { kitchen: 'up', 'kitchen-rollout': 'up' } as const;

async function withKitchen(t: TestContext): Promise<StandIn> {
  const shop = await StandIn.start(t);
  shop.behave({ starts: ALL_UP });
  await shop.up('kitchen-sidecar');
  await shop.up('kitchen');
  return shop;
}

const PAIR = ['kitchen-sidecar_1 running', 'kitchen_1 running'];
const SECOND_PAIR = ['kitchen-sidecar-rollout_1 running', 'kitchen-rollout_1 running'];

/** A sidecar that calls a service, and says what it has applied when it is told to. */
async function callerOf(t: TestContext, shop: StandIn, service = 'delivery'): Promise<Watcher> {
  const caller = await Watcher.open(shop.api.url, 'caller-1', [service]);
  const beating = setInterval(() => caller.say({ type: 'heartbeat' }), 1000);
  t.after(() => {
    clearInterval(beating);
    caller.close();
  });
  return caller;
}

/** As Ctrl-C does. */
function interrupt(): void {
  process.emit('SIGINT', 'SIGINT');
}

/** Waits until it is so. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setTimeout(resolve, 20));
}

describe('replicas', () => {
  test('start beside the old ones, which then go one after another', async t => {
    const shop = await withDelivery(t, 2);
    const { code, stdout, stderr } = await shop.rollOut('delivery');
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(shop.calls, [
      'docker-compose up -d --no-deps --no-recreate --scale delivery=4 delivery',
      'docker stop ccccccccccc1',
      'docker rm -f ccccccccccc1',
      'docker stop ccccccccccc2',
      'docker rm -f ccccccccccc2',
    ]);
    assert.deepEqual(shop.containers, ['delivery_3 running', 'delivery_4 running']);
    assert.deepEqual(await shop.events(), [
      'registered i1',
      'registered i2',
      'registered i3',
      'registered i4',
      'drained i1',
      'deregistered i1',
      'drained i2',
      'deregistered i2',
    ]);
    assert.match(
      stdout,
      /^to be replaced: shop_delivery_1, delivery at 10\.9\.0\.2:8080\n[\s\S]*\nup: shop_delivery_3\n[\s\S]*\ndrained shop_delivery_1: all callers have left delivery at 10\.9\.0\.2:8080\nremoved shop_delivery_1\n[\s\S]*delivery is rolled out, in \d+\.\d s\n$/,
    );
  });

  test('are not stopped before every caller has said that it has left them', async t => {
    const shop = await withDelivery(t, 1);
    const caller = await callerOf(t, shop);
    const rolling = shop.rollOut('delivery');
    await caller.heard(message => message.type === 'change' && message.remove.includes('i1'));
    assert.deepEqual(
      shop.calls.filter(call => call.startsWith('docker ')),
      [],
    );
    caller.acknowledge();
    assert.equal((await rolling).code, 0);
    assert.deepEqual(shop.containers, ['delivery_2 running']);
  });

  test('stay when a caller does not say so', async t => {
    const shop = await withDelivery(t, 1);
    await callerOf(t, shop);
    const { code, stderr } = await shop.rollOut('delivery', '--drain-timeout', '1s');
    assert.equal(code, 1);
    assert.equal(
      stderr,
      'shop_delivery_1 (delivery at 10.9.0.2:8080) is not drained after 1s: these callers have not left it: caller/caller-1\nStill serving: shop_delivery_1. What was started is removed.\n',
    );
    assert.deepEqual(shop.containers, ['delivery_1 running']);
    assert.deepEqual(await shop.instances('delivery'), ['i1 up']);
  });

  test('become as many as --scale says', async t => {
    const shop = await withDelivery(t, 1);
    assert.equal((await shop.rollOut('delivery', '--scale', '3')).code, 0);
    assert.equal(shop.calls[0], 'docker-compose up -d --no-deps --no-recreate --scale delivery=4 delivery');
    assert.equal(shop.containers.length, 3);
  });

  test('that do not run are not started again', async t => {
    const shop = await withDelivery(t, 1);
    shop.behave({ starts: { delivery: 'exits' } });
    await shop.up('delivery', 2);
    shop.behave({ starts: { delivery: 'up' } });
    assert.equal((await shop.rollOut('delivery')).code, 0);
    assert.deepEqual(shop.calls.slice(0, 3), [
      'docker stop ccccccccccc2',
      'docker rm -f ccccccccccc2',
      'docker-compose up -d --no-deps --no-recreate --scale delivery=2 delivery',
    ]);
    assert.deepEqual(shop.containers, ['delivery_2 running']);
  });
});

describe('old replicas go on serving, and nothing is left behind,', () => {
  async function assertUntouched(shop: StandIn): Promise<void> {
    assert.deepEqual(shop.containers, ['delivery_1 running', 'delivery_2 running']);
    assert.deepEqual(await shop.instances('delivery'), ['i1 up', 'i2 up']);
  }

  test('when a new one is not registered in time', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({});
    const { code, stderr } = await shop.rollOut('delivery', '--timeout', '1s');
    assert.equal(code, 1);
    assert.equal(
      stderr,
      [
        'not healthy within 1s: shop_delivery_3 is at 10.9.0.4, and is not registered as delivery; shop_delivery_4 is at 10.9.0.5, and is not registered as delivery',
        'shop_delivery_3 said last:\n  listening\n  waits for its database',
        'shop_delivery_4 said last:\n  listening\n  waits for its database',
        'Still serving: shop_delivery_1, shop_delivery_2. What was started is removed.\n',
      ].join('\n'),
    );
    await assertUntouched(shop);
  });

  test('when a new one is not healthy in time', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({ starts: { delivery: 'down' } });
    const { code, stderr } = await shop.rollOut('delivery', '--timeout', '1s');
    assert.equal(code, 1);
    assert.match(stderr, /shop_delivery_3 is registered \(delivery at 10\.9\.0\.4:8080\), but as down;/);
    await assertUntouched(shop);
  });

  test('when a new one ends, without waiting for the time to be over', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({ starts: { delivery: 'exits' } });
    const { code, stderr } = await shop.rollOut('delivery', '--timeout', '1h');
    assert.equal(code, 1);
    assert.match(stderr, /^shop_delivery_3 has ended with 3\nshop_delivery_3 said last:\n {2}listening\n/);
    await assertUntouched(shop);
  });

  test('when new ones are started again and again', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({ starts: { delivery: 'restarts' } });
    const { code, stderr } = await shop.rollOut('delivery', '--timeout', '1s');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^not healthy within 1s: shop_delivery_3 has ended with 3, and is started again and again; shop_delivery_4 has/,
    );
    await assertUntouched(shop);
  });

  test('when compose can not start a new one', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({ failingStart: { delivery: 'pull access denied for shop:2' } });
    const { code, stderr } = await shop.rollOut('delivery');
    assert.equal(code, 1);
    assert.match(stderr, /^docker-compose up .* ended with 1:\n {2}pull access denied for shop:2\n/);
    await assertUntouched(shop);
  });

  test('when it is interrupted', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({});
    const rolling = shop.rollOut('delivery', '--timeout', '1h');
    await until(() => shop.containers.length === 4);
    interrupt();
    const { code, stderr } = await rolling;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^interrupted: puts things in order; again to end at once\ninterrupted\nStill serving: shop_del/,
    );
    await assertUntouched(shop);
  });

  test('when it is interrupted from the terminal while compose is at work', async t => {
    const shop = await withDelivery(t, 2);
    shop.behave({ starts: { delivery: 'up' }, slowStart: 600_000 });
    const child = shop.spawn(t, 'delivery');
    const said = text(child.stderr);
    await until(async () => (await shop.instances('delivery')).length === 4);
    process.kill(-child.pid!, 'SIGINT');
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.match(await said, /\ninterrupted\nStill serving: shop_delivery_1, shop_delivery_2\. /);
    await assertUntouched(shop);
  });

  test('when it is interrupted while callers leave', async t => {
    const shop = await withDelivery(t, 2);
    const caller = await callerOf(t, shop);
    const rolling = shop.rollOut('delivery', '--drain-timeout', '1h');
    await caller.heard(message => message.type === 'change' && message.remove.includes('i1'));
    interrupt();
    // What is taken away again is drained as well.
    await caller.heard(message => message.type === 'change' && message.set.some(({ id }) => id === 'i1'));
    await caller.heard(message => message.type === 'change' && message.remove.includes('i3'));
    caller.acknowledge();
    await caller.heard(message => message.type === 'change' && message.remove.includes('i4'));
    caller.acknowledge();
    assert.equal((await rolling).code, 1);
    await assertUntouched(shop);
  });
});

test('goes on to its end when nobody reads what it prints any more', async t => {
  const shop = await withDelivery(t, 2);
  const child = shop.spawn(t, 'delivery');
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.deepEqual(shop.containers, ['delivery_3 running', 'delivery_4 running']);
});

test('is refused while another one of the same service is at work', {
  skip: process.platform !== 'linux' && 'only Linux can tell',
}, async t => {
  const shop = await withDelivery(t, 2);
  shop.behave({ starts: { delivery: 'up' }, slowStart: 1000 });
  const first = shop.rollOut('delivery');
  await until(() => shop.calls.some(call => call.startsWith('docker-compose up')));
  const { code, stderr } = await shop.rollOut('delivery');
  assert.equal(code, 1);
  assert.equal(
    stderr,
    'Another outrider rollout of delivery in shop is at work: run it again when that one has ended.\n',
  );
  assert.equal((await shop.rollOut('delivery', '--dry-run')).code, 0);
  assert.equal((await first).code, 0);
  assert.deepEqual(shop.containers, ['delivery_3 running', 'delivery_4 running']);
});

test('goes on where somebody else takes an old one away meanwhile', async t => {
  const shop = await withDelivery(t, 2);
  const caller = await callerOf(t, shop);
  const rolling = shop.rollOut('delivery', '--drain-timeout', '1h');
  await caller.heard(message => message.type === 'change' && message.remove.includes('i1'));
  await shop.remove('ccccccccccc1');
  caller.acknowledge();
  await caller.heard(message => message.type === 'change' && message.remove.includes('i2'));
  caller.acknowledge();
  const { code, stderr } = await rolling;
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(shop.containers, ['delivery_3 running', 'delivery_4 running']);
});

test('stops where it is when some have gone, and says who serves', async t => {
  const shop = await withDelivery(t, 2);
  shop.behave({ starts: { delivery: 'up' }, slowStop: 1000 });
  const rolling = shop.rollOut('delivery');
  await until(() => shop.calls.some(call => call.startsWith('docker stop')));
  interrupt();
  const { code, stderr } = await rolling;
  assert.equal(code, 1);
  assert.match(
    stderr,
    /\ninterrupted\n1 of 2 replaced: now there are shop_delivery_2, shop_delivery_3, shop_delivery_4\.\nTo go on: outrider rollout delivery --scale 2\n$/,
  );
  assert.deepEqual(shop.containers, ['delivery_2 running', 'delivery_3 running', 'delivery_4 running']);
  assert.deepEqual(await shop.instances('delivery'), ['i2 up', 'i3 up', 'i4 up']);
});

describe('a pair', () => {
  test('is taken over from by a second one, while it is started anew in its place', async t => {
    const shop = await withKitchen(t);
    const { code, stderr } = await shop.rollOut('kitchen');
    assert.deepEqual([code, stderr], [0, '']);
    const second = 'docker-compose -f - -p shop up -d --no-deps --no-recreate --scale';
    const first = 'docker-compose up -d --no-deps --no-recreate --scale';
    const remove = (app: number, sidecar: number) => [
      `docker stop ccccccccccc${app}`,
      `docker stop ccccccccccc${sidecar}`,
      `docker rm -f ccccccccccc${app} ccccccccccc${sidecar}`,
    ];
    assert.deepEqual(shop.calls, [
      `${second} kitchen-sidecar-rollout=1 kitchen-sidecar-rollout`,
      `${second} kitchen-rollout=1 kitchen-rollout`,
      ...remove(2, 1),
      `${first} kitchen-sidecar=1 kitchen-sidecar`,
      `${first} kitchen=1 kitchen`,
      ...remove(4, 3),
    ]);
    assert.deepEqual(shop.containers, PAIR);
    assert.deepEqual(await shop.events(), [
      'registered i2',
      'registered i4',
      'drained i2',
      'deregistered i2',
      'registered i6',
      'drained i4',
      'deregistered i4',
    ]);
  });

  test('is the same by the name of its sidecar', async t => {
    const shop = await withKitchen(t);
    assert.equal((await shop.rollOut('kitchen-sidecar')).code, 0);
    assert.deepEqual(shop.containers, PAIR);
    assert.deepEqual(await shop.instances('cooking'), ['i6 up']);
  });

  test('goes on serving where the second one does not get healthy', async t => {
    const shop = await withKitchen(t);
    shop.behave({ starts: { 'kitchen-rollout': 'down' } });
    const { code, stderr } = await shop.rollOut('kitchen', '--timeout', '1s');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /but as down[\s\S]*\nStill serving: shop_kitchen_1 and shop_kitchen-sidecar_1\. What was started/,
    );
    assert.deepEqual(shop.containers, PAIR);
    assert.deepEqual(await shop.instances('cooking'), ['i2 up']);
  });

  test('leaves the second one serving where it can not be started anew, and is resumed', async t => {
    const shop = await withKitchen(t);
    shop.behave({
      starts: { 'kitchen-rollout': 'up' },
      failingStart: { kitchen: 'no space left on device' },
    });
    const { code, stderr } = await shop.rollOut('kitchen');
    assert.equal(code, 1);
    assert.match(stderr, /no space left on device\n/);
    assert.match(stderr, /\nStill serving: shop_kitchen-rollout_1 and shop_kitchen-sidecar-rollout_1\. /);
    assert.match(stderr, /\nIt is the temporary pair\. To go on: outrider rollout kitchen\n$/);
    assert.deepEqual(shop.containers, SECOND_PAIR);
    assert.deepEqual(await shop.instances('cooking'), ['i4 up']);

    shop.behave({ starts: ALL_UP });
    const again = await shop.rollOut('kitchen');
    assert.equal(again.code, 0, again.stderr);
    assert.match(
      again.stdout,
      /^to be replaced: .*\ngoes on where an earlier roll-out ended: shop_kitchen-rollout_1/,
    );
    assert.deepEqual(shop.containers, PAIR);
    assert.equal((await shop.events()).filter(event => event.startsWith('registered')).length, 3);
  });

  test('is rid of a second one that an earlier roll-out left beside it', async t => {
    const shop = await withKitchen(t);
    shop.behave({ starts: ALL_UP, failingStop: 'kitchen' });
    assert.equal((await shop.rollOut('kitchen')).code, 1);
    assert.deepEqual(shop.containers, [...PAIR, ...SECOND_PAIR]);
    shop.behave({ starts: ALL_UP });
    // As nobody has stopped it, it is in use again.
    await shop.api.call('POST', '/v1/services/cooking/instances/i2/undrain');
    const { code, stdout } = await shop.rollOut('kitchen');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nan earlier roll-out left shop_kitchen-rollout_1 and shop_kitchen-sidecar-rollout_1\nremoved/,
    );
    assert.deepEqual(shop.containers, PAIR);
  });
});

test('is interrupted while it takes away what an earlier roll-out left', async t => {
  const shop = await withKitchen(t);
  shop.behave({ starts: ALL_UP, failingStop: 'kitchen' });
  assert.equal((await shop.rollOut('kitchen')).code, 1);
  await shop.api.call('POST', '/v1/services/cooking/instances/i2/undrain');
  const caller = await callerOf(t, shop, 'cooking');
  const rolling = shop.rollOut('kitchen', '--drain-timeout', '1h');
  await caller.heard(message => message.type === 'change' && message.remove.includes('i4'));
  interrupt();
  const { code, stderr } = await rolling;
  assert.deepEqual([code, stderr.split('\n').at(-2)], [1, 'interrupted']);
  assert.deepEqual(shop.containers, [...PAIR, ...SECOND_PAIR]);
});

describe('a dry run changes nothing', () => {
  test('of replicas', async t => {
    const shop = await withDelivery(t, 2);
    const { code, stdout } = await shop.rollOut('delivery', '--dry-run');
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        'to be replaced: shop_delivery_1, delivery at 10.9.0.2:8080',
        'to be replaced: shop_delivery_2, delivery at 10.9.0.3:8080',
        'would start 2 beside them: docker-compose up -d --no-deps --no-recreate --scale delivery=4 delivery',
        'would wait until the new instances are up',
        'would drain, stop and remove shop_delivery_1',
        'would drain, stop and remove shop_delivery_2\n',
      ].join('\n'),
    );
    assert.deepEqual(shop.calls, []);
    assert.deepEqual(await shop.instances('delivery'), ['i1 up', 'i2 up']);
  });

  test('of a pair', async t => {
    const shop = await withKitchen(t);
    const { code, stdout } = await shop.rollOut('kitchen', '--dry-run');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\nwould start a second pair beside it: kitchen-rollout and kitchen-sidecar-rollout\n/,
    );
    assert.deepEqual(shop.calls, []);
    assert.deepEqual(await shop.instances('cooking'), ['i2 up']);
  });
});

describe('is refused before anything is changed:', () => {
  async function refused(shop: StandIn, code: number, says: RegExp, ...args: string[]): Promise<void> {
    const ran = await shop.rollOut(...args);
    assert.match(ran.stderr, says);
    assert.equal(ran.code, code);
    assert.deepEqual(shop.calls, []);
  }

  test('bad usage', async t => {
    const shop = await StandIn.start(t);
    await refused(shop, 2, /^expected one service, found none: outrider rollout SERVICE\n/);
    await refused(shop, 2, /^expected one service, found kitchen delivery:/, 'kitchen', 'delivery');
    await refused(
      shop,
      2,
      /^--timeout: expected a duration such as 30s, found "1"/,
      'kitchen',
      '--timeout',
      '1',
    );
    await refused(shop, 2, /^--scale: expected a number from 1 on, found "0"/, 'kitchen', '--scale', '0');
    await refused(shop, 2, /^--scale: kitchen is a pair with its sidecar/, 'kitchen', '--scale', '2');
    await refused(
      shop,
      2,
      /^there is no service kitchn in the compose file; did you mean kitchen\?\n/,
      'kitchn',
    );
  });

  test('a file that compose does not take', async t => {
    const shop = await StandIn.start(t);
    shop.behave({ invalidFile: true });
    await refused(
      shop,
      2,
      /^docker-compose config ended with 1:\n {2}services\.delivery\.imag is not/,
      'kitchen',
    );
  });

  test('what there can be only one of', async t => {
    const { services } = SHOP;
    const delivery = { ...services.delivery, container_name: 'one', ports: ['8080:8080'] };
    const shop = await StandIn.start(t, { services: { ...services, delivery } });
    shop.behave({ starts: { delivery: 'up' } });
    await shop.up('delivery');
    await refused(
      shop,
      2,
      /^delivery publishes port 8080 of the host, .*\ndelivery has the fixed name one /,
      'delivery',
    );
  });

  test('what does not run, or is not in the mesh', async t => {
    const shop = await StandIn.start(t);
    await shop.up('delivery');
    await refused(shop, 1, /^kitchen does not run, /, 'kitchen');
    await refused(
      shop,
      1,
      /^The control plane knows no instance at 10\.9\.0\.2, where delivery runs, /,
      'delivery',
    );
    await shop.api.controlPlane.stop();
    await refused(shop, 1, /^The control plane at .* can not be reached: /, 'delivery');
  });

  test('a machine without compose', async t => {
    const shop = await StandIn.start(t);
    shop.without('docker-compose');
    await refused(shop, 1, /^docker compose and docker-compose can both not be run\n/, 'delivery');
    await refused(
      shop,
      1,
      /^podman-compose version can not be run: there is no such program\n/,
      'delivery',
      '--compose',
      'podman-compose',
    );
  });
});

test('the plugin is preferred, and gets what is for it', async t => {
  const shop = await withDelivery(t, 1);
  shop.behave({ starts: { delivery: 'up' }, hasPlugin: true });
  const { code, stderr } = await shop.rollOut('delivery', '-p', 'shop');
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(
    shop.calls[0],
    'docker compose -p shop up -d --no-deps --no-recreate --scale delivery=2 delivery',
  );
});

test('the compose command may have flags of its own', async t => {
  const shop = await withDelivery(t, 1);
  const { stdout } = await shop.rollOut(
    'delivery',
    '--dry-run',
    '--compose',
    'docker-compose --profile full',
  );
  assert.match(stdout, /: docker-compose --profile full up -d /);
});
