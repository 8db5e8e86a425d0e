import { createLog, type Log, type LogLevel } from './log.ts';
import { LogDestination } from './log-destination.ts';
import { endProcess } from './process-end.ts';

/** Characters of the log that may wait for a slow reader. */
const LOG_WAITING = 1024 * 1024;
/** How long the reader of the log may take for the last lines. */
const LAST_WORDS_MS = 500;

/**
 * A program that runs until it is told to stop: its log, on standard error, and the signals that it is told by. A bug that nobody
 * caught is logged and ends it; so does a second signal to stop, at once. There is one in a process, from its start on.
 */
export class Program {
  readonly log: Log;
  /** Settles at the first SIGTERM or SIGINT. */
  readonly stopSignal: Promise<NodeJS.Signals>;
  private readonly logDestination = new LogDestination({ fd: 2, maxWaiting: LOG_WAITING });
  private onHangup: () => void = () => {};

  /** @param name who speaks in the log, such as `control-plane` */
  constructor(name: string, level: LogLevel) {
    this.log = createLog(name, level, this.logDestination);
    process.on('uncaughtException', error => {
      this.log.error({ err: error }, `a bug, the ${name.replace('-', ' ')} ends: ${error.message}`);
      void this.end(1).then(endProcess);
    });
    process.on('SIGHUP', () => this.onHangup());
    this.stopSignal = new Promise(resolve => {
      let isStopping = false;
      const onSignal = (signal: NodeJS.Signals) => {
        if (isStopping) return this.endAtOnce(signal);
        isStopping = true;
        resolve(signal);
      };
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
    });
  }

  /** What SIGHUP asks for from now on; before that it is ignored. */
  reloadBy(reload: () => void): void {
    this.onHangup = reload;
  }

  /** Lets the log come to its end. @returns the code, which the process may end with now */
  async end(code: number): Promise<number> {
    await this.logDestination.close(LAST_WORDS_MS);
    return code;
  }

  private endAtOnce(signal: NodeJS.Signals): void {
    this.log.warn({ signal }, 'a second signal: ends at once');
    void endProcess(1);
  }
}
