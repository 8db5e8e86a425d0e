import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../programs.ts';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const TINY =
  '--services 4 --instances 8 --watchers 6 --uses 2 --changes 20 --seconds 1 --warmup 1 --rounds 1 --bundle bin/outrider.js';

/** As much of Consul as the bench uses: a catalog, and blocking queries. */
const CONSUL = `
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
if (process.argv[2] === 'version') {
  console.log('Consul v0.0.1');
  process.exit(0);
}
const { ports, data_dir } = JSON.parse(readFileSync(process.argv[3].split('=')[1], 'utf8'));
const services = existsSync(data_dir) ? JSON.parse(readFileSync(data_dir, 'utf8')) : {};
let index = 1;
const indexes = {};
const waiting = [];
const answer = (response, service) => {
  response.setHeader('x-consul-index', indexes[service] ?? 1);
  response.end(JSON.stringify(Object.values(services[service] ?? {})));
};
createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://consul');
  if (pathname === '/v1/status/leader') return response.end('"127.0.0.1:8300"');
  if (pathname === '/v1/catalog/register') {
    const { Service, Check } = JSON.parse(Buffer.concat(await request.toArray()));
    services[Service.Service] ??= {};
    services[Service.Service][Service.ID] = { Service, Checks: [Check] };
    writeFileSync(data_dir, JSON.stringify(services));
    indexes[Service.Service] = ++index;
    for (const one of waiting.splice(0)) {
      if (one.service === Service.Service) answer(one.response, one.service);
      else waiting.push(one);
    }
    return response.end('true');
  }
  const service = pathname.split('/').at(-1);
  if (Number(searchParams.get('index')) >= (indexes[service] ?? 1)) waiting.push({ response, service });
  else answer(response, service);
}).listen(ports.http, '127.0.0.1');
`;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-bench-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function bench(line: string, env: NodeJS.ProcessEnv): Promise<{ code: number; output: string }> {
  const args = ['--import', 'tsx', 'test/bench/main.ts', 'control-plane', ...line.split(' ')];
  return new Promise(resolve => {
    const options = { cwd: ROOT, env: { ...process.env, ...env } };
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

test('takes ours and Consul, or what speaks like it, through the bench, and prints the ratios', async t => {
  const folder = folderOf(t);
  const consul = join(folder, 'consul');
  writeFileSync(join(folder, 'consul.mjs'), CONSUL);
  writeFileSync(consul, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, 'consul.mjs')}" "$@"\n`);
  chmodSync(consul, 0o755);
  const json = join(folder, 'figures.json');
  const { code, output } = await bench(`${TINY} --planes outrider,consul --json ${json}`, { CONSUL: consul });
  assert.equal(code, 0, output);
  assert.match(output, /^consul {4}0\.0\.1$/m);
  assert.match(output, /^consul \/ outrider:\n {2}applied by the last sidecar, p50 \d/m);
  const { planes, versions, command, machine } = JSON.parse(readFileSync(json, 'utf8'));
  const [[own], [other]] = [planes.outrider.rounds, planes.consul.rounds];
  assert.deepEqual([own.changes, other.changes], [20, 20]);
  assert.ok(own.last.p99 > 0 && other.last.p99 > 0);
  assert.ok(planes.consul.ratios['serving after a kill'] > 0);
  assert.match(versions.outrider, /on Node/);
  assert.match(command, /^npm run bench -- control-plane --services 4 /);
  assert.ok(machine.cores > 0);
});

test('takes etcd through the bench where it is installed', { skip: etcdIsMissing() }, async () => {
  const { code, output } = await bench(`${TINY} --planes etcd`, {});
  assert.equal(code, 0, output);
  assert.match(output, /^applied by the last sidecar, p99 +ms +\d/m);
});

test('says of a control plane that is not there why it is skipped', async () => {
  const { code, output } = await bench(`${TINY} --planes etcd,consul`, { ETCD: '/none', CONSUL: '/none' });
  assert.equal(code, 0, output);
  assert.match(output, /^etcd {6}skipped: neither on PATH nor in \$ETCD$/m);
  assert.match(output, /^consul {4}skipped: neither on PATH nor in \$CONSUL$/m);
});

function etcdIsMissing(): string | false {
  return findProgram('etcd', 'ETCD') === null ? 'etcd is not installed' : false;
}
