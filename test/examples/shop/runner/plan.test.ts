import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planShop, SERVICES } from '../../../../examples/shop/runner/plan.ts';

interface Config {
  service: string;
  egress: { listen: string; ports: Record<string, string> };
  app: { port: number };
  controlPlane: { url: string };
  admin: { listen: string };
}

async function plan() {
  let port = 20_000;
  const plans = await planShop(8080, '/data', 'http://127.0.0.1:7600', async () => port++);
  return plans.map(instance => ({ ...instance, config: instance.sidecar.config as Config }));
}

describe('the plan of the shop', () => {
  it('has every service in its number of copies, and the gateway where it was asked for', async () => {
    const plans = await plan();
    for (const { name, instances } of SERVICES) {
      assert.equal(plans.filter(({ service }) => service === name).length, instances);
    }
    assert.equal(plans.find(({ service }) => service === 'gateway')?.port, 8080);
  });

  it('gives no port twice', async () => {
    const plans = await plan();
    const ports = plans.flatMap(({ port, config }) => [
      port,
      ...Object.keys(config.egress.ports).map(Number),
      Number(config.egress.listen.split(':')[1]),
      Number(config.admin.listen.split(':')[1]),
    ]);
    assert.equal(new Set(ports).size, ports.length);
  });

  it('tells each sidecar where its own application and the control plane are, and nothing of others', async () => {
    const plans = await plan();
    for (const { port, config } of plans) {
      assert.equal(config.app.port, port);
      assert.equal(config.controlPlane.url, 'http://127.0.0.1:7600');
      assert.ok(!('upstreams' in config));
    }
  });

  it('tells no service a real address', async () => {
    const plans = await plan();
    for (const { name, env, port } of plans) {
      const others = plans.map(other => other.port).filter(other => other !== port);
      for (const [key, value] of Object.entries(env)) {
        assert.ok(!others.some(other => value.includes(`${other}`)), `${name}: ${key}=${value}`);
      }
    }
  });

  it('shows each form of egress', async () => {
    const plans = await plan();
    const byName = (name: string) => plans.find(instance => instance.name === name)!;

    const gateway = byName('gateway-1');
    const ordersPort = new URL(gateway.env.ORDERS_URL!).port;
    assert.equal(gateway.config.egress.ports[ordersPort], 'orders');

    const kitchen = byName('kitchen-1');
    assert.equal(kitchen.env.DELIVERY_URL, `http://${kitchen.config.egress.listen}`);
    assert.equal(kitchen.env.DELIVERY_HOST, 'delivery');

    const accounting = byName('accounting-1');
    assert.equal(accounting.env.ORDERS_URL, 'http://orders');
    assert.equal(accounting.env.HTTP_PROXY, `http://${accounting.config.egress.listen}`);
  });
});
