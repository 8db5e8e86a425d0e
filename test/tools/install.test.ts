import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryTree } from './temporary-tree.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const [INSTALL, REQUIRE_NODE] = ['tools/install.mjs', 'bin/require-node.js'].map(path =>
  readFileSync(join(ROOT, path), 'utf8'),
);

/** Stands for npm: writes down that it ran, and leaves behind what `npm ci` does. */
const FAKE_NPM = `
import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
appendFileSync('npm-runs', process.argv.slice(2).join(' ') + '\\n');
await new Promise(resolve => setTimeout(resolve, 300));
mkdirSync('node_modules/.bin', { recursive: true });
copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;

const A = { version: '1.0.0', integrity: 'sha512-a' };
const FOREIGN = { version: '1.0.0', integrity: 'sha512-f', optional: true, os: ['other'], cpu: ['other'] };

function lockFile(packages: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ packages: { '': {}, ...packages } });
}

function project(t: TestContext, { npm = FAKE_NPM } = {}): string {
  return temporaryTree(t, {
    'package.json': '{ "type": "module" }',
    'package-lock.json': lockFile({ 'node_modules/a': A, 'node_modules/foreign': FOREIGN }),
    'tools/install.mjs': INSTALL,
    'bin/require-node.js': REQUIRE_NODE,
    'npm/npm-cli.js': npm,
    'npm/package.json': '{ "type": "module" }',
  });
}

/** Puts in place what an earlier `npm ci` left behind. */
function installed(root: string, packages: Readonly<Record<string, unknown>>): void {
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), lockFile(packages));
}

async function install(root: string): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ['tools/install.mjs'], {
    cwd: root,
    env: { ...process.env, npm_execpath: join(root, 'npm', 'npm-cli.js') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, stderr };
}

const runsOf = (root: string) =>
  existsSync(join(root, 'npm-runs')) ? readFileSync(join(root, 'npm-runs'), 'utf8').trim().split('\n') : [];

test('installs what the lock file says when there is nothing yet', async t => {
  const root = project(t);
  const { code, stderr } = await install(root);
  assert.equal(code, 0);
  assert.match(stderr, /^Installing dependencies \(npm ci\) …$/m);
  assert.equal(runsOf(root).length, 1);
  assert.match(runsOf(root)[0], /^ci --include=dev --ignore-scripts /);
});

test('is silent and starts no npm when everything is there, packages for other machines left aside', async t => {
  const root = project(t);
  installed(root, { 'node_modules/a': A });
  assert.deepEqual(await install(root), { code: 0, stderr: '' });
  assert.deepEqual(runsOf(root), []);
});

const OUTDATED: [what: string, present: Readonly<Record<string, unknown>>][] = [
  ['a package is missing', {}],
  ['a package has another version', { 'node_modules/a': { ...A, version: '0.9.0' } }],
  ['a package has other content', { 'node_modules/a': { ...A, integrity: 'sha512-b' } }],
  ['a package is left over', { 'node_modules/a': A, 'node_modules/b': A }],
];
for (const [what, present] of OUTDATED) {
  test(`installs again when ${what}`, async t => {
    const root = project(t);
    installed(root, present);
    assert.equal((await install(root)).code, 0);
    assert.equal(runsOf(root).length, 1);
  });
}

test('installs again when the binary package of this machine is missing', async t => {
  const root = project(t);
  const native = { ...A, optional: true, os: [process.platform], cpu: [process.arch] };
  writeFileSync(
    join(root, 'package-lock.json'),
    lockFile({ 'node_modules/a': A, 'node_modules/native': native }),
  );
  installed(root, { 'node_modules/a': A });
  await install(root);
  assert.equal(runsOf(root).length, 1);
});

test('two commands that start together install once', async t => {
  const root = project(t);
  const results = await Promise.all([install(root), install(root), install(root)]);
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 0],
  );
  assert.equal(runsOf(root).length, 1);
  assert.ok(!existsSync(join(root, '.outrider', 'install.lock')));
});

test('the lock of a process that is gone holds nobody up', async t => {
  const root = project(t);
  const gone = spawn(process.execPath, ['-e', '']);
  await new Promise(resolve => gone.once('close', resolve));
  mkdirSync(join(root, '.outrider'));
  writeFileSync(join(root, '.outrider', 'install.lock'), String(gone.pid));
  const { code, stderr } = await install(root);
  assert.equal(code, 0);
  assert.doesNotMatch(stderr, /Waiting/);
  assert.equal(runsOf(root).length, 1);
});

test('shows what npm says when it fails, fails itself and gives the lock back', async t => {
  const root = project(t, { npm: `console.error('no such package'); process.exitCode = 7;` });
  const { code, stderr } = await install(root);
  assert.equal(code, 1);
  assert.match(stderr, /no such package[\s\S]*npm ci failed/);
  assert.ok(!existsSync(join(root, '.outrider', 'install.lock')));
});
