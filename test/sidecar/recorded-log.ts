import type { Log } from '../../process/log.ts';

/** Keeps what is logged, a sentence each. */
export class RecordedLog {
  readonly lines: string[] = [];

  get log(): Log {
    const note = (_: unknown, message?: string) => {
      this.lines.push(message ?? '');
    };
    return { info: note, warn: note, error: note } as Log;
  }
}
