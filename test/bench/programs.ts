import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Debian puts servers where a user's own PATH does not lead. */
const MORE_PLACES = ['/usr/sbin', '/usr/local/sbin', '/sbin'];

/** The path of a program: what the environment variable names, or the first on PATH; null when there is none. */
export function findProgram(name: string, variable: string): string | null {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return isExecutable(named) ? named : null;
  const places = [...(process.env.PATH ?? '').split(delimiter), ...MORE_PLACES];
  return places.map(place => join(place, name)).find(isExecutable) ?? null;
}

/** Runs a program that says its version on either output, and picks the version from it; null when it does not say. */
export function programVersion(program: string, args: readonly string[], pattern: RegExp): string | null {
  let said = '';
  try {
    // nginx says it on the error output.
    said = execFileSync('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], { encoding: 'utf8' });
  } catch (error) {
    said = String((error as { stdout?: unknown }).stdout ?? '');
  }
  return pattern.exec(said)?.[1] ?? null;
}

/** @throws with a sentence for the user where `path`, given by `option`, is no Node @returns the path */
export function requireNode(option: string, path: string): string {
  if (programVersion(path, ['--version'], /^v(\d\S+)/) === null)
    throw new Error(`${option}: ${path} is no Node`);
  return path;
}

/**
 * @throws with a sentence for the user where `path`, given by `option`, is no file
 * @returns the path, from the root: what runs it may do so in another folder
 */
export function requireFile(option: string, path: string): string {
  if (!existsSync(path)) throw new Error(`${option}: there is no ${path}`);
  return resolve(path);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
