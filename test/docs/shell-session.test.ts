import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ShellSession } from './shell-session.ts';

const LIMIT_MS = 20_000;

function session(t: TestContext, folder = aFolder(t)): ShellSession {
  const shell = new ShellSession(folder);
  t.after(() => shell.close());
  return shell;
}

function aFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-session-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('blocks share variables, and each has its own output and exit code', async t => {
  const shell = session(t);
  assert.deepEqual(await shell.run('a=1; echo out; echo err >&2', LIMIT_MS), {
    output: 'out\nerr\n',
    exitCode: 0,
  });
  assert.deepEqual(await shell.run('echo "a is $a"\n(exit 3)', LIMIT_MS), {
    output: 'a is 1\n',
    exitCode: 3,
  });
});

test('commands see no standard input, so none of them eats the next block', async t => {
  const shell = session(t);
  assert.deepEqual(await shell.run('cat', LIMIT_MS), { output: '', exitCode: 0 });
  assert.deepEqual(await shell.run('echo next', LIMIT_MS), { output: 'next\n', exitCode: 0 });
});

test('a job is killed with all its processes', async t => {
  const shell = session(t);
  await shell.run('(sleep 60 & sleep 60) &', LIMIT_MS);
  const { output } = await shell.run(
    'kill %1; for i in $(seq 200); do kill -0 -- -$! 2> /dev/null || { echo gone; break; }; sleep 0.05; done',
    LIMIT_MS,
  );
  assert.equal(output, 'gone\n');
});

test('what the blocks left running ends with the session, also what put itself elsewhere', async t => {
  const folder = aFolder(t);
  writeFileSync(join(folder, 'own.sh'), 'sleep 60; :');
  const shell = session(t, folder);
  const { output } = await shell.run(
    `sleep 60 & echo $!; setsid sleep 60 & echo $!; env -i /bin/sh ${join(folder, 'own.sh')} & echo $!`,
    LIMIT_MS,
  );
  const pids = output.trim().split('\n').map(Number);
  assert.equal(pids.length, 3);
  for (const pid of pids) assert.ok(process.kill(pid, 0));
  await shell.close();
  for (const pid of pids) assert.equal(await hasEnded(pid), true);
});

/** A process that was killed is there until its parent, by now the first process, has taken note. */
async function hasEnded(pid: number): Promise<boolean> {
  for (let i = 0; i < 500; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  return false;
}

test('a block that does not end is given up, with what it printed', async t => {
  const shell = session(t);
  await assert.rejects(
    shell.run('echo begun; sleep 60', 300),
    /no end within 300 ms; printed so far:\nbegun/,
  );
});

test('an interrupted block may end as it likes', async t => {
  const commands = `trap 'echo bye; exit 4' INT; echo open; while true; do sleep 0.05; done`;
  const result = await session(t).runInterrupted(commands, 'open', LIMIT_MS);
  assert.deepEqual(result, { output: 'open\nbye\n', exitCode: 4 });
});

test('an interrupted block that goes on is given up', async t => {
  const commands = `trap '' INT; echo deaf; sleep 60`;
  await assert.rejects(session(t).runInterrupted(commands, 'deaf', 500), /did not end on Ctrl-C [\s\S]*deaf/);
});

test('a block that never says what it is waited for is given up', async t => {
  await assert.rejects(session(t).runInterrupted('echo a; sleep 60', 'b', 500), /did not say b [\s\S]*a\n$/);
  await assert.rejects(session(t).runInterrupted('echo a', 'b', LIMIT_MS), /ended without having said b/);
});
