import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { listRepositoryFiles, ROOT } from '../tools/repository-files.ts';

/**
 * A copy of the repository in which everything is installed already: a folder of links in place of node_modules, which
 * saves the time and the network that `npm ci` takes.
 */
export function makeCleanCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), 'outrider-'));
  for (const path of listRepositoryFiles()) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    copyFileSync(join(ROOT, path), join(copy, path));
  }
  linkEntries(join(ROOT, 'node_modules'), join(copy, 'node_modules'), ['.bin']);
  // The command `outrider` has to be the copy's own, so it is left to the install to link it.
  linkEntries(join(ROOT, 'node_modules', '.bin'), join(copy, 'node_modules', '.bin'), ['outrider']);
  const { status, stderr } = spawnSync(process.execPath, ['tools/install.mjs'], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the copy is not complete: ${stderr}`);
  return copy;
}

function linkEntries(from: string, to: string, except: readonly string[]): void {
  mkdirSync(to);
  for (const entry of readdirSync(from))
    if (!except.includes(entry)) symlinkSync(join(from, entry), join(to, entry));
}
