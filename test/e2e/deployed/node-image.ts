import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Engine, run } from './engine.ts';

/** What `docker build` needs beside Node, and commands in the containers. */
const TOOLS = ['sh', 'env', 'mkdir', 'mv', 'rm', 'ln', 'sleep'];

/**
 * Makes an image with Node of this machine's own files, as a test can't rely on a registry: the Node that runs this, a shell, and the
 * libraries that they need.
 */
export async function importNodeImage(engine: Engine, name: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'outrider-image-'));
  const put = (from: string, to: string) => {
    mkdirSync(join(root, dirname(to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
  };
  try {
    const programs = [process.execPath, ...TOOLS.map(pathOf)];
    put(process.execPath, '/usr/local/bin/node');
    for (const tool of TOOLS) put(pathOf(tool), `/usr/bin/${tool}`);
    for (const library of new Set(programs.flatMap(librariesOf))) put(library, library);
    mkdirSync(join(root, 'bin'), { recursive: true });
    symlinkSync('/usr/bin/sh', join(root, 'bin/sh'));
    const archive = join(root, 'image.tar');
    await run(['tar', '-C', root, '--exclude=./image.tar', '--owner=0', '--group=0', '-cf', archive, '.'], {
      env: process.env,
    });
    await run(['docker', 'import', archive, name], { env: engine.environment });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function pathOf(tool: string): string {
  return execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
}

/** The paths of shared libraries, the loader included, as `ldd` names them. */
function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return listed.match(/(?<=^\s+(?:\S+ => )?)\/\S+/gm) ?? [];
}
