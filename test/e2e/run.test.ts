import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT, runOutrider } from '../bin/outrider.ts';
import { closedPort } from './harness/closed-port.ts';
import { endsWithTests } from './harness/ends-with-tests.ts';
import { HttpUpstream } from './harness/http-upstream.ts';
import { until, within } from './harness/until.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'outrider-run-')));
after(() => rmSync(folder, { recursive: true }));

const ANY_PORT = ['--listen', '127.0.0.1:0', '--admin', 'off'];

/** `outrider run` with an application that is a script for Node. */
class Run {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  private readonly closed: Promise<unknown[]>;

  constructor(script: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    const args = [join(ROOT, 'bin/outrider.js'), 'run', ...ANY_PORT, ...flags, '--'];
    this.child = spawn(process.execPath, [...args, process.execPath, '--eval', script], {
      cwd: folder,
      env: { ...process.env, ...env },
    });
    endsWithTests(this.child);
    this.child.stdout!.on('data', chunk => {
      this.stdout += chunk;
    });
    this.child.stderr!.on('data', chunk => {
      this.stderr += chunk;
    });
    this.closed = once(this.child, 'close');
  }

  async says(text: string): Promise<void> {
    await until(() => this.stdout.includes(text), `${text} in ${this.stdout}`, 60_000);
  }

  async logs(text: string): Promise<void> {
    await until(() => this.stderr.includes(text), `${text} in the log`, 60_000);
  }

  async code(): Promise<unknown> {
    const [code] = await within(this.closed, 'the end', 60_000);
    return code;
  }
}

/** An application that says `ready` and stays until it is ended, or its standard input is. */
const STAYS = `process.stdin.on('end', () => process.exit(9)).resume(); console.log('ready');`;

test('ends with the exit code of the application', async () => {
  const run = new Run('process.exitCode = 42');
  assert.equal(await run.code(), 42);
  assert.match(run.stderr, /"level":"warn".*"the application has ended with 42"/);
});

test('passes standard streams, working directory, environment and arguments through', async () => {
  const run = new Run(
    `process.stdin.on('data', chunk => process.stdout.write(chunk)).on('end', () => {
      console.log([process.cwd(), process.env.GREETING, process.env.OUTRIDER_SERVICE].join(' '));
      console.error('on standard error');
    });`,
    [],
    { GREETING: 'hello', OUTRIDER_SERVICE: 'orders' },
  );
  const input = 'x'.repeat(300_000);
  run.child.stdin!.end(`${input}\n`);
  assert.equal(await run.code(), 0);
  assert.equal(run.stdout, `${input}\n${folder} hello orders\n`);
  assert.match(run.stderr, /^on standard error$/m);
});

test("arguments behind the dashes are the application's, flags too", async () => {
  const args = ['run', ...ANY_PORT, '--', 'sh', '-c', 'echo "$@"', 'sh', '--port', 'x', '--', '-h'];
  const { code, stdout } = await runOutrider(args);
  assert.deepEqual([code, stdout], [0, '--port x -- -h\n']);
});

test('the access log goes to standard error, and the call of an application that ends at once is in it', async () => {
  const upstream = await HttpUpstream.start((_, response) => response.end('from inventory'));
  const script = `fetch('http://127.0.0.1:' + process.env.PORT).then(async r => console.log(await r.text()))`;
  const port = String(await closedPort());
  const flags = ['--egress-port', `${port}=inventory`, '--upstream', `inventory=${upstream.address}`];
  const run = new Run(script, flags, { PORT: port });
  assert.equal(await run.code(), 0);
  await upstream.stop();
  assert.equal(run.stdout, 'from inventory\n');
  assert.match(run.stderr, /"upstream":"inventory".*"status":200/);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  test(`${signal} is what the application gets, and what it makes of that is the exit code`, async () => {
    const run = new Run(`process.on('${signal}', () => process.exit(7)); ${STAYS}`);
    await run.says('ready');
    run.child.kill(signal);
    assert.equal(await run.code(), 7);
  });
}

test('an application that a signal ends gives 128 and its number', async () => {
  const run = new Run(STAYS);
  await run.says('ready');
  run.child.kill('SIGTERM');
  assert.equal(await run.code(), 143);
  assert.match(run.stderr, /"the application was ended by SIGTERM"/);
});

test('other signals go to the application alone', async () => {
  const signals = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;
  const run = new Run(
    `for (const name of ${JSON.stringify(signals)}) process.on(name, () => console.log('got ' + name)); ${STAYS}`,
  );
  await run.says('ready');
  for (const signal of signals) {
    run.child.kill(signal);
    await run.says(`got ${signal}`);
  }
  run.child.stdin!.end();
  assert.equal(await run.code(), 9);
});

test('an application that does not stop is killed after stop.grace, and that is logged', async () => {
  const file = join(folder, 'grace.yaml');
  writeFileSync(file, 'stop: { grace: 400ms }\n');
  const run = new Run(`process.on('SIGTERM', () => console.log('no')); ${STAYS}`, ['--config', file]);
  await run.says('ready');
  run.child.kill('SIGTERM');
  await run.says('no');
  assert.equal(await run.code(), 137);
  assert.match(
    run.stderr,
    /"level":"warn".*"the application has not ended within 400 ms \(stop\.grace\) of SIGTERM: it is killed"/,
  );
  assert.match(run.stderr, /"msg":"stopped"/);
});

test('a second signal kills the application, and ends all at once', async () => {
  const run = new Run(`process.on('SIGTERM', () => console.log('no')); ${STAYS}`);
  await run.says('ready');
  run.child.kill('SIGTERM');
  await run.says('no');
  const since = performance.now();
  run.child.kill('SIGTERM');
  assert.equal(await run.code(), 137);
  assert.ok(performance.now() - since < 8_000, 'stop.grace is not waited for');
  assert.match(run.stderr, /a second signal: the application is killed/);
});

for (const [program, code, why] of [
  ['no-such-program', 127, /can not be started: there is no program no-such-program in PATH/],
  [ROOT, 126, /can not be started: .* may not be executed/],
] as const) {
  test(`a command that can not be started is ${code}`, async () => {
    const outcome = await runOutrider(['run', ...ANY_PORT, '--', program]);
    assert.equal(outcome.code, code);
    assert.match(outcome.stderr, why);
  });
}

test('where the sidecar can not start, the application does not either', async () => {
  const upstream = await HttpUpstream.start((_, response) => response.end());
  const args = ['run', '--listen', upstream.address, '--admin', 'off', '--', 'echo', 'started'];
  const { code, stdout } = await runOutrider(args);
  await upstream.stop();
  assert.deepEqual([code, stdout], [1, '']);
});
