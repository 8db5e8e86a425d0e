import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import { get, RawClient } from '../harness/raw-client.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until } from '../harness/until.ts';

const OUTRIDER = fileURLToPath(new URL('../../../bin/outrider.ts', import.meta.url));

let mesh: MeshProcesses;
let callers: SidecarProcess[];

before(async () => {
  mesh = await MeshProcesses.start();
  await mesh.register(await mesh.startApp('inventory', 'i1'));
  callers = await Promise.all([
    mesh.startSidecar({ service: 'orders' }),
    mesh.startSidecar({ service: 'billing' }),
    mesh.startSidecar({ service: 'vault', faults: 'refuse' }),
  ]);
});
after(() => mesh.close());

async function outrider(...args: string[]): Promise<string> {
  const command = ['--import', 'tsx', OUTRIDER, ...args, '--control-plane', mesh.url];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  assert.equal((await once(child, 'exit'))[0], 0, out);
  return out;
}

async function apply(policy: object): Promise<void> {
  const path = join(mesh.folder, 'mesh.json');
  writeFileSync(path, JSON.stringify({ services: { inventory: { policy } } }));
  await outrider('apply', '-f', path);
}

async function statuses(): Promise<(number | null)[]> {
  return Promise.all(
    callers.map(async ({ port }) => {
      const client = await RawClient.connect(port);
      const { status } = await client.ask(get('/', 'inventory'));
      client.close();
      return status;
    }),
  );
}

async function become(expected: readonly number[]): Promise<void> {
  let now: (number | null)[] = [];
  await until(async () => {
    now = await statuses();
    return now.join() === expected.join();
  }, `${expected} from the callers`).catch(error => assert.fail(`${error.message}, they get ${now}`));
}

test('a fault that is applied acts in all callers at once, and ends in all of them by itself', async () => {
  await become([200, 200, 200]);
  const revision = await mesh.revision();
  await apply({ fault: { abort: { with: 418 }, ttl: '10s' }, timeouts: { total: '3s' } });
  await become([418, 418, 200]);
  assert.match(await outrider('get', 'services', 'inventory', '-o', 'yaml'), /fault:/);
  await become([200, 200, 200]);
  const shown = await outrider('get', 'services', 'inventory', '-o', 'yaml');
  assert.doesNotMatch(shown, /fault/);
  assert.match(shown, /total: 3s/);
  assert.ok((await mesh.eventsSince(revision)).includes('fault-ended'));
});

test('callers end it by themselves where the control plane has gone', async () => {
  await apply({ fault: { abort: { with: 418 }, ttl: '6s' } });
  await become([418, 418, 200]);
  await mesh.killControlPlane();
  await become([200, 200, 200]);
  await mesh.startControlPlane();
  await until(
    async () => JSON.stringify(await mesh.call('GET', '/v1/services/inventory')).includes('"policy":{}'),
    'the end of the fault',
  );
  await become([200, 200, 200]);
});
