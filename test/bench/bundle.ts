import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = ['bin', 'command-line', 'process', 'sidecar', 'control-plane', 'tools', 'package.json'];

/** The bundle that ships, built anew when a source is newer than it. Its path. */
export function builtBundle(): string {
  const bundle = join(ROOT, 'dist', 'outrider.js');
  const newest = Math.max(...SOURCES.map(source => newestChange(join(ROOT, source))));
  if (newestChange(bundle) <= newest) {
    console.error('building dist/outrider.js');
    execFileSync('npm', ['run', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return bundle;
}

/** The latest change of a file or anything below a folder; 0 where there is nothing. */
function newestChange(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map(entry => newestChange(join(path, entry))));
}
