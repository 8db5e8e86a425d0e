import { spawn } from 'node:child_process';

interface ProgramOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What it reads from standard input; nothing where it is left out. */
  readonly input?: string;
  /** Asks it to end, by SIGTERM. It is waited for all the same. */
  readonly signal?: AbortSignal;
}

/** What a program wrote. */
interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A program could not be run, or did not end with 0: the message says which, and what it said last. */
export class ProgramFailed extends Error {
  constructor(command: readonly string[], how: string, stderr: string) {
    const said = lastLines(stderr);
    super(`${command.join(' ')} ${how}${said === '' ? '' : `:\n${said}`}`);
    this.name = 'ProgramFailed';
  }
}

/**
 * Runs a program to its end. It is in a process group of its own: an interrupt from the terminal is for this process alone, which
 * decides what becomes of what was begun.
 * @throws ProgramFailed
 */
export function runProgram(command: readonly string[], options: ProgramOptions): Promise<Output> {
  const { environment, input, signal } = options;
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment, detached: true, stdio: 'pipe' });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', chunk => stdout.push(chunk));
    child.stderr.on('data', chunk => stderr.push(chunk));
    // One that does not read what it is given ends for another reason.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    const onAbort = () => child.kill('SIGTERM');
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    child.on('error', (error: NodeJS.ErrnoException) => {
      signal?.removeEventListener('abort', onAbort);
      const how = error.code === 'ENOENT' ? 'can not be run: there is no such program' : 'can not be run';
      reject(new ProgramFailed(command, how, error.code === 'ENOENT' ? '' : error.message));
    });
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', onAbort);
      const said = Buffer.concat(stderr).toString();
      if (code === 0) return resolve({ stdout: Buffer.concat(stdout).toString(), stderr: said });
      reject(new ProgramFailed(command, `ended with ${code ?? killedBy}`, said));
    });
  });
}

/** The end of what a program said, indented; what it wrote may not steer the terminal. */
export function lastLines(text: string, most = 10): string {
  const lines = text.split('\n').map(line => line.replace(/\p{Cc}/gu, ' ').trimEnd());
  const told = lines.filter(line => line !== '').slice(-most);
  return told.map(line => `  ${line.slice(0, 300)}`).join('\n');
}
