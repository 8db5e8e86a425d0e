import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { allCommands, runCommandLine } from '../../bin/command-line.ts';
import { ROOT, runOutrider } from './outrider.ts';

const COMMANDS = await allCommands();

const run = (...args: string[]) => runIn({}, ...args);

async function runIn(environment: Record<string, string>, ...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runCommandLine(args, {
    environment,
    version: '1.2.3',
    print: text => {
      stdout += text;
    },
    complain: text => {
      stderr += text;
    },
  });
  return { code, stdout, stderr };
}

test('tells its version, and what runs it', async () => {
  const { code, stdout } = await run('--version');
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `outrider 1.2.3 (Node.js ${process.versions.node}, ${process.platform} ${process.arch})\n`,
  );
  assert.equal((await run('sidecar', '--version')).stdout, stdout);
});

test('no environment variable means two things, and each flag has one', () => {
  const meanings = new Map<string, string>();
  for (const { name: command, flags } of COMMANDS) {
    for (const { name, value, variable } of flags) {
      assert.match(variable, /^OUTRIDER_[A-Z_]+$/, `${command} --${name}`);
      const meaning = `--${name} ${value}`;
      assert.equal(meanings.get(variable) ?? meaning, meaning, variable);
      meanings.set(variable, meaning);
    }
  }
  // What the design says.
  assert.equal(meanings.get('OUTRIDER_CONTROL_PLANE'), '--control-plane URL');
});

for (const args of [['--help'], ['-h'], ['help']]) {
  test(`${args.join(' ')} gives the overview`, async () => {
    const { code, stdout } = await run(...args);
    assert.equal(code, 0);
    assert.match(stdout, /Usage: outrider COMMAND \[FLAGS\]/);
  });
}

for (const args of [
  ['sidecar', '--help'],
  ['help', 'sidecar'],
  ['sidecar', '--listen', 'a:1', '-h'],
]) {
  test(`${args.join(' ')} gives the help of the command`, async () => {
    const { code, stdout } = await run(...args);
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: outrider sidecar \[FLAGS\]\n/);
  });
}

for (const [args, complaint] of [
  [[], /^Outrider carries the calls/],
  [['sidcar'], /^unknown command sidcar; did you mean sidecar\?\nSee outrider --help\.\n$/],
  [['teleport'], /^unknown command teleport, expected one of sidecar, run, control-plane, .*, help\n/],
  [['--verison'], /^unknown flag --verison; did you mean --version\?\n/],
  [['sidecar', 'a.yaml'], /^takes flags only, found "a\.yaml"; did you mean --config a\.yaml\?\n/],
  [['get', 'services', '--control-plane', 'cp:7600'], /did you mean http:\/\/cp:7600\?\n/],
  [['run', '--service', 'a'], /^expected a command: outrider run \[FLAGS\] -- COMMAND…\nSee outrider run/],
  [['help', 'valdate'], /^unknown command valdate; did you mean validate\?/],
  [
    ['sidecar', '--upstraem', 'a=b:1'],
    /^unknown flag --upstraem; did you mean --upstream\?\nSee outrider sidecar --help\.\n$/,
  ],
] as const) {
  test(`refuses ${args.join(' ') || 'nothing at all'} as bad usage`, async () => {
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, complaint);
  });
}

for (const [variable, ...args] of [
  ['OUTRIDER_TIMEOUT', 'wait'],
  ['OUTRIDER_TIMEOUT', 'rollout', 'orders'],
  ['OUTRIDER_SCALE', 'rollout', 'orders'],
  ['OUTRIDER_KIND', 'validate', 'outrider.yaml'],
  ['OUTRIDER_OUTPUT', 'get', 'services'],
  ['OUTRIDER_RATE_LIMIT', 'control-plane'],
] as const) {
  test(`tells of a bad ${variable} for ${args[0]} by its own name`, async () => {
    const { code, stderr } = await runIn({ [variable]: 'nonsense' }, ...args);
    assert.equal(code, 2);
    assert.ok(stderr.startsWith(`${variable}: expected `), stderr);
  });
}

test('warns of a mistyped environment variable, and goes on', async () => {
  const environment = {
    OUTRIDER_CONTROL_PLANE: 'http://127.0.0.1:1',
    OUTRIDER_TOKN: 'x',
    OUTRIDER_ADMIN_TOKEN: 'x',
  };
  const { code, stderr } = await runIn(environment, 'get', 'services');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^OUTRIDER_TOKN: warning: no flag has this variable, .*; did you mean OUTRIDER_TOKEN\?\nThe control plane at/,
  );
});

test('warns of one in the log, where there is one', async () => {
  for (const args of [
    ['run', '--admin', 'off', '--listen', 'off', '--', process.execPath, '--version'],
    ['control-plane', '--data', '/dev/null'],
  ]) {
    const { stderr } = await runOutrider(args, { env: { OUTRIDER_LISTN: 'x', OUTRIDER_DATTA: 'x' } });
    const records = stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const [known, other] = args[0] === 'run' ? ['LISTEN', 'DATA'] : ['DATA', 'LISTEN'];
    const told = records.filter(({ level, msg }) => level === 'warn' && msg.includes('no flag has this'));
    assert.equal(told.length, 1, stderr);
    assert.ok(told[0].msg.endsWith(`did you mean OUTRIDER_${known}?`), stderr);
    assert.doesNotMatch(stderr, new RegExp(`OUTRIDER_${other}\\?`));
  }
});

test('runs as a program', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [known, unknown] = await Promise.all([runOutrider(['--version']), runOutrider(['nonsense'])]);
  assert.deepEqual([known.code, known.stderr], [0, '']);
  assert.ok(known.stdout.startsWith(`outrider ${version} `));
  assert.deepEqual([unknown.code, unknown.stdout], [2, '']);
});

test('prints all that it has to say, however slowly it is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-print-'));
  const file = join(folder, 'outrider.yaml');
  writeFileSync(file, Array.from({ length: 1000 }, (_, at) => `wrong-${at}: 1`).join('\n'));
  const validate = `${JSON.stringify(process.execPath)} bin/outrider.js validate --json ${JSON.stringify(file)}`;
  const shell = (script: string) =>
    execFileSync('sh', ['-c', script], { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 25 });
  try {
    // More than a pipe holds.
    const all = shell(`{ ${validate}; echo "ended with $?"; } | { sleep 1; cat; }`);
    assert.equal(all.match(/"key": "wrong-/g)?.length, 1000);
    assert.ok(all.endsWith('}\nended with 2\n'), all.slice(-100));
    // A reader that has seen enough is no reason for a stack trace.
    assert.equal(shell(`{ ${validate} | head -n 1; } 2>&1`), '{\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
