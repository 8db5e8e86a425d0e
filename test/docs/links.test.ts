import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { listRepositoryFiles, ROOT } from '../tools/repository-files.ts';

const LINK = /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

for (const page of listRepositoryFiles().filter(path => path.endsWith('.md'))) {
  test(`the links of ${page} lead somewhere`, () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const targets = [...text.matchAll(LINK)].map(([, target]) => target);
    const missing = targets.filter(target => !existsSync(join(ROOT, dirname(page), target)));
    assert.deepEqual(missing, []);
  });
}
