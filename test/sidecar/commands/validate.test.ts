import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { VALIDATE_COMMAND } from '../../../sidecar/commands/validate.ts';
import { ROOT, runOutrider } from '../../bin/outrider.ts';
import { EXAMPLE } from '../config/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-validate-'));
after(() => rmSync(folder, { recursive: true }));

const MESH = 'services: { inventory: { policy: { timeouts: { total: 5s } } } }\n';

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function validate(operands: readonly string[], flags: Record<string, string> = {}) {
  let stdout = '';
  let stderr = '';
  const given = Object.entries(flags).map(
    ([name, value]) => [name, { values: [value], source: `--${name}` }] as const,
  );
  const code = await VALIDATE_COMMAND.run(
    { flags: new Map(given), operands },
    {
      environment: {},
      version: '0',
      print: text => {
        stdout += text;
      },
      complain: text => {
        stderr += text;
      },
    },
  );
  return { code, stdout, stderr };
}

test('tells which kind a file is', async () => {
  const sidecar = file('s.yaml', 'service: orders\n');
  const mesh = file('m.yaml', MESH);
  const { code, stdout, stderr } = await validate([sidecar, mesh]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout, `${sidecar}: ok (sidecar)\n${mesh}: ok (mesh)\n`);
});

test('takes the example of the documentation, and warns of what will not last', async () => {
  const path = file('example.yaml', EXAMPLE.replace('policy: {', 'policy: { limits: { hold: 20s },'));
  const { code, stdout, stderr } = await validate([path]);
  assert.equal(code, 0);
  assert.match(stdout, /: ok \(sidecar\)\n$/);
  assert.match(
    stderr,
    /: warning: upstreams\.payments\.policy\.limits\.hold: is longer than timeouts\.total, which ends it first/,
  );
});

test('shows each error with its line and a caret', async () => {
  const path = file('bad.yaml', 'egress:\n  listn: 127.0.0.1:15001\n  unknownHosts: reject\n');
  const { code, stdout, stderr } = await validate([path]);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    [
      `${path}:2:3: egress.listn: unknown key; did you mean listen?`,
      '   2 |   listn: 127.0.0.1:15001',
      '     |   ^^^^^',
      `${path}:3:17: egress.unknownHosts: expected one of pass, refuse, found "reject"`,
      '   3 |   unknownHosts: reject',
      '     |                 ^^^^^^',
      '',
    ].join('\n'),
  );
});

test('says of every file what is wrong with it', async () => {
  const missing = join(folder, 'missing.yaml');
  const right = file('right.yaml', 'service: orders\n');
  const { code, stdout, stderr } = await validate([missing, right, file('empty.yaml', '')]);
  assert.equal(code, 2);
  assert.equal(stdout, `${right}: ok (sidecar)\n`);
  assert.match(stderr, /missing\.yaml: can not be read: there is no such file\n/);
  assert.match(stderr, /empty\.yaml:1:1: the file is empty/);
});

test('takes a near miss for what it was meant to be', async () => {
  const { stderr } = await validate([file('near.yaml', 'servces: {}\n')]);
  assert.match(stderr, /servces: unknown key; did you mean services\?/);
});

test('takes the word of --kind', async () => {
  const path = file('kind.yaml', MESH);
  assert.equal((await validate([path], { kind: 'mesh' })).code, 0);
  const { code, stderr } = await validate([path], { kind: 'sidecar' });
  assert.equal(code, 2);
  assert.match(stderr, /services: unknown key; did you mean service\?/);
  assert.match(
    (await validate([path], { kind: 'messh' })).stderr,
    /^--kind: expected one of sidecar, mesh, found "messh"/,
  );
});

test('needs a file', async () => {
  const { code, stderr } = await validate([]);
  assert.equal(code, 2);
  assert.equal(stderr, 'expected a file: outrider validate FILE…\nSee outrider validate --help.\n');
});

test('takes a service with settings below it for a mesh', async () => {
  const path = file('singular.yaml', 'service:\n  inventory: { policy: {} }\n');
  const { code, stderr } = await validate([path]);
  assert.equal(code, 2);
  assert.match(stderr, /:1:1: service: unknown key; did you mean services\?\n/);
});

test('tells other programs of a file that can not be read, and claims nothing of it', async () => {
  const path = join(folder, 'nowhere.yaml');
  const [told] = JSON.parse((await validate([path], { json: '' })).stdout).files;
  const [{ line, column, message }] = told.problems;
  assert.deepEqual(
    [told.kind, told.ok, line, column, message],
    [null, false, null, null, 'can not be read: there is no such file'],
  );
});

test('tells other programs in JSON', async () => {
  const path = file('json.yaml', 'egress: { unknownHosts: pas }\n');
  const { code, stdout, stderr } = await validate([path], { json: '' });
  assert.deepEqual([code, stderr], [2, '']);
  assert.deepEqual(JSON.parse(stdout), {
    files: [
      {
        file: path,
        kind: 'sidecar',
        ok: false,
        problems: [
          {
            severity: 'error',
            key: 'egress.unknownHosts',
            message: 'expected one of pass, refuse, found "pas"; did you mean pass?',
            found: '"pas"',
            expected: 'one of pass, refuse',
            suggestion: 'pass',
            line: 1,
            column: 25,
          },
        ],
      },
    ],
  });
});

test('never shows a token', async () => {
  const path = file(
    'secret.yaml',
    'controlPlane: { urll: "http://c:7600", token: "s3cret value" }\ntoken: s3cret\n',
  );
  for (const flags of [{}, { json: '' }] as Record<string, string>[]) {
    const { code, stdout, stderr } = await validate([path], flags);
    assert.equal(code, 2);
    assert.ok(!(stdout + stderr).includes('s3cret'));
  }
});

test('runs as a program', async () => {
  const right = file('p.yaml', 'service: orders\n');
  const wrong = file('w.yaml', 'servic: orders\n');
  const [ok, bad] = await Promise.all([runOutrider(['validate', right]), runOutrider(['validate', wrong])]);
  assert.deepEqual(ok, { code: 0, stdout: `${right}: ok (sidecar)\n`, stderr: '' });
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /w\.yaml:1:1: servic: unknown key; did you mean service\?/);
});

test('reads standard input where the file is a dash', async () => {
  const script = `printf '%s' "$MESH" | "$NODE" "$PROGRAM" validate - 2>&1`;
  const env = {
    ...process.env,
    MESH: MESH.replace('5s', '5'),
    NODE: process.execPath,
    PROGRAM: join(ROOT, 'bin/outrider.js'),
  };
  const { status, stdout } = spawnSync('sh', ['-c', script], { env, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stdout, /^standard input:1:\d+: services\.inventory\.policy\.timeouts\.total: expected/);
});
