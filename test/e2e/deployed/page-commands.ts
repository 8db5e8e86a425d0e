import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CommandBlock, findCommandBlocks } from '../../docs/command-blocks.ts';
import { ShellSession } from '../../docs/shell-session.ts';
import { matchesShown } from '../../docs/shown-output.ts';
import { listRepositoryFiles, ROOT } from '../../tools/repository-files.ts';
import type { Deployment } from './deployment.ts';

const BLOCK_MS = 240_000;

/** The pages that have commands which need a Docker engine. */
export function pagesForEngine(): string[] {
  return listRepositoryFiles().filter(
    path => (path === 'README.md' || /^docs\/.*\.md$/.test(path)) && blocksOf(path).length > 0,
  );
}

/** Runs such commands of a page as a reader does who pastes them one block after another, and judges what they print. */
export async function runPage(path: string, shop: Deployment): Promise<void> {
  const shell = new ShellSession(shop.folder);
  try {
    await shell.run(preparation(shop), BLOCK_MS);
    for (const { line, commands, output } of blocksOf(path)) {
      const result = await shell.run(withPorts(commands, shop), BLOCK_MS);
      const at = `${path}:${line}: ${commands}\n`;
      assert.equal(result.exitCode, 0, `${at}printed:\n${result.output}`);
      const { output: failed } = await shell.run(`printf %s "$failed"; failed=`, BLOCK_MS);
      assert.equal(failed.trim(), '', `${at}printed:\n${result.output}`);
      if (output !== null && !matchesShown(result.output, output))
        assert.equal(result.output, output, `${at}printed something else than the page shows`);
    }
  } finally {
    await shell.close();
  }
}

function blocksOf(path: string): CommandBlock[] {
  const blocks = findCommandBlocks(readFileSync(join(ROOT, path), 'utf8'));
  return blocks.filter(({ run }) => run.kind === 'with-engine');
}

/** What is as the reader has it already: the engine, and `docker compose`, under whichever name. */
function preparation({ environment, composeCommand }: Deployment): string {
  const named = /^(COMPOSE|CONTROL_PLANE|DOCKER|NODE|OUTRIDER|SHOP)_/;
  const exports = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && named.test(name) ? [`export ${name}='${value}'`] : [],
  );
  const docker = `docker() { if [ "$1" = compose ]; then shift; ${composeCommand.join(' ')} "$@"; else command docker "$@"; fi; }`;
  // A block is all of its commands, not the last one alone.
  const note = `trap 'failed="$failed $BASH_COMMAND;"' ERR`;
  return [...exports, ...(composeCommand[0] === 'docker' ? [] : [docker]), note].join('\n');
}

function withPorts(commands: string, { gatewayUrl, controlPlaneUrl }: Deployment): string {
  return commands
    .replaceAll('http://127.0.0.1:8080', gatewayUrl)
    .replaceAll('http://127.0.0.1:7600', controlPlaneUrl);
}
