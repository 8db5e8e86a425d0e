import { createLog, type Log, type LogLevel } from './log.ts';
import { LogDestination } from './log-destination.ts';
import { endProcess } from './process-end.ts';

/** Bytes of the log that may wait for a slow reader. */
const LOG_WAITING = 1024 * 1024;
/** How long the reader of the log may take for the last lines. */
const LAST_WORDS_MS = 500;
const STOPPING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

/**
 * A program that runs until it is told to stop: its log, on standard error, and the signals that it is told by. A bug that nobody
 * caught is logged and ends it; so does a second signal to stop, at once. There is one in a process, from its start on.
 */
export class Program {
  readonly log: Log;
  /** Settles at the first signal to stop. */
  readonly stopSignal: Promise<NodeJS.Signals>;
  /** Where the log goes. Closed by {@link end}. */
  readonly logDestination = new LogDestination({ fd: 2, maxWaiting: LOG_WAITING });
  private onHangup: () => void = () => {};
  private onInsistence: (() => void) | null = null;

  /**
   * @param name who speaks in the log, such as `control-plane`
   * @param stoppedBy the signals to stop
   */
  constructor(name: string, level: LogLevel, stoppedBy: readonly NodeJS.Signals[] = STOPPING_SIGNALS) {
    this.log = createLog(name, level, this.logDestination);
    process.on('uncaughtException', error => {
      this.log.error({ err: error }, `a bug, the ${name.replace('-', ' ')} ends: ${error.message}`);
      void this.end(1).then(endProcess);
    });
    process.on('SIGHUP', () => this.onHangup());
    this.stopSignal = new Promise(resolve => {
      let isStopping = false;
      const onSignal = (signal: NodeJS.Signals) => {
        if (isStopping) return this.insist(signal);
        isStopping = true;
        resolve(signal);
      };
      for (const signal of stoppedBy) process.on(signal, onSignal);
    });
  }

  /** What SIGHUP asks for from now on; before that it is ignored. */
  reloadBy(reload: () => void): void {
    this.onHangup = reload;
  }

  /** What a second signal to stop does from now on, instead of ending the process at once. */
  insistBy(insist: () => void): void {
    this.onInsistence = insist;
  }

  /** Lets the log come to its end. @returns the code, which the process may end with now */
  async end(code: number): Promise<number> {
    await this.logDestination.close(LAST_WORDS_MS);
    return code;
  }

  private insist(signal: NodeJS.Signals): void {
    if (this.onInsistence !== null) return this.onInsistence();
    this.log.warn({ signal }, 'a second signal: ends at once');
    void endProcess(1);
  }
}
