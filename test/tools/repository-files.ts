import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of this checkout. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * The files that belong to the repository, as paths from its root: all that .gitignore does not leave out. Asks no git,
 * so that the tests also run in a copy of the tree.
 */
export function listRepositoryFiles(): string[] {
  const ignored = ['.git', ...readFileSync(join(ROOT, '.gitignore'), 'utf8').trim().split('\n')].map(
    pattern => new RegExp(`^${pattern.replace(/\/$/, '').replaceAll('.', '\\.').replaceAll('*', '.*')}$`),
  );
  const list = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true })
      .filter(({ name }) => !ignored.some(pattern => pattern.test(name)))
      .flatMap(entry => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return list(path);
        return entry.isFile() ? [path] : [];
      });
  return list('');
}
