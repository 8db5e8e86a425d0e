import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGroupAlive } from './process-group.ts';

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
 * The application as a child process. Standard streams, working directory and environment are the own ones. It has a session of
 * its own, so that a Ctrl-C in the terminal reaches the wrapper alone, which then stops everybody in good order. What it starts
 * belongs to it: `npm start` ends at once when it is told to, and the server that it has started is told then, and waited for.
 * Nothing of it outlives this process, unless that one is killed.
 */
export class ApplicationProcess {
  /** Settles in any case. */
  readonly ended: Promise<ApplicationEnd>;
  private child: ChildProcess | null = null;
  private isOver = false;
  private readonly killAtExit = (): void => void this.kill();

  /** @param grace how long what it leaves behind when it ends may take to end too, in ms */
  constructor([program, ...args]: ApplicationCommand, grace: number) {
    this.ended = new Promise(resolve => {
      const finish = (end: ApplicationEnd): void => {
        this.isOver = true;
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
      this.child.once('exit', (code, signal) => {
        void this.endGroup(grace).then(left => finish(explainEnd(code, signal, left)));
      });
    });
  }

  /** Null where it could not be started. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /**
   * Sends it a signal, if it still runs. What a terminal sends when somebody presses a key goes to the processes of its group too, as it would
   * there. @returns why that was not possible; null where it was
   */
  send(signal: NodeJS.Signals): string | null {
    const isOfTerminal = signal === 'SIGINT' || signal === 'SIGQUIT';
    return this.signal(signal, pid => (isOfTerminal || this.hasExited ? -pid : pid));
  }

  /** Ends it and the processes of its group at once. @returns as {@link send} */
  kill(): string | null {
    return this.signal('SIGKILL', pid => -pid);
  }

  private signal(signal: NodeJS.Signals, target: (pid: number) => number): string | null {
    const { pid } = this;
    // Once all of it has ended, its number may be another's.
    if (pid === null || this.isOver) return null;
    try {
      process.kill(target(pid), signal);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private get hasExited(): boolean {
    return this.child !== null && (this.child.exitCode !== null || this.child.signalCode !== null);
  }

  /** Tells what is left of its group to stop, waits, and kills it. @returns whether there was anything */
  private async endGroup(grace: number): Promise<boolean> {
    const { pid } = this;
    if (pid === null || !isGroupAlive(pid)) return false;
    this.send('SIGTERM');
    const end = performance.now() + grace;
    while (isGroupAlive(pid)) {
      if (performance.now() >= end) {
        this.kill();
        break;
      }
      await sleep(LOOK_MS);
    }
    return true;
  }
}

const LOOK_MS = 50;

/** @param hasLeft whether it left processes behind */
function explainEnd(code: number | null, signal: NodeJS.Signals | null, hasLeft: boolean): ApplicationEnd {
  const more = hasLeft ? '; what it left behind was told to stop' : '';
  if (signal !== null)
    return { code: 128 + constants.signals[signal], how: `was ended by ${signal}${more}`, wasStarted: true };
  return { code: code ?? 1, how: `has ended with ${code}${more}`, wasStarted: true };
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
