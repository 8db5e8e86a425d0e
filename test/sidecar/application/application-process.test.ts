import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type ApplicationCommand,
  ApplicationProcess,
} from '../../../sidecar/application/application-process.ts';
import { until } from '../until.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrider-application-'));
after(() => rmSync(folder, { recursive: true }));

const script = (name: string, text: string, mode: number): string => {
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
};

const FAILURES: readonly (readonly [what: string, program: string, code: number, how: RegExp])[] = [
  ['a program that is not in PATH', 'no-such-program', 127, /there is no program no-such-program in PATH/],
  ['a file that is not there', join(folder, 'none'), 127, /there is no file .*none/],
  ['an interpreter that is not there', script('a', '#!/no/such\n', 0o755), 127, /needs to run is not there/],
  ['a file that is no program', script('b', 'exit 0\n', 0o644), 126, /may not be executed/],
  ['a folder', folder, 126, /may not be executed/],
];

for (const [what, program, code, how] of FAILURES) {
  test(`${what} can not be started, with ${code}`, async () => {
    const application = new ApplicationProcess([program]);
    const end = await application.ended;
    assert.deepEqual([end.code, end.wasStarted, application.pid], [code, false, null]);
    assert.match(end.how, new RegExp(`^can not be started: .*${how.source}`));
    assert.deepEqual([application.send('SIGTERM'), application.kill()], [null, null]);
  });
}

for (const [command, code, how] of [
  [['sh', '-c', 'exit 0'], 0, 'has ended with 0'],
  [['sh', '-c', 'exit 42'], 42, 'has ended with 42'],
  [['sh', '-c', 'kill -ABRT $$'], 134, 'was ended by SIGABRT'],
] as const satisfies readonly (readonly [ApplicationCommand, number, string])[]) {
  test(`${command.join(' ')} ${how}, which is ${code}`, async () => {
    assert.deepEqual(await new ApplicationProcess(command).ended, { code, how, wasStarted: true });
  });
}

test('a signal reaches the application alone, a kill its whole group', {
  skip: process.platform !== 'linux',
}, async () => {
  const path = join(folder, 'pid');
  const application = new ApplicationProcess([
    'sh',
    '-c',
    `trap : USR1; sleep 600 & echo $! > ${path}.new && mv ${path}.new ${path}; while :; do wait; done`,
  ]);
  await until(() => existsSync(path), 'the process within');
  const inner = Number(readFileSync(path, 'utf8'));
  const isAlive = () => {
    try {
      // One that has ended and that nobody has waited for is dead too.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${inner}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  assert.equal(application.send('SIGUSR1'), null);
  assert.ok(isAlive());
  assert.equal(application.kill(), null);
  assert.equal((await application.ended).code, 137);
  await until(() => !isAlive(), 'its end');
});
