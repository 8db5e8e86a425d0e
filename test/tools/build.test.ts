import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildBundle } from '../../tools/build.ts';
import { ROOT } from './repository-files.ts';
import { temporaryTree } from './temporary-tree.ts';

const BUNDLES = ['outrider.js', 'other-commands.js', 'yaml-source.js', 'rollout.js', 'control-plane.js'];

describe('the bundle', () => {
  let dist = '';
  before(async () => {
    dist = mkdtempSync(join(tmpdir(), 'outrider-'));
    await buildBundle(ROOT, dist);
  });
  after(() => rmSync(dist, { recursive: true, force: true }));

  test('is a command that runs by itself', () => {
    assert.ok(statSync(join(dist, 'outrider.js')).mode & 0o111);
    const printed = execFileSync(join(dist, 'outrider.js'), ['--version'], { encoding: 'utf8' });
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.ok(printed.includes(version), printed);
  });

  test('refuses a Node that is too old in words', t => {
    const folder = temporaryTree(t, {
      'disguise.cjs': `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`,
    });
    for (const name of BUNDLES) {
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--require', join(folder, 'disguise.cjs'), join(dist, name), '--version'],
        { encoding: 'utf8' },
      );
      assert.equal(status, 2);
      assert.match(stderr, /^Outrider needs Node >=20\.18\.1, this is [^\n]*\n$/);
    }
  });

  test('runs in a folder with nothing else, not even node_modules', t => {
    const folder = temporaryTree(t, { 'outrider.yaml': 'egres: {}\n' });
    for (const name of BUNDLES) copyFileSync(join(dist, name), join(folder, name));
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['outrider.js', 'validate', 'outrider.yaml'],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.equal(status, 2, stdout + stderr);
    assert.match(stdout + stderr, /egress/);
  });

  test('loads the control plane and YAML, and what those are made of, only when they are needed', t => {
    const folder = temporaryTree(t, {});
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(dist, 'outrider.js'), 'control-plane', '--data', 'memory', '--mesh', 'none.yaml'],
      { cwd: folder, encoding: 'utf8' },
    );
    assert.deepEqual([status, stderr], [2, 'none.yaml: can not be read: there is no such file\n']);
    assert.doesNotMatch(readFileSync(join(dist, 'outrider.js'), 'utf8'), /node_modules\/(?:fastify|yaml)\//);
    assert.match(readFileSync(join(dist, 'yaml-source.js'), 'utf8'), /node_modules\/yaml/);
    assert.match(readFileSync(join(dist, 'control-plane.js'), 'utf8'), /node_modules\/fastify/);
  });

  test('prints what the sources print', () => {
    const run = (file: string) =>
      execFileSync(process.execPath, [file, '--help'], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(run(join(dist, 'outrider.js')), run('bin/outrider.js'));
  });

  test('comes with the licences of what is in it, and of nothing that is not', () => {
    const notices = readFileSync(join(dist, 'NOTICES'), 'utf8');
    for (const name of ['fastify', 'pino', 'prom-client', 'yaml']) {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));
      assert.match(notices, new RegExp(`^${name} ${version} \\(`, 'm'));
    }
    assert.match(notices, /Permission is hereby granted/);
    assert.doesNotMatch(notices, /^(?:typescript|esbuild|tsx) /m);
  });
});

test('npm run build says what it has built, and how large that is', t => {
  const folder = temporaryTree(t, {});
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  assert.match(scripts.build, /tsx tools\/build\.ts$/);
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'tools/build.ts', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.match(
    printed.replaceAll(folder, 'dist'),
    new RegExp(`^${BUNDLES.map(name => `dist/${name} {2}\\d+ KiB\n`).join('')}$`),
  );
});

test('what would not work in a bundle fails the build', async t => {
  const root = temporaryTree(t, { 'bin/outrider.ts': 'console.log(import.meta.url);\n' });
  await assert.rejects(buildBundle(root, 'dist'), /would not behave as the sources do/);
});
