import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  type ApplicationCommand,
  ApplicationProcess,
} from '../../../sidecar/application/application-process.ts';
import { isGroupAlive } from '../../../sidecar/application/process-group.ts';
import { until } from '../until.ts';

const GRACE_MS = 60_000;

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
    const application = new ApplicationProcess([program], GRACE_MS);
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
    assert.deepEqual(await new ApplicationProcess(command, GRACE_MS).ended, { code, how, wasStarted: true });
  });
}

test('a signal reaches the application alone, a kill its whole group', {
  skip: process.platform !== 'linux',
}, async () => {
  const path = join(folder, 'pid');
  const application = new ApplicationProcess(
    [
      'sh',
      '-c',
      `trap : USR1; sleep 600 & echo $! > ${path}.new && mv ${path}.new ${path}; while :; do wait; done`,
    ],
    GRACE_MS,
  );
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

describe('what the application has started itself', { skip: process.platform !== 'linux' }, () => {
  /** Runs a shell that starts a process of its own, which says what it is told. */
  const start = async (script: string) => {
    const path = join(folder, randomUUID());
    const inner = `trap 'echo told > ${path}.told; exit' TERM INT; echo $$ > ${path}.new; mv ${path}.new ${path}; while :; do sleep 0.05; done`;
    const application = new ApplicationProcess(['sh', '-c', script, inner], GRACE_MS);
    await until(() => existsSync(path), 'the process within');
    return {
      application,
      wasTold: () => existsSync(`${path}.told`),
      pid: Number(readFileSync(path, 'utf8')),
    };
  };

  test('is told to stop when the application has ended, and waited for', async () => {
    const { application, wasTold } = await start('sh -c "$0" & sleep 600');
    assert.equal(application.send('SIGTERM'), null);
    const { code, how } = await application.ended;
    assert.deepEqual([code, how], [143, 'was ended by SIGTERM; what it left behind was told to stop']);
    assert.ok(wasTold());
    assert.deepEqual([application.send('SIGTERM'), application.kill()], [null, null]);
  });

  test('is told as well where the application ends by itself', async () => {
    const { application, wasTold } = await start('sh -c "$0" & sleep 0.2; exit 3');
    assert.equal((await application.ended).code, 3);
    assert.ok(wasTold());
  });

  test('gets what somebody presses in a terminal, as it would there', async () => {
    const { application, wasTold } = await start('trap : INT; sh -c "$0"; exit 7');
    assert.equal(application.send('SIGINT'), null);
    assert.equal((await application.ended).code, 7);
    assert.ok(wasTold());
  });

  test('is killed where it takes too long', async () => {
    const path = join(folder, randomUUID());
    const deaf = `trap '' TERM; touch ${path}; while :; do sleep 0.05; done`;
    const application = new ApplicationProcess(['sh', '-c', 'sh -c "$0" & wait', deaf], 100);
    await until(() => existsSync(path), 'the process within');
    const { pid } = application;
    application.send('SIGTERM');
    assert.equal((await application.ended).code, 143);
    await until(() => !isGroupAlive(pid ?? 0), 'its end');
  });
});
