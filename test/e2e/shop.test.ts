import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FreePorts } from '../../examples/shop/runner/free-ports.ts';
import { until } from './harness/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = fileURLToPath(new URL('../../examples/shop/main.ts', import.meta.url));

/** What `npm start` runs, as a process. */
class ShopRun {
  readonly process: ChildProcess;
  output = '';
  private readonly closed: Promise<unknown[]>;

  static async start(...options: string[]): Promise<ShopRun> {
    const port = await new FreePorts().take();
    return new ShopRun('--port', String(port), ...options);
  }

  constructor(...options: string[]) {
    this.process = spawn(process.execPath, ['--import', 'tsx', MAIN, ...options], { cwd: ROOT });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', chunk => {
        this.output += chunk;
      });
    }
    this.closed = once(this.process, 'close');
  }

  /** The exit code, or the name of the signal that ended it. */
  async end(): Promise<unknown> {
    const [code, signal] = await this.closed;
    return code ?? signal;
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      assert.equal(this.process.exitCode, null, this.output);
      await sleep(50);
    }
  }

  /** The folder that has all files of the run. */
  async folder(): Promise<string> {
    const [, folder] = await this.says(/^Configurations and logs, until it closes: (.+)$/m);
    return folder!;
  }
}

/** The processes that work in the folder or were told of it. Linux only: empty elsewhere. */
function processesOf(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  return pids.map(commandAndEnvironmentOf).filter(text => text.includes(folder));
}

function commandAndEnvironmentOf(pid: string): string {
  try {
    const parts = ['cmdline', 'environ'].map(part => readFileSync(`/proc/${pid}/${part}`, 'utf8'));
    return parts.join(' ').replaceAll('\0', ' ');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

async function assertNothingIsLeftOf(folder: string): Promise<void> {
  const left = () => [...processesOf(folder), ...(existsSync(folder) ? [folder] : [])];
  for (let tries = 0; tries < 100 && left().length > 0; tries++) await sleep(50);
  assert.deepEqual(left(), []);
}

describe('npm start', { timeout: 180_000 }, () => {
  let run: ShopRun;
  afterEach(() => {
    run.process.kill('SIGKILL');
  });

  it('loses no request while instances are killed, ends by itself, and leaves nothing behind', async () => {
    run = await ShopRun.start('--for', '10s', '--rate', '20');
    const folder = await run.folder();
    // Nine services, nine sidecars, and the process that outlives the runner by a moment.
    if (process.platform === 'linux')
      assert.ok(processesOf(folder).length >= 19, processesOf(folder).join('\n'));

    assert.equal(await run.end(), 0, run.output);
    assert.match(run.output, / killed \(SIGKILL\)\n/);
    const [, requests] = /^requests {4}(\d+) requests, 100 % succeeded, 0 failed/m.exec(run.output) ?? [];
    assert.ok(Number(requests) > 100, run.output);
    const [, carried] = /^sidecars {4}([\d,]+) requests carried, [\d,]+ retries, /m.exec(run.output) ?? [];
    assert.ok(Number(carried?.replaceAll(',', '')) > 5 * Number(requests), run.output);
    await assertNothingIsLeftOf(folder);
  });

  it('lets one look around, and closes in good order on Ctrl-C', async () => {
    run = await ShopRun.start('--rate', '20');
    const folder = await run.folder();
    const [, gateway] = await run.says(/^ {2}curl (http:\S+)\/orders\/first$/m);
    const posted = await fetch(`${gateway}/orders`, {
      method: 'POST',
      body: '{"items":["funghi","calzone"]}',
    });
    const { id } = (await posted.json()) as { id: string };
    const order = (await (await fetch(`${gateway}/orders/${id}`)).json()) as Record<string, unknown>;
    assert.deepEqual(order.items, ['funghi', 'calzone']);
    assert.equal(order.total, 20.5);
    // On a slow machine two seconds may have passed.
    assert.match(
      `${order.kitchen}, ${order.delivery}`,
      /^cooking, waiting for the kitchen$|ready|on its way/,
    );

    const [, admin] = await run.says(/^ {2}kitchen-2 +(http:\S+)$/m);
    // It learns of it with the first order that it cooks.
    const upstreams = async () => (await fetch(`${admin}/v1/upstreams`)).text();
    await until(async () => (await upstreams()).includes('delivery'), 'the kitchen to call delivery');

    await run.says(/ told to stop \(SIGTERM\)\n[\s\S]* is back after /);
    run.process.kill('SIGINT');
    assert.equal(await run.end(), 0, run.output);
    assert.match(run.output, /^requests .* 0 failed$/m);
    await assertNothingIsLeftOf(folder);
  });

  it('leaves nothing behind when it is killed itself', async () => {
    run = await ShopRun.start();
    const folder = await run.folder();
    run.process.kill('SIGKILL');
    assert.equal(await run.end(), 'SIGKILL');
    await assertNothingIsLeftOf(folder);
  });

  it('says what is wrong with its options', async () => {
    run = await ShopRun.start('--for', 'ever');
    assert.equal(await run.end(), 2);
    assert.match(run.output, /^--for takes a duration like 20s or 5m, not 'ever'$/m);
  });

  it('says that the gateway’s port is in use', async () => {
    const holder = createServer();
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    run = new ShopRun('--port', String(port));
    assert.equal(await run.end(), 1);
    assert.match(run.output, new RegExp(`^port ${port} is in use; choose another one`, 'm'));
    holder.close();
  });
});
