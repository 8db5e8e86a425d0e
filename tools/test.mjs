// @ts-check
/**
 * Runs the tests with Node's own test runner: all of them, or those whose path contains one of the given words.
 * What begins with a dash goes to the runner: `npm test -- timer-wheel --test-name-pattern=late`.
 * Node 20 knows no patterns for test files, so they are listed here.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const options = args.filter(arg => arg.startsWith('-'));
const words = args.filter(arg => !arg.startsWith('-'));

const files = listTests(join(ROOT, 'test')).filter(
  file => words.length === 0 || words.some(word => file.includes(word)),
);
if (files.length === 0) {
  console.error(`No test file has ${words.join(' or ')} in its path.`);
  process.exit(1);
}

/** @param {string} name */
const isGiven = name => options.some(option => option === name || option.startsWith(`${name}=`));
// A test that hangs is named by the runner instead of holding up the run for ever.
if (!isGiven('--test-timeout')) options.push('--test-timeout=600000');
if (!isGiven('--test-reporter')) options.push('--test-reporter=spec');

// What is deployed on an engine is a machine full of processes by itself: beside other tests, it would be starved.
const isDeployed = (/** @type {string} */ file) => file.startsWith(join('test', 'e2e', 'deployed'));
// Other end-to-end tests wait more than they compute, so two at a time pay off even on two cores.
const runs = [
  { files: files.filter(isDeployed), concurrency: 1 },
  { files: files.filter(file => !isDeployed(file)), concurrency: Math.max(2, availableParallelism() - 1) },
];
let isInterrupted = false;
/** @type {import('node:child_process').ChildProcess | null} */
let child = null;
// The terminal sends Ctrl-C to the runner as well: it ends, and this process after it, with its code.
process.on('SIGINT', () => {
  isInterrupted = true;
});
process.on('SIGTERM', () => {
  isInterrupted = true;
  child?.kill('SIGTERM');
});

for (const { files, concurrency } of runs) {
  if (files.length === 0 || isInterrupted) continue;
  const own = isGiven('--test-concurrency') ? [] : [`--test-concurrency=${concurrency}`];
  const code = await run(['--import', 'tsx', '--test', ...own, ...options, ...files]);
  if (code !== 0) process.exitCode = code;
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
function run(args) {
  return new Promise(resolve => {
    child = spawn(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
    child.once('exit', code => resolve(code ?? 1));
  });
}

/**
 * @param {string} folder
 * @returns {string[]} paths from the root, sorted
 */
function listTests(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}
