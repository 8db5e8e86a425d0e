/**
 * Runs the commands of README.md, and of each page below docs/ that says `<!-- the commands of this page are run -->`,
 * in a fresh copy of the repository, as a reader would who pastes them one block after another, and compares what they
 * print with what the page shows. Only ports are other than shown, so that the test gets along with its neighbours.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listRepositoryFiles, ROOT } from '../tools/repository-files.ts';
import { makeCleanCopy } from './clean-copy.ts';
import { type CommandBlock, findCommandBlocks, type Run } from './command-blocks.ts';
import { type BlockResult, ShellSession } from './shell-session.ts';
import { matchesShown } from './shown-output.ts';
import { TourPorts } from './tour-ports.ts';

const BLOCK_LIMIT_MS = 180_000;
const IS_RUN = '<!-- the commands of this page are run -->';

const pages = listRepositoryFiles().filter(
  path => path === 'README.md' || (/^docs\/.*\.md$/.test(path) && read(path).includes(IS_RUN)),
);

for (const page of pages) {
  test(`the commands of ${page} do what it says`, async () => {
    const copy = makeCleanCopy();
    const shell = new ShellSession(copy);
    try {
      await runPage(page, shell);
    } finally {
      await shell.close();
      rmSync(copy, { recursive: true, force: true });
    }
  });
}

test('the README begins with npm start and npm test', () => {
  const [start, test] = findCommandBlocks(read('README.md'));
  assert.equal(start.commands, 'npm start');
  assert.equal(test.commands, 'npm test');
});

test('npm test, which can not be run from within, is the run that this belongs to', () => {
  const notRun = findCommandBlocks(read('README.md')).filter(({ run }) => run.kind === 'not');
  assert.deepEqual(
    notRun.map(({ commands }) => commands),
    ['npm test'],
  );
  const { scripts } = JSON.parse(read('package.json'));
  assert.match(scripts.test, /node tools\/test\.mjs$/);
});

async function runPage(page: string, shell: ShellSession): Promise<void> {
  const blocks = findCommandBlocks(read(page)).filter(
    ({ run }) => !['not', 'with-engine'].includes(run.kind),
  );
  const ports = await TourPorts.for(blocks.map(({ commands }) => commands).join('\n'));
  for (const block of blocks) {
    const at = `${page}:${block.line}: ${block.commands}\n`;
    const commands = ports.toFree(block.commands);
    const { output, exitCode } = await runBlock(shell, { ...block, commands }).catch(error => {
      throw new Error(`${at}${(error as Error).message}`);
    });
    const printed = ports.toNamed(output);
    assert.ok(isExpected(block.run, exitCode), `${at}exited with ${exitCode} and printed:\n${printed}`);
    if (block.output !== null && !matchesShown(printed, block.output))
      assert.equal(printed, block.output, `${at}printed something else than the page shows`);
  }
}

/** What is interrupted may call that what it likes, as long as it comes to its own end. */
function isExpected(run: Run, exitCode: number | null): boolean {
  if (run.kind === 'to-end') return exitCode === run.exitCode;
  return exitCode !== null && exitCode < 128;
}

function runBlock(shell: ShellSession, { commands, run }: CommandBlock): Promise<BlockResult> {
  return run.kind === 'interrupted'
    ? shell.runInterrupted(commands, run.onceItSays, BLOCK_LIMIT_MS)
    : shell.run(commands, BLOCK_LIMIT_MS);
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
