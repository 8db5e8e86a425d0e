import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastLines, ProgramFailed, runProgram } from '../../rollout/run-program.ts';

const environment = process.env;
const script = (text: string) => [process.execPath, '-e', text];

test('gives what a program needs, and what it wrote', async () => {
  const program = script(
    `process.stdin.on('data', data => console.log(data + process.env.WORD)); console.error('aside')`,
  );
  const ran = await runProgram(program, { environment: { ...environment, WORD: 'b' }, input: 'a' });
  assert.deepEqual(ran, { stdout: 'ab\n', stderr: 'aside\n' });
});

test('tells with what a program ended, and what it said last', async () => {
  const running = runProgram(script(`console.error('1\\n2\\n\\u001b[31m3'); process.exitCode = 3`), {
    environment,
  });
  await assert.rejects(running, (error: Error) => {
    assert.ok(error instanceof ProgramFailed);
    assert.match(error.message, / ended with 3:\n {2}1\n {2}2\n {3}\[31m3$/);
    return true;
  });
});

test('tells of a program that is not there', async () => {
  const running = runProgram(['no-such-program', 'up'], { environment });
  await assert.rejects(running, { message: 'no-such-program up can not be run: there is no such program' });
});

test('an interrupt from the terminal does not reach it, as it is in another process group', async () => {
  // The third field behind the name is the group: proc(5).
  const group = `require('fs').readFileSync('/proc/self/stat', 'utf8').replace(/.*\\) /, '').split(' ')[2]`;
  const { stdout } = await runProgram(script(`console.log(${group} == process.pid)`), { environment });
  assert.equal(stdout, 'true\n');
});

test('one that is asked to end is waited for', async t => {
  const asking = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'outrider-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = script(`
    process.on('SIGTERM', () => { console.error('puts things in order'); process.exit(1); });
    require('fs').writeFileSync('ready', '');
    setTimeout(() => {}, 60_000);
  `);
  const running = runProgram(['env', '-C', folder, ...program], { environment, signal: asking.signal });
  const rejected = assert.rejects(running, / ended with 1:\n {2}puts things in order$/);
  while (!existsSync(join(folder, 'ready'))) await new Promise(resolve => setTimeout(resolve, 20));
  asking.abort();
  await rejected;
});

test('only the end of what was said is told', () => {
  assert.equal(lastLines('a\nb\n\nc\n', 2), '  b\n  c');
  assert.equal(lastLines('x'.repeat(1000)).length, 302);
  assert.equal(lastLines(''), '');
});
