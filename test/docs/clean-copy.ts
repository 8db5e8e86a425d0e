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
  // Each entry on its own, so that an install in the copy, should one be needed, leaves the originals alone.
  mkdirSync(join(copy, 'node_modules'));
  for (const entry of readdirSync(join(ROOT, 'node_modules')))
    symlinkSync(join(ROOT, 'node_modules', entry), join(copy, 'node_modules', entry));
  return copy;
}
