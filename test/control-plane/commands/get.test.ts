import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { GET_COMMAND } from '../../../control-plane/commands/get.ts';
import { startControlPlane } from '../running.ts';
import { Watcher } from '../watchers.ts';
import { runCommand } from './command-runs.ts';

test('shows services, instances, sidecars and events as tables', async t => {
  const api = await startControlPlane(t, { services: { inventory: { retry: { attempts: 3 } }, orders: {} } });
  await api.register('inventory', 'i1', { port: 8080, zone: 'a', version: '1.4.2' });
  await api.register('orders', 'o1', { port: 8081, status: 'down' });
  const watcher = await Watcher.open(api.url, 's1', ['inventory']);
  await watcher.heard(({ type }) => type === 'sync');
  const get = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCommand(GET_COMMAND, [...args, '--control-plane', api.url]);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout;
  };
  assert.equal(
    await get('services'),
    [
      'NAME       UP  INSTANCES  REVISION  POLICY',
      'inventory  1   1          1         retry',
      'orders     0   1          2         -',
      '',
    ].join('\n'),
  );
  assert.equal(
    await get('instances'),
    [
      'SERVICE    ID  ADDRESS         STATUS  LEASE  WEIGHT  ZONE  VERSION',
      'inventory  i1  127.0.0.1:8080  up      kept   1       a     1.4.2',
      'orders     o1  127.0.0.1:8081  down    kept   1       -     -',
      '',
    ].join('\n'),
  );
  assert.equal((await get('instance', 'orders')).split('\n').length, 3);
  assert.match(await get('sidecars'), /^s1 +caller +s1 +\d+ +\S+Z +inventory +-$/m);
  const idle = await Watcher.open(api.url, 's2', []);
  await idle.heard(({ type }) => type === 'hello');
  assert.match(await get('sidecars'), /^s2 +caller +s2 +- +\S+Z +- +-$/m);
  assert.match(
    await get('events', 'orders'),
    /^\S+Z +4 +instance-registered +orders +o1 +anybody +It was registered/m,
  );
});

test('prints JSON and YAML', async t => {
  const api = await startControlPlane(t, { services: { inventory: { retry: { attempts: 3 } } } });
  const { body } = await api.call('GET', '/v1/services');
  const get = async (format: string) =>
    (await runCommand(GET_COMMAND, ['services', '-o', format, '--control-plane', api.url])).stdout;
  assert.deepEqual(JSON.parse(await get('json')), body.items);
  assert.deepEqual(parse(await get('yaml')), body.items);
});

test('gets all pages of a long list', async t => {
  const services = Object.fromEntries(Array.from({ length: 2345 }, (_, i) => [`s${i}`, {}]));
  const api = await startControlPlane(t, { services });
  const { stdout } = await runCommand(GET_COMMAND, ['services', '-o', 'json', '--control-plane', api.url]);
  assert.equal(new Set(JSON.parse(stdout).map(({ name }: { name: string }) => name)).size, 2345);
});

test('says when there is nothing, or nothing of that name', async t => {
  const api = await startControlPlane(t);
  const get = (...args: string[]) => runCommand(GET_COMMAND, [...args, '--control-plane', api.url]);
  const none = await get('instances');
  assert.deepEqual(none, { code: 0, stdout: '', stderr: 'There are no instances.\n' });
  const unknown = await get('instances', 'inventory');
  assert.deepEqual(unknown, { code: 1, stdout: '', stderr: 'There is no service inventory.\n' });
});

for (const [args, complaint] of [
  [[], /expected one of services, instances, sidecars, events/],
  [['instnces'], /found instnces; did you mean instances\?/],
  [['services', '-o', 'jsn'], /did you mean json\?/],
  [['services', 'a', 'b'], /found also b/],
] as const) {
  test(`refuses get ${args.join(' ')} as bad usage`, async () => {
    const { code, stderr } = await runCommand(GET_COMMAND, args);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  });
}
