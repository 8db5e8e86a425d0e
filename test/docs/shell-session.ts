import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** What a block of commands did. */
export interface BlockResult {
  /** What its commands printed, on either stream, as did those that were in the background meanwhile. */
  readonly output: string;
  readonly exitCode: number | null;
}

const MARK = 'end-of-block';

/**
 * One bash that runs blocks one after another, as a reader who pastes them does: variables and background jobs stay, and
 * `kill %1` ends a job with all its processes. {@link close} ends whatever is left.
 */
export class ShellSession {
  private readonly bash: ChildProcessWithoutNullStreams;
  private readonly cwd: string;
  private readonly environment: NodeJS.ProcessEnv;
  private printed = '';

  /** @param cwd a folder of its own: whatever runs a program in it ends with the session */
  constructor(cwd: string) {
    this.cwd = cwd;
    this.environment = environment(cwd);
    this.bash = spawn('bash', ['--norc', '-m'], { cwd, env: this.environment });
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

  /** Runs commands on their own, presses Ctrl-C once they have printed `text`, and waits for their end. */
  async runInterrupted(commands: string, text: string, timeoutMs: number): Promise<BlockResult> {
    const bash = spawn('bash', ['--norc', '-c', commands], {
      cwd: this.cwd,
      env: this.environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let isInterrupted = false;
    const onPrinted = (printed: string): void => {
      output += printed;
      if (isInterrupted || !output.includes(text)) return;
      isInterrupted = true;
      signalGroup(bash.pid, 'SIGINT');
    };
    for (const stream of [bash.stdout, bash.stderr]) stream.setEncoding('utf8').on('data', onPrinted);
    try {
      // The streams close when the last process that holds them has ended, not just the first one.
      const [exitCode] = await once(bash, 'close', { signal: AbortSignal.timeout(timeoutMs) });
      if (!isInterrupted) throw new Error(`ended without having said ${text}; printed:\n${output}`);
      return { output, exitCode };
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
      const what = isInterrupted ? 'did not end on Ctrl-C' : `did not say ${text}`;
      throw new Error(`${what} within ${timeoutMs} ms; printed so far:\n${output}`);
    } finally {
      signalGroup(bash.pid, 'SIGKILL');
    }
  }

  /** Ends the session and whatever it left running. May be called twice. */
  async close(): Promise<void> {
    const hasEnded = this.bash.exitCode !== null || this.bash.signalCode !== null;
    const ended = hasEnded ? null : once(this.bash, 'exit');
    this.bash.kill('SIGKILL');
    await ended;
    // A process that is found may just be starting another one.
    const mark = `${MARK_VARIABLE}=${this.environment[MARK_VARIABLE]}`;
    while (killSessions(mark, this.cwd) > 0);
  }
}

/** Every process of a session has this in its environment, whatever group or session of the system it puts itself in. */
const MARK_VARIABLE = 'PAGE_SESSION';

/**
 * Kills the processes that have the mark in their environment, and those with an environment of their own that run a program of the
 * folder. Where there is no /proc, none is found.
 */
function killSessions(mark: string, folder: string): number {
  let killed = 0;
  for (const entry of existsSync('/proc/self/environ') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(entry)) continue;
    const partsOf = (file: string) => readFileSync(`/proc/${entry}/${file}`, 'latin1').split('\0');
    try {
      const isMarked = partsOf('environ').includes(mark);
      if (!isMarked && !partsOf('cmdline').some(part => part.startsWith(`${folder}/`))) continue;
      process.kill(Number(entry), 'SIGKILL');
      killed++;
    } catch {
      // It has ended meanwhile, or is somebody else's.
    }
  }
  return killed;
}

/**
 * This process's environment without what npm and the test runner put there for themselves, with this Node first, and
 * with a cache of npm's of its own, as npx makes an entry there for each folder that it is used in.
 */
function environment(cwd: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(?:npm_|NODE_TEST_CONTEXT$|NODE_OPTIONS$|INIT_CWD$|OUTRIDER_)/.test(name),
  );
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    npm_config_cache: join(cwd, '.outrider', 'npm'),
    [MARK_VARIABLE]: randomUUID(),
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody is left in it.
  }
}
