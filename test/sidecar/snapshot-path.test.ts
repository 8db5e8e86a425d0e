import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EgressConfig } from '../../sidecar/config/sidecar-config.ts';
import { snapshotPath } from '../../sidecar/snapshot-path.ts';

const CONTROL_PLANE = { url: 'http://control-plane:7600', snapshot: 'auto' };

function pathOf(egress: Partial<EgressConfig>, service: string | null = null): string | null {
  const whole: EgressConfig = {
    listen: { host: '127.0.0.1', port: 15001 },
    ports: new Map(),
    unknownHosts: 'pass',
    connect: { ports: 'any' },
    via: false,
    ...egress,
  };
  return snapshotPath({ service, egress: whole }, CONTROL_PLANE, { XDG_STATE_HOME: '/state' });
}

test('sidecars of one machine have a snapshot each, also of the same service and of none', () => {
  const elsewhere = { listen: { host: '127.0.0.1', port: 15002 } };
  const onPorts = (port: number) => ({ listen: null, ports: new Map([[port, 'inventory']]) });
  const paths = [
    pathOf({}),
    pathOf(elsewhere),
    pathOf(onPorts(9001)),
    pathOf(onPorts(9002)),
    pathOf({}, 'orders'),
    pathOf(elsewhere, 'orders'),
  ];
  assert.equal(new Set(paths).size, paths.length);
  assert.match(paths[5]!, /^\/state\/outrider\/orders-[0-9a-f]{8}\.snapshot$/);
});

test('a sidecar has the same snapshot after a restart, whatever else its file says by then', () => {
  const ports = new Map([[9001, 'inventory']]);
  assert.equal(pathOf({}, 'orders'), pathOf({ ports, unknownHosts: 'refuse' }, 'orders'));
});

test('a file that is named is taken, and none where there is to be none', () => {
  const egress = { listen: null, ports: new Map(), unknownHosts: 'pass', via: false } as unknown;
  const config = { service: 'orders', egress: egress as EgressConfig };
  assert.equal(snapshotPath(config, { ...CONTROL_PLANE, snapshot: '/x' }, {}), '/x');
  assert.equal(snapshotPath(config, { ...CONTROL_PLANE, snapshot: null }, {}), null);
});
