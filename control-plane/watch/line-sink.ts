import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** Where the lines of a stream go. */
export interface LineSink {
  /** Writes one or more lines, each with its `\n`. */
  write(lines: string): void;
  /** Bytes that wait to be read by the other side. */
  readonly waiting: number;
  /** Ends the connection behind what was written. Whoever does not read that within a second is not waited for. */
  close(): void;
  /** Ends the connection at once, and forgets what was not read. */
  destroy(): void;
}

/** How long what is left may take to be read. */
const LAST_LINES_MS = 1000;

/** Lines over a socket, or as the body of an answer. */
export function lineSinkOf(out: Socket | ServerResponse): LineSink {
  return {
    write: lines => void out.write(lines),
    get waiting() {
      return out.writableLength;
    },
    close() {
      if (out instanceof Socket) out.destroySoon();
      else out.end();
      const timer = setTimeout(() => out.destroy(), LAST_LINES_MS).unref();
      out.once('close', () => clearTimeout(timer));
    },
    destroy: () => void out.destroy(),
  };
}
