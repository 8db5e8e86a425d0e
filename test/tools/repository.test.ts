import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findUnused, ROOMS } from '../../tools/check-imports.ts';
import { readSourceTree } from '../../tools/source-tree.ts';
import { listRepositoryFiles, ROOT } from './repository-files.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

// Put together here, so that this file does not name them either.
const REGISTRY_HOSTS = [
  ['registry', 'npmjs'],
  ['registry', 'yarnpkg'],
  ['npm', 'pkg', 'github'],
  ['deb', 'debian', 'org'],
  ['files', 'pythonhosted'],
  ['static', 'crates', 'io'],
  ['proxy', 'golang', 'org'],
].map(parts => parts.join('.'));

test('the files of the repository are found, what is ignored is not', () => {
  const files = listRepositoryFiles();
  for (const path of ['package.json', '.ci/run', 'test/tools/repository.test.ts'])
    assert.ok(files.includes(path), path);
  assert.ok(!files.some(path => /^(?:node_modules|\.git|dist)\//.test(path)));
});

test('no file names a package registry', () => {
  const naming = listRepositoryFiles().filter(path => {
    const text = read(path);
    return REGISTRY_HOSTS.some(host => text.includes(host));
  });
  assert.deepEqual(naming, []);
});

test('the lock file has no download addresses', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  for (const [name, entry] of Object.entries<object>(packages)) {
    assert.ok(!('resolved' in entry), name);
    if (name !== '') assert.ok('integrity' in entry, `${name} can not be verified`);
  }
});

test('dependencies are pinned to one version each, the one in the lock file', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const { packages } = JSON.parse(read('package-lock.json'));
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.equal(packages[`node_modules/${name}`].version, version, name);
  }
});

test('no file is too large to be read', () => {
  const large = listRepositoryFiles().filter(path => statSync(join(ROOT, path)).size > 1024 * 1024);
  assert.deepEqual(large, []);
});

test('no room may import what it does not need', () => {
  assert.deepEqual(findUnused(ROOT), []);
});

test('the arrows of ARCHITECTURE.md are the table that imports are held against', () => {
  const drawn = new Map<string, string[]>();
  for (const [, from, to] of read('ARCHITECTURE.md').matchAll(
    /(\w+) +─▶ (\w+(?:, \w+)*|\(nothing\))(?: {2}|$)/gm,
  )) {
    drawn.set(from, to === '(nothing)' ? [] : to.split(', ').sort());
  }
  const nameOf = (path: string) => /^(?:(?:sidecar|control-plane)\/)?([\w-]+)/.exec(path)?.[1] ?? '';
  const isDrawn = (path: string) => /^(?:(?:sidecar|control-plane)\/(?!commands)|process$)/.test(path);
  const rooms = Object.entries(ROOMS).filter(([path]) => isDrawn(path));
  const allowed = rooms.map(([path, { imports }]) => [
    nameOf(path),
    [...new Set(imports.map(nameOf))].sort(),
  ]);
  assert.deepEqual(Object.fromEntries(drawn), Object.fromEntries(allowed));
});

test('nothing is exported that no other file names', () => {
  const rooms = ['bin', 'command-line', 'control-plane', 'process', 'rollout', 'sidecar'];
  const files = readSourceTree(ROOT, [...rooms, 'docs', 'test', 'tools']);
  const exported = /^export (?:async |abstract )?(?:type|interface|class|function|const) (\w+)/gm;
  const unused = readSourceTree(ROOT, rooms).flatMap(({ path, text }) => {
    const importing = files.filter(file => file.imports.some(({ target }) => target === path));
    const isNamed = (name: string) => importing.some(file => new RegExp(`\\b${name}\\b`).test(file.text));
    const names = [...text.matchAll(exported)].map(([, name]) => name);
    return names.filter(name => !isNamed(name)).map(name => `${path}: ${name}`);
  });
  assert.deepEqual(unused, []);
});
