import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How to start `outrider`: from the bundle that `npm run build` makes, which starts faster and needs less memory, or from
 * the sources where there is no bundle or one that is older than they are.
 * @returns the arguments of `node`, up to the sub-command
 */
export function outriderCommand(root: string): string[] {
  const bundle = join(root, 'dist/outrider.js');
  const builtAt = modifiedAt(bundle);
  const isCurrent =
    builtAt !== null &&
    builtAt > newestIn(join(root, 'sidecar')) &&
    builtAt > newestIn(join(root, 'control-plane'));
  return [isCurrent ? bundle : join(root, 'bin/outrider.js')];
}

function modifiedAt(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function newestIn(folder: string): number {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) newest = Math.max(newest, modifiedAt(join(entry.parentPath, entry.name)) ?? 0);
  }
  return newest;
}
