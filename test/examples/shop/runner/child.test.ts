import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Child } from '../../../../examples/shop/runner/child.ts';
import { FreePorts } from '../../../../examples/shop/runner/free-ports.ts';
import { Leash } from '../../../../examples/shop/runner/leash.ts';

const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    response.end(String(process.pid));
    if (request.url === '/crash') process.exit(3);
  });
  server.listen(process.env.PORT, '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));
  console.log('begins');
`;
const NEVER = new AbortController().signal;

describe('a child process', () => {
  let folder: string;
  let leash: Leash;
  let crashes: string[];
  let url: string;

  async function child(program = SERVER, readyWithinMs?: number): Promise<Child> {
    const port = await new FreePorts().take();
    url = `http://127.0.0.1:${port}`;
    const spec = {
      name: 'server',
      args: ['-e', program],
      env: { PORT: String(port) },
      cwd: folder,
      logFile: join(folder, 'server.log'),
      readyUrl: `${url}/healthz`,
      ...(readyWithinMs === undefined ? {} : { readyWithinMs }),
    };
    return new Child(spec, leash, (who, how) => crashes.push(`${who.name}: ${how}`));
  }

  const pidOf = async () => Number(await (await fetch(url, { headers: { connection: 'close' } })).text());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'outrider-test-'));
    leash = new Leash(folder);
    crashes = [];
  });
  afterEach(async () => {
    await leash.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is given up where it does not get ready, and told of once', async () => {
    const server = await child('setInterval(() => {}, 1000)', 100);
    assert.equal(await server.start(NEVER), false);
    await server.kill('SIGKILL');
    assert.deepEqual(crashes, ['server: was not ready within 0.1 s']);
  });

  it('is up once it answers, and comes back at the same address after a kill', async () => {
    const server = await child();
    assert.equal(await server.start(NEVER), true);
    assert.equal(server.state, 'up');
    const before = await pidOf();

    await server.kill('SIGKILL');
    assert.equal(server.state, 'down');
    await assert.rejects(pidOf());

    assert.equal(await server.start(NEVER), true);
    assert.notEqual(await pidOf(), before);
    await server.kill('SIGTERM');
    assert.deepEqual(crashes, []);
    assert.equal(readFileSync(join(folder, 'server.log'), 'utf8'), 'begins\nbegins\n');
  });

  it('has crashed where it ends though nobody killed it', async () => {
    const server = await child();
    await server.start(NEVER);
    await fetch(`${url}/crash`).catch(() => {});
    await waitFor(() => crashes.length > 0);
    assert.deepEqual(crashes, ['server: exit code 3']);
    assert.equal(server.state, 'crashed');
  });

  it('has crashed where it ends before it was ready', async () => {
    const server = await child('process.exit(2)');
    assert.equal(await server.start(NEVER), false);
    assert.deepEqual(crashes, ['server: exit code 2']);
  });

  it('stops waiting for readiness when it is killed or given up meanwhile', async () => {
    const silent = 'setInterval(() => {}, 1000)';
    const server = await child(silent);
    const started = server.start(NEVER);
    await server.kill('SIGKILL');
    assert.equal(await started, false);

    const giveUp = new AbortController();
    const startedAgain = server.start(giveUp.signal);
    giveUp.abort();
    assert.equal(await startedAgain, false);
    await server.kill('SIGKILL');
    assert.deepEqual(crashes, []);
  });

  it('ends with its leash, and so does the folder', async () => {
    const server = await child();
    await server.start(NEVER);
    await leash.close();
    assert.equal(existsSync(folder), false);
    await waitFor(() => crashes.length > 0);
    assert.deepEqual(crashes, ['server: SIGKILL']);
  });

  it('is left alone by a leash that was told of its end', async () => {
    const server = await child();
    await server.start(NEVER);
    const pid = await pidOf();
    leash.release(pid);
    await leash.close();
    assert.equal(await pidOf(), pid);
    await server.kill('SIGKILL');
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
}
