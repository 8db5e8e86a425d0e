import { closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';

interface LogDestinationOptions {
  /** The file descriptor to write to. It stays open. */
  readonly fd: number;
  /** Bytes that may wait to be written; lines beyond are dropped. */
  readonly maxWaiting: number;
}

/**
 * Where log lines go: written in batches, one write at a time, off the main thread, and never waited for. A reader that is
 * slow costs lines, which are counted; one that is gone costs all further lines. Nothing that it does ends the process.
 *
 * Not a `pino.destination`: at exit, that one waits for as long as the reader takes, and so does Node itself for a write
 * to a full pipe that is under way. So nothing is written in a way that blocks.
 */
export class LogDestination {
  /** Lines that were not written because the reader was too slow, or gone. */
  dropped = 0;
  private readonly fd: number;
  private readonly ownsFd: boolean;
  /** Where blocking could not be turned off: a terminal that belongs to somebody else. */
  private readonly mayBlock: boolean;
  private readonly maxWaiting: number;
  /**
   * What waits, as bytes: lines that are kept as text until a slow write is over outlive the young generation, and 1,000 of them a second
   * were measured to make 2 MB of garbage a second that only a full collection takes.
   */
  private waiting = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private waitingBytes = 0;
  /** Serves as {@link waiting} while that one is written. */
  private spare = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** What the current write did not write yet. */
  private batch: Buffer | null = null;
  private isWriting = false;
  private isBroken = false;
  private isClosed = false;
  private isScheduled = false;
  private idleListener: (() => void) | null = null;
  private readonly atExit = (): void => this.flushSync();

  constructor(options: LogDestinationOptions) {
    const { fd, mayBlock } = withoutBlocking(options.fd);
    this.fd = fd;
    this.ownsFd = fd !== options.fd;
    this.mayBlock = mayBlock;
    this.maxWaiting = options.maxWaiting;
    process.on('exit', this.atExit);
  }

  /** @param line with its line feed */
  write(line: string): void {
    const length = Buffer.byteLength(line);
    const held = this.waitingBytes + (this.batch?.length ?? 0);
    if (this.isBroken || this.isClosed || held + length > this.maxWaiting) {
      this.dropped++;
      return;
    }
    if (this.waitingBytes + length > this.waiting.length) this.makeRoom(length);
    this.waitingBytes += this.waiting.write(line, this.waitingBytes);
    if (this.isScheduled || this.isWriting) return;
    this.isScheduled = true;
    setImmediate(() => this.writeNext());
  }

  /** Writes what is waiting as far as the reader takes it without a wait: before the process ends. */
  flushSync(): void {
    // A write that is under way can't be told from one that is done: there is nothing safe to do then.
    if (this.isWriting || this.isClosed || this.mayBlock) return;
    try {
      for (let batch = this.nextBatch(); batch !== null; batch = this.nextBatch()) {
        this.advance(batch, writeSync(this.fd, batch));
      }
    } catch {
      this.drop();
    }
  }

  /**
   * Writes what is waiting and lets go of the descriptor. Lines that come later are dropped.
   * @param withinMs how long a slow reader is waited for
   * @returns false where lines were lost; then a write may still be under way, and the process may not end by itself
   */
  async close(withinMs: number): Promise<boolean> {
    if (this.isClosed) return true;
    if (!this.isIdle) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>(resolve => {
        this.idleListener = resolve;
        timer = setTimeout(resolve, withinMs);
      });
      clearTimeout(timer);
    }
    const isComplete = this.isIdle;
    this.drop();
    this.isClosed = true;
    process.off('exit', this.atExit);
    // The number of a descriptor that is still written to must not be given to another file.
    if (this.ownsFd && !this.isWriting) closeSync(this.fd);
    return isComplete;
  }

  private get isIdle(): boolean {
    return !this.isWriting && this.batch === null && this.waitingBytes === 0;
  }

  private writeNext(): void {
    this.isScheduled = false;
    if (this.isWriting || this.isClosed) return;
    const batch = this.nextBatch();
    if (batch === null) {
      this.idleListener?.();
      return;
    }
    this.isWriting = true;
    write(this.fd, batch, (error, written) => this.onWritten(batch, error, written));
  }

  private onWritten(batch: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    this.isWriting = false;
    if (error === null) {
      this.advance(batch, written);
    } else if (error.code === 'EAGAIN' || error.code === 'EBUSY') {
      this.isScheduled = true;
      setTimeout(() => this.writeNext(), RETRY_MS).unref();
      return;
    } else {
      this.drop();
      // A full disk may have room again, a reader that is gone does not come back.
      if (error.code === 'EPIPE' || error.code === 'EBADF') this.isBroken = true;
    }
    this.writeNext();
  }

  private makeRoom(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(2 * (this.waitingBytes + length), this.maxWaiting));
    this.waiting.copy(larger, 0, 0, this.waitingBytes);
    this.waiting = larger;
  }

  /** What is to be written now: the rest of the last batch, or all lines that wait, or nothing. */
  private nextBatch(): Buffer | null {
    if (this.batch === null && this.waitingBytes > 0) {
      const { waiting, waitingBytes } = this;
      this.batch = waiting.subarray(0, waitingBytes);
      // What a slow reader made grow is not kept for good.
      this.waiting = this.spare.length > KEPT_BYTES ? Buffer.allocUnsafeSlow(FIRST_BYTES) : this.spare;
      this.spare = waiting;
      this.waitingBytes = 0;
    }
    return this.batch;
  }

  private advance(batch: Buffer, written: number): void {
    this.batch = written < batch.length ? batch.subarray(written) : null;
  }

  private drop(): void {
    for (const byte of this.batch ?? []) if (byte === LINE_FEED) this.dropped++;
    for (const byte of this.waiting.subarray(0, this.waitingBytes)) if (byte === LINE_FEED) this.dropped++;
    this.batch = null;
    this.waitingBytes = 0;
  }
}

/** Room for what waits at first; it grows with need. */
const FIRST_BYTES = 32 * 1024;
const KEPT_BYTES = 8 * FIRST_BYTES;
const LINE_FEED = 10;
/** When a reader that takes nothing is tried again. */
const RETRY_MS = 50;

/**
 * A descriptor for what `fd` refers to that does not block. Opened once more, where that can be, so that being non-blocking concerns
 * nobody else who has it: `O_NONBLOCK` is shared by all processes that inherited a descriptor. Otherwise, for sockets (as from
 * systemd) and for pipes of another user, as Node does it for `process.stdout`; it puts that back when the process ends.
 */
function withoutBlocking(fd: number): { fd: number; mayBlock: boolean } {
  try {
    if (fstatSync(fd).isFile()) return { fd, mayBlock: false };
    const own = openAgain(fd);
    if (own !== null) return { fd: own, mayBlock: false };
    // Makes it non-blocking; of no further use.
    new Socket({ fd, readable: false, writable: true }).unref();
    return { fd, mayBlock: false };
  } catch {
    return { fd, mayBlock: true };
  }
}

function openAgain(fd: number): number | null {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}
