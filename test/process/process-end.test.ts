import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'outrider-end-'));
after(() => rmSync(folder, { recursive: true }));

const SOURCE = new URL('../../process/process-end.ts', import.meta.url);

/** Runs a script that has `endProcess`. @returns the exit code or the name of the signal that ended it, and what it printed */
async function run(script: string): Promise<{ end: number | string; printed: string }> {
  const program = `const { endProcess } = await import(${JSON.stringify(SOURCE.href)});\n${script}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    printed += text;
  });
  const guard = setTimeout(() => child.kill('SIGUSR2'), 20_000);
  const [code, signal] = await once(child, 'close');
  clearTimeout(guard);
  return { end: code ?? signal, printed };
}

test('ends the process with the code, and lets what listens for the end know', async () => {
  const script =
    "process.on('exit', code => console.log('exit', code)); setInterval(() => {}, 1000); await endProcess(3);";
  assert.deepEqual(await run(script), { end: 3, printed: 'exit 3\n' });
});

test('waits a moment for work on files that is about to be done', async () => {
  const script = `
    const { stat } = await import('node:fs');
    stat(${JSON.stringify(folder)}, () => console.log('looked'));
    await endProcess(0);
  `;
  assert.deepEqual(await run(script), { end: 0, printed: 'looked\n' });
});

const CODE_IS_KEPT = 'execve' in process;

for (const [code, signal] of [
  [0, 'SIGTERM'],
  [1, 'SIGKILL'],
] as const) {
  test(`a thread that is stuck for good holds up no end with ${code}`, {
    skip: process.platform === 'win32',
  }, async () => {
    const pipe = join(folder, `pipe-${code}`);
    execFileSync('mkfifo', [pipe]);
    const { end, printed } = await run(`
      const { open } = await import('node:fs');
      open(${JSON.stringify(pipe)}, 'r', () => {});
      process.on('SIGTERM', () => {});
      process.on('exit', code => console.log('exit', code));
      await endProcess(${code});
    `);
    assert.deepEqual([end, printed], [CODE_IS_KEPT ? code : signal, `exit ${code}\n`]);
  });
}
