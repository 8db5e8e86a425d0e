import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';

/** A program and its arguments. */
export type ApplicationCommand = readonly [program: string, ...args: string[]];

/** How an application ended. */
export interface ApplicationEnd {
  /** As shells tell it: its exit code, 128+n for signal n, 127 where there is no such program, 126 where it can't be executed. */
  readonly code: number;
  /** Completes "the application …". */
  readonly how: string;
  readonly wasStarted: boolean;
}

/**
 * The application as a child process. Standard streams, working directory and environment are the own ones. It has a session of its own, so that
 * a Ctrl-C in the terminal reaches the wrapper alone, which then stops everybody in good order. It does not outlive this process, unless
 * that one is killed.
 */
export class ApplicationProcess {
  /** Settles in any case. */
  readonly ended: Promise<ApplicationEnd>;
  private child: ChildProcess | null = null;
  private readonly killAtExit = (): void => void this.kill();

  constructor([program, ...args]: ApplicationCommand) {
    this.ended = new Promise(resolve => {
      const finish = (end: ApplicationEnd): void => {
        process.off('exit', this.killAtExit);
        resolve(end);
      };
      const onFailed = (error: NodeJS.ErrnoException) => finish(explainFailedStart(program, error));
      try {
        this.child = spawn(program, args, { stdio: 'inherit', detached: true });
      } catch (error) {
        onFailed(error as NodeJS.ErrnoException);
        return;
      }
      process.on('exit', this.killAtExit);
      this.child.once('error', onFailed);
      this.child.once('exit', (code, signal) => finish(explainEnd(code, signal)));
    });
  }

  /** Null where it could not be started. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Sends it a signal, if it still runs. @returns why that was not possible; null where it was */
  send(signal: NodeJS.Signals): string | null {
    return this.signal(signal, pid => pid);
  }

  /** Ends it and the processes of its group at once. @returns as {@link send} */
  kill(): string | null {
    return this.signal('SIGKILL', pid => -pid);
  }

  private signal(signal: NodeJS.Signals, target: (pid: number) => number): string | null {
    const { child, pid } = this;
    // Once it has ended, its number may be another's.
    if (child === null || pid === null || child.exitCode !== null || child.signalCode !== null) return null;
    try {
      process.kill(target(pid), signal);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

function explainEnd(code: number | null, signal: NodeJS.Signals | null): ApplicationEnd {
  if (signal !== null)
    return { code: 128 + constants.signals[signal], how: `was ended by ${signal}`, wasStarted: true };
  return { code: code ?? 1, how: `has ended with ${code}`, wasStarted: true };
}

function explainFailedStart(program: string, { code, message }: NodeJS.ErrnoException): ApplicationEnd {
  const failed = (exitCode: number, why: string): ApplicationEnd => ({
    code: exitCode,
    how: `can not be started: ${why}`,
    wasStarted: false,
  });
  if (code === 'ENOENT') {
    if (!program.includes('/')) return failed(127, `there is no program ${program} in PATH (ENOENT)`);
    if (!existsSync(program)) return failed(127, `there is no file ${program} (ENOENT)`);
    return failed(
      127,
      `what ${program} needs to run is not there, such as the interpreter in its first line (ENOENT)`,
    );
  }
  if (code === 'EACCES') return failed(126, `${program} may not be executed, see its permissions (EACCES)`);
  return failed(126, `${program}: ${message}`);
}
