import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT, RunningProgram, runOutrider } from '../../bin/outrider.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-sidecar-'));
after(() => rmSync(folder, { recursive: true }));

function start(args: readonly string[], env: Record<string, string> = {}): RunningProgram {
  return new RunningProgram([join(ROOT, 'bin/outrider.js'), 'sidecar', ...args], { cwd: folder, env });
}

/** The address of the shared port, once the sidecar is ready. */
async function readyAddress(program: RunningProgram): Promise<string> {
  await program.hasWritten('"msg":"ready"');
  const line = program.stderr.split('\n').find(text => text.includes('"msg":"ready"')) ?? '';
  return JSON.parse(line).egress[0];
}

test('a first try needs no file', async t => {
  const upstream = createServer((_, response) => response.end('from inventory')).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const program = start([
    '--listen',
    '127.0.0.1:0',
    '--admin',
    'off',
    '--upstream',
    `inventory=127.0.0.1:${port}`,
  ]);
  const answer = await fetch(`http://${await readyAddress(program)}/`, { headers: { connection: 'close' } });
  assert.equal(await answer.text(), 'from inventory');
  program.kill('SIGTERM');
  const { code, stdout } = await program.ended;
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).status, 200);
});

test('a flag wins over the environment, which wins over the file', async () => {
  const file = join(folder, 'precedence.yaml');
  writeFileSync(
    file,
    'egress: { listen: "127.0.0.1:1" }\nadmin: { listen: "127.0.0.1:1" }\naccessLog: { format: text }\n',
  );
  const program = start(['--listen', '127.0.0.1:0'], {
    OUTRIDER_CONFIG: file,
    OUTRIDER_LISTEN: '127.0.0.1:1',
    OUTRIDER_ADMIN: 'off',
  });
  assert.match(await readyAddress(program), /^127\.0\.0\.1:\d{4,}$/);
  assert.match(program.stderr, /"msg":"starts with .*precedence\.yaml"/);
  program.kill('SIGINT');
  assert.equal((await program.ended).code, 0);
});

test('a port that is taken ends it with one clear line, and 1', async t => {
  const other = createTcpServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const { code, stderr } = await start(['--listen', `127.0.0.1:${port}`, '--admin', 'off']).ended;
  assert.equal(code, 1);
  const last = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  const why = 'something else does already (EADDRINUSE)';
  assert.equal(
    last.msg,
    `can not listen on 127.0.0.1:${port}: ${why}; it is set by egress.listen (--listen)`,
  );
});

test('everything that is wrong with flags and file is told together, with 2', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'servise: orders\n');
  const args = [
    'sidecar',
    '--config',
    file,
    '--listen',
    '8080',
    '--upstream',
    'inventory',
    '--log-level',
    'inof',
  ];
  const { code, stdout, stderr } = await runOutrider(args);
  assert.deepEqual([code, stdout], [2, '']);
  const lines = stderr
    .split('\n')
    .filter(line => !line.startsWith(' '))
    .map(line => line.replace(folder, ''));
  assert.deepEqual(lines, [
    '--listen: egress.listen: expected an address and port to listen on, such as 127.0.0.1:15001 or [::1]:15001, or off, found "8080"; did you mean 127.0.0.1:8080?',
    '--log-level: expected one of debug, info, warn, error, found "inof"; did you mean info?',
    '--upstream: expected NAME=HOST:PORT[,HOST:PORT…], NAME=dns:HOST:PORT or NAME=srv:NAME, found "inventory"',
    '/wrong.yaml:1:1: servise: unknown key; did you mean service?',
    '',
  ]);
});
