import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startControlPlane } from '../../control-plane/running.ts';
import { endsWithTests } from '../harness/ends-with-tests.ts';
import type { MeshApp } from '../harness/mesh-app.ts';
import { MeshLoad } from '../harness/mesh-load.ts';
import { MeshProcesses } from '../harness/mesh-processes.ts';
import type { SidecarProcess } from '../harness/sidecar-process.ts';
import { until, within } from '../harness/until.ts';

const FOLDER = fileURLToPath(new URL('../../../examples/self-registration', import.meta.url));

let mesh: MeshProcesses;
let caller: SidecarProcess;
let load: MeshLoad | null = null;
let script: ChildProcess | null = null;

before(async () => {
  mesh = await MeshProcesses.start();
  caller = await mesh.startSidecar();
  await mesh.killControlPlane();
  mesh.copyDisk();
  await mesh.startControlPlane();
});
afterEach(async () => {
  await load?.stop();
  load = null;
  script?.kill('SIGKILL');
});
after(() => mesh.close());

function register(
  command: readonly string[],
  { service, id, port }: Pick<MeshApp, 'service' | 'id' | 'port'>,
  settings = {},
): ChildProcess {
  const [program = '', ...args] = command;
  const own = { CONTROL_PLANE: mesh.url, SERVICE: service, ID: id, PORT: String(port), ...settings };
  const env = { ...process.env, ...own };
  const child = spawn(program, args, { cwd: FOLDER, env, stdio: ['ignore', 'inherit', 'ignore'] });
  endsWithTests(child);
  return child;
}

const idsOf = async (service: string) => (await mesh.instances(service)).map(({ id }) => id);

for (const command of [
  ['sh', 'register.sh'],
  ['python3', 'register.py'],
]) {
  const [needs = ''] = command[0] === 'sh' ? ['curl'] : command;
  const skip = spawnSync(needs, ['--version']).status === 0 ? false : `there is no ${needs}`;
  test(`${command[1]} shows a token where there is one`, { skip }, async t => {
    const api = await startControlPlane(t, { tokens: { admin: 'root', sidecar: 'secret' } });
    const settings = { CONTROL_PLANE: api.url, TOKEN: 'secret' };
    script = register(command, { service: 'guarded', id: 'itself', port: 1 }, settings);
    const ids = async () => {
      const { body } = await api.call('GET', '/v1/services/guarded/instances', {
        headers: { authorization: 'Bearer root' },
      });
      return (body.items ?? []).map(({ id }: { id: string }) => id);
    };
    await until(async () => (await ids()).includes('itself'), 'the registration');
    const exited = once(script, 'exit');
    script.kill('SIGTERM');
    assert.deepEqual(await within(exited, 'the end of the script'), [0, null]);
    assert.deepEqual(await ids(), []);
  });

  test(`an application that registers itself by ${command[1]} is as good as any other`, {
    skip,
  }, async () => {
    const service = `by-${needs}`;
    const old = await mesh.startApp(service, 'old');
    await mesh.register(old);
    load = new MeshLoad({ port: caller.port, services: [service] });
    await load.more(20);

    const app = await mesh.startApp(service, 'itself');
    const child = register(command, app);
    script = child;
    const exited = once(child, 'exit');
    await load.reaches(`${service}/itself`);
    assert.deepEqual(await mesh.drain(old), []);
    await mesh.deregister(old);

    // A control plane that has forgotten everything is told again.
    await mesh.killControlPlane();
    mesh.restoreDisk();
    await mesh.startControlPlane();
    await until(async () => (await idsOf(service)).includes('itself'), 'another registration');
    await load.more(20);

    // On the way out every caller leaves it before it is gone.
    const next = await mesh.startApp(service, 'next');
    await mesh.register(next);
    await load.reaches(`${service}/next`);
    child.kill('SIGTERM');
    assert.deepEqual(await within(exited, 'the end of the script'), [0, null]);
    await app.stop();
    assert.deepEqual(await idsOf(service), ['next']);
    const since = performance.now();
    await load.more(20);
    assert.deepEqual(load.answeredBy(since), [`${service}/next`]);
  });
}
