import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();

/** Kills the process when the tests' own ends before it does, also by Ctrl-C or when the runner gives up on it. */
export function endsWithTests(child: ChildProcess): void {
  listen();
  children.add(child);
  child.once('exit', () => children.delete(child));
}

let isListening = false;

function listen(): void {
  if (isListening) return;
  isListening = true;
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
}
