import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';

/** What is started: a program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** Every process that the bench started and that still runs, so that none outlives it. */
const running = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a process that ends with the bench at the latest. */
export function startProcess(command: Command, stdio: StdioOptions, cwd?: string): ChildProcess {
  const child = spawn(command.program, command.args, { stdio, cwd });
  running.add(child);
  child.on('exit', () => running.delete(child));
  child.on('error', () => running.delete(child));
  return child;
}

/** Ends a process: asks, and after `patienceMs` insists. Resolves when it is gone. */
export function stopProcess(child: ChildProcess, patienceMs: number): Promise<void> {
  if (!running.has(child)) return Promise.resolve();
  return new Promise(resolve => {
    const insist = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    child.on('exit', () => {
      clearTimeout(insist);
      resolve();
    });
    child.kill('SIGTERM');
  });
}

/** The next message of a child with a channel. Rejects where it ends before, calling it what it is: `the load process`. */
export function nextMessage<T>(child: ChildProcess, called: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`${called} ended`));
    child.once('exit', onExit);
    child.once('error', reject);
    child.once('message', message => {
      child.off('exit', onExit);
      child.off('error', reject);
      resolve(message as T);
    });
  });
}
