import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ROOT, RunningProgram } from '../bin/outrider.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-main-'));
after(() => rmSync(folder, { recursive: true }));

const PROGRAM = fileURLToPath(new URL('./fake-sidecar-program.ts', import.meta.url));
const TSX = join(ROOT, 'node_modules/tsx/dist/loader.mjs');

function start(env: Record<string, string>, cwd = folder): RunningProgram {
  return new RunningProgram(['--import', TSX, PROGRAM], { cwd, env });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets it carry what is under way to its end, and exit with 0`, async () => {
    const program = start({});
    await program.hasWritten('started null');
    program.kill(signal);
    const { code, stdout, stderr } = await program.ended;
    assert.equal(code, 0);
    assert.equal(stdout, 'started null\nstopping\ncode 0\n');
    assert.match(stderr, /"msg":"stopped"/);
  });
}

test('a second signal ends it at once, with 1', async () => {
  const program = start({ BEHAVIOUR: 'hangs' });
  await program.hasWritten('started');
  program.kill('SIGTERM');
  await program.hasWritten('stopping');
  program.kill('SIGTERM');
  const { code, stderr } = await program.ended;
  assert.equal(code, 1);
  assert.match(stderr, /a second signal/);
});

test('a port that is taken is told in one clear line, with 1', async () => {
  const { code, stderr } = await start({ BEHAVIOUR: 'taken' }).ended;
  assert.equal(code, 1);
  const last = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  assert.equal(last.level, 'error');
  assert.match(
    last.msg,
    /^can not listen on 127\.0\.0\.1:15001: .* \(EADDRINUSE\); it is set by egress\.listen/,
  );
});

test('a bug is logged, and ends it with 1', async () => {
  const { code, stderr } = await start({ BEHAVIOUR: 'bug' }).ended;
  assert.equal(code, 1);
  const last = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  assert.match(last.msg, /^a bug, the sidecar ends: Cannot read properties of undefined/);
  assert.match(last.err.stack, /fake-sidecar-program/);
});

test('a wrong file is refused with its problems, and 2', async () => {
  const path = join(folder, 'wrong.yaml');
  writeFileSync(path, 'servise: orders\n');
  const { code, stdout, stderr } = await start({ FILE: path }).ended;
  assert.equal(code, 2);
  assert.equal(stdout, 'code 2\n');
  assert.equal(
    stderr,
    `${path}:1:1: servise: unknown key; did you mean service?\n   1 | servise: orders\n     | ^^^^^^^\n`,
  );
});

test('a file that is not there is refused, with 2', async () => {
  const { code, stderr } = await start({ FILE: 'nowhere.yaml' }).ended;
  assert.deepEqual([code, stderr], [2, 'nowhere.yaml: can not be read: there is no such file\n']);
});

test('a configuration from a pipe is read once, and stays', {
  skip: process.platform === 'win32',
}, async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const program = start({ FILE: path });
  // Opening waits for the reader.
  await writeFile(path, 'service: piped\n');
  await program.hasWritten('started piped');
  await program.hasWritten('which is no file: it is read this once');
  program.kill('SIGHUP');
  await program.hasWritten('is no file to load again');
  program.kill('SIGTERM');
  const { code, stdout } = await program.ended;
  assert.deepEqual([code, stdout], [0, 'started piped\nstopping\ncode 0\n']);
});

test('tells of a changed file with thousands of mistakes in one line of bounded length', async () => {
  const cwd = mkdtempSync(join(folder, 'cwd-'));
  const path = join(cwd, 'outrider.yaml');
  writeFileSync(path, 'service: first\n');
  const program = start({}, cwd);
  await program.hasWritten('started first');
  writeFileSync(path, 'service: second\n'.repeat(60_000));
  await program.hasWritten('"msg":"outrider.yaml is refused');
  program.kill('SIGTERM');
  const { code, stderr } = await program.ended;
  const line = stderr.split('\n').find(text => text.includes('is refused')) ?? '';
  const { problems } = JSON.parse(line);
  assert.deepEqual([code, problems.length, problems.at(-1)], [0, 21, '… and at least 980 more']);
});

test('picks up outrider.yaml from the working directory, changes of it, and SIGHUP', async () => {
  const cwd = mkdtempSync(join(folder, 'cwd-'));
  const path = join(cwd, 'outrider.yaml');
  writeFileSync(
    path,
    'service: first\nupstreams: { a: { dns: "a:1", policy: { limits: { hold: 20s } } } }\n',
  );
  const program = start({}, cwd);
  await program.hasWritten('started first');
  await program.hasWritten('warning: upstreams.a.policy.limits.hold: is longer than timeouts.total');

  writeFileSync(path, 'service: second\n');
  await program.hasWritten('applied second');

  writeFileSync(path, 'servise: third\n');
  await program.hasWritten('refused outrider.yaml:1:1: servise: unknown key; did you mean service?');

  writeFileSync(path, 'service: impossible\n');
  await program.hasWritten('refused outrider.yaml: can not be applied: the port is in use');

  writeFileSync(path, 'service: fifth\n');
  await program.hasWritten('applied fifth');
  const before = program.stdout;
  program.kill('SIGHUP');
  await program.hasWritten('outrider.yaml has not changed, what was in force stays');
  assert.equal(program.stdout, `${before}refused null\n`);

  program.kill('SIGTERM');
  assert.equal((await program.ended).code, 0);
});
