// @ts-check
/**
 * Makes node_modules what package-lock.json says, so that every npm script works as the first command in a clean
 * clone. Plain JavaScript: it runs before anything is installed, and on a Node that is too old it has to be able to
 * say so. Where nothing is missing it costs some milliseconds.
 */
import '../bin/require-node.js';
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOCK = join(ROOT, '.outrider', 'install.lock');
const POLL_MS = 100;
const GIVE_UP_AFTER_MS = 10 * 60_000;

if (!isInstalled()) {
  await takeLock();
  // Another command may have installed everything while this one waited.
  if (!isInstalled()) runInstall();
}

/**
 * Whether the lock file that npm keeps inside node_modules names the packages that ours does: the same versions, none
 * missing but optional ones that are for other machines.
 */
function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const present = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (wanted === undefined || present === undefined) return false;
  for (const [path, want] of Object.entries(wanted)) {
    if (path === '') continue;
    const have = present[path];
    if (have === undefined && isForThisMachine(want)) return false;
    if (have !== undefined && (have.version !== want.version || have.integrity !== want.integrity))
      return false;
  }
  return Object.keys(present).every(path => path in wanted);
}

/** @param {{ optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} entry */
function isForThisMachine(entry) {
  if (entry.optional !== true) return true;
  // Which libc this machine has is npm's to find out: such packages may be missing.
  if (entry.libc !== undefined || entry.os === undefined || entry.cpu === undefined) return false;
  return entry.os.includes(process.platform) && entry.cpu.includes(process.arch);
}

function runInstall() {
  console.error('Installing dependencies (npm ci) …');
  const args = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const { status, error } = spawnSync(command, [...first, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error !== undefined) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail('npm ci failed: see above.');
}

/** Lets one install run at a time. The lock is given back when this process ends. */
async function takeLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  for (let waitedMs = 0; waitedMs < GIVE_UP_AFTER_MS; waitedMs += POLL_MS) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      process.once('exit', () => unlinkSync(LOCK));
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const owner = readOwner();
    if (owner !== null && !isAlive(owner)) removeStaleLock(owner);
    else {
      if (waitedMs === 0) console.error('Waiting for another install to end …');
      await new Promise(resolve => setTimeout(resolve, POLL_MS));
    }
  }
  fail(`Another install holds ${LOCK}. Remove the file if there is none.`);
}

/** @returns {number | null} null while the lock is free, or is being written */
function readOwner() {
  try {
    return Number(readFileSync(LOCK, 'utf8')) || null;
  } catch {
    return null;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Takes away the lock of a process that ended without doing so. Renamed first: another command may have found the same
 * and hold a lock of its own by now, which then goes back to its place.
 * @param {number} owner
 */
function removeStaleLock(owner) {
  const taken = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, taken);
    if (Number(readFileSync(taken, 'utf8')) !== owner) linkSync(taken, LOCK);
    unlinkSync(taken);
  } catch {
    // Somebody else was faster; the next round sees what is there now.
  }
}

/** @param {string} path */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message, status = 1) {
  console.error(message);
  process.exit(status);
}
