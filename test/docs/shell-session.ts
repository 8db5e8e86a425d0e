import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';

/** What a block of commands did. */
export interface BlockResult {
  /** What its commands printed, on either stream, as did those that were in the background meanwhile. */
  readonly output: string;
  readonly exitCode: number | null;
}

const MARK = 'end-of-block';

/**
 * One bash that runs blocks one after another, as a reader who pastes them does: variables and background jobs stay.
 * It is a process group of its own, so that {@link close} ends all that the blocks left running.
 */
export class ShellSession {
  private readonly bash: ChildProcessWithoutNullStreams;
  private readonly cwd: string;
  private printed = '';

  constructor(cwd: string) {
    this.cwd = cwd;
    this.bash = spawn('bash', ['--norc'], { cwd, env: environment(), detached: true });
    this.bash.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
    });
    // What bash itself has to say of jobs that end is nothing that a reader sees.
    this.bash.stderr.resume();
  }

  /** Runs commands to their end. Rejects after `timeoutMs`, with what was printed until then. */
  async run(commands: string, timeoutMs: number): Promise<BlockResult> {
    this.printed = '';
    this.bash.stdin.write(`{ ${commands}\n} </dev/null 2>&1\nprintf '\\n${MARK} %s\\n' $?\n`);
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const end = this.printed.match(new RegExp(`\\n${MARK} (\\d+)\\n`));
      if (end !== null) return { output: this.printed.slice(0, end.index), exitCode: Number(end[1]) };
      try {
        await once(this.bash.stdout, 'data', { signal: deadline });
      } catch {
        throw new Error(`no end within ${timeoutMs} ms; printed so far:\n${this.printed}`);
      }
    }
  }

  /** Runs commands on their own, presses Ctrl-C after a time, and waits for their end, for `timeoutMs` at most. */
  async runInterrupted(commands: string, afterMs: number, timeoutMs: number): Promise<BlockResult> {
    const bash = spawn('bash', ['--norc', '-c', commands], {
      cwd: this.cwd,
      env: environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [bash.stdout, bash.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    // The streams close when the last process that holds them has ended, not just the first one.
    const closed = once(bash, 'close', { signal: AbortSignal.timeout(afterMs + timeoutMs) });
    const interrupt = setTimeout(() => signalGroup(bash.pid, 'SIGINT'), afterMs);
    try {
      const [exitCode] = await closed;
      return { output, exitCode };
    } catch {
      throw new Error(`no end within ${timeoutMs} ms of Ctrl-C; printed so far:\n${output}`);
    } finally {
      clearTimeout(interrupt);
      signalGroup(bash.pid, 'SIGKILL');
    }
  }

  /** Ends the session and whatever it left running. */
  async close(): Promise<void> {
    const closed = once(this.bash, 'exit');
    signalGroup(this.bash.pid, 'SIGKILL');
    if (this.bash.exitCode === null && this.bash.signalCode === null) await closed;
  }
}

/** This process's environment without what npm and the test runner put there for themselves, and with this Node first. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|NODE_TEST_CONTEXT$|NODE_OPTIONS$|INIT_CWD$|OUTRIDER_)/.test(name),
  );
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
  return { ...Object.fromEntries(kept), PATH: path };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
