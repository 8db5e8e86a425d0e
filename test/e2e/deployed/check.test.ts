/** `outrider check` in containers, above all in one that has lost its network: what docker-compose does to whoever joined a sidecar that restarts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildBundle } from '../../../tools/build.ts';
import { ROOT } from '../../tools/repository-files.ts';
import { until } from '../harness/until.ts';
import { findEngine, run } from './engine.ts';
import { importNodeImage } from './node-image.ts';

const engine = findEngine();
const name = `outrider-check-${process.pid}`;
const PROGRAM = '/opt/outrider/outrider.js';

describe('outrider check in a container', {
  skip: typeof engine === 'string' ? engine : false,
  timeout: 240_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-check-'));

  before(
    async () => {
      assert.ok(typeof engine !== 'string');
      await importNodeImage(engine, name);
      await buildBundle(ROOT, folder);
      await docker('network', 'create', name);
      await start('sidecar', name, PROGRAM, 'sidecar', '--service', 'orders', '--upstream', 'a=192.0.2.1:80');
      await start('joined', `container:${name}-sidecar`, '-e', 'setInterval(() => {}, 1000)');
    },
    { timeout: 120_000 },
  );

  after(
    async () => {
      if (typeof engine === 'string') return;
      await docker('rm', '-f', `${name}-joined`, `${name}-sidecar`).catch(() => {});
      await docker('network', 'rm', name).catch(() => {});
      await docker('rmi', '-f', name).catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
    { timeout: 120_000 },
  );

  async function docker(...args: string[]): Promise<string> {
    assert.ok(typeof engine !== 'string');
    return await run(['docker', ...args], { env: engine.environment });
  }

  /** Runs Node in a container of this name, which ends with the test at the latest. */
  async function start(suffix: string, network: string, ...args: string[]): Promise<void> {
    const mount = `${folder}:/opt/outrider:ro`;
    const options = ['--name', `${name}-${suffix}`, '--network', network, '-v', mount, '--stop-timeout', '1'];
    await docker('run', '-d', ...options, name, 'node', ...args);
  }

  /** What is found, by the names of the checks. */
  async function check(suffix: string): Promise<Record<string, string>> {
    // It exits with 1 where something fails, which is told beside.
    const script = `const { spawnSync } = require('child_process');
      process.stdout.write(spawnSync('node', ['${PROGRAM}', 'check', '--json']).stdout);`;
    const { checks } = JSON.parse(await docker('exec', `${name}-${suffix}`, 'node', '-e', script)) as {
      checks: { name: string; result: string; detail: string }[];
    };
    return Object.fromEntries(checks.map(one => [one.name, `${one.result}: ${one.detail}`]));
  }

  async function untilItRuns(): Promise<void> {
    await until(async () => (await check('sidecar')).sidecar!.startsWith('ok'), 'the sidecar', 60_000);
  }

  test('knows the sidecar that runs there, and whose network it is in', async () => {
    await untilItRuns();
    for (const container of ['sidecar', 'joined']) {
      const found = await check(container);
      assert.equal(found.configuration, 'ok: no file, the settings of the sidecar that runs');
      assert.match(
        found.ports!,
        /^ok: held by the sidecar that runs: 127\.0\.0\.1:15001, 127\.0\.0\.1:15000$/,
      );
      assert.match(found.network!, /^ok: eth0 \d/);
    }
  });

  test('finds that a container has lost its network when the one it had joined was restarted', async () => {
    await docker('restart', `${name}-sidecar`);
    await untilItRuns();
    assert.match((await check('sidecar')).network!, /^ok: eth0 \d/);
    const found = await check('joined');
    assert.match(found.network!, /^failed: there is no network but lo/);
    assert.match(found.sidecar!, /^skipped: none answers/);
  });
});
