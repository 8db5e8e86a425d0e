/** Holds the tables of metrics against what a control plane and a sidecar tell. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TestMesh } from '../sidecar/meshes.ts';
import { ROOT } from '../tools/repository-files.ts';

const mesh = new TestMesh();
let admin = '';

before(async () => {
  await mesh.startControlPlane();
  const { sidecar } = await mesh.startSidecar({ admin: { listen: '127.0.0.1:0' } });
  admin = `http://127.0.0.1:${sidecar.adminAddress?.port}`;
});
after(() => mesh.close());

const PAGES: [page: string, url: () => string][] = [
  ['docs/control-plane.md', () => mesh.url],
  ['docs/operation.md', () => admin],
];

for (const [page, url] of PAGES) {
  test(`${page} lists each metric that there is, and no other`, async () => {
    const text = await (await fetch(`${url()}/metrics`)).text();
    const told = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    const listed = listedIn(readFileSync(join(ROOT, page), 'utf8'));
    const isListed = (name: string) => listed.some(entry => entryPattern(entry).test(name));
    const isTold = (entry: string) => told.some(name => entryPattern(entry).test(name));
    assert.deepEqual(
      { missing: told.filter(name => !isListed(name)), unknown: listed.filter(entry => !isTold(entry)) },
      { missing: [], unknown: [] },
    );
  });
}

/** The names in the first column of the table: whole, with `…` for a beginning that was there before, with `*` for an end. */
function listedIn(page: string): string[] {
  const [, table = ''] = /^\| metric .*\n\|[ -|]*\n((?:\|.*\n)+)/m.exec(page) ?? [];
  const firstColumns = table.split('\n').map(line => line.split('|')[1] ?? '');
  return firstColumns.flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
}

function entryPattern(entry: string): RegExp {
  return new RegExp(`^${entry.replace('…', '\\w+').replace('*', '\\w+')}$`);
}
