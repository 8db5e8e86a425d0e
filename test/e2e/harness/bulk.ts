import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { Changes } from './changes.ts';

const MiB = 1024 * 1024;
/** A prime, so that no piece that is lost, doubled or moved goes unnoticed. */
const PERIOD = 65_521;
const PATTERN = Buffer.from(Array.from({ length: PERIOD }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
/** The pattern from any position on, for a read of up to 1 MiB. */
const LONG_PATTERN = Buffer.concat(Array.from({ length: Math.ceil(MiB / PERIOD) + 2 }, () => PATTERN));
const PIECE = 256 * 1024;

/**
 * Writes so many bytes of the pattern, as fast as the other side takes them; stops where the socket is closed.
 * @param start where in the pattern to begin: two streams that begin elsewhere can be told apart
 */
export async function sendBulk(socket: Socket, count: number, start = 0): Promise<void> {
  for (let sent = 0; sent < count && !socket.destroyed; ) {
    const length = Math.min(PIECE, count - sent);
    const bytes = bulk(start + sent, length);
    sent += length;
    if (socket.write(bytes)) continue;
    await new Promise<void>(resolve => {
      const go = () => {
        socket.off('drain', go);
        socket.off('close', go);
        resolve();
      };
      socket.on('drain', go);
      socket.on('close', go);
    });
  }
}

/** Bytes of the pattern, up to 1 MiB. */
export function bulk(start: number, length: number): Buffer {
  const from = start % PERIOD;
  return LONG_PATTERN.subarray(from, from + length);
}

/** Takes bytes of the pattern and compares each of them, in constant memory. */
export class BulkReceiver {
  received = 0;
  private readonly start: number;
  private readonly changes = new Changes();

  /** @param start where in the pattern the sender began */
  constructor(start = 0) {
    this.start = start;
  }

  /** @param bytes any number: what had come before the comparison began is taken in one piece */
  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += MiB) {
      const piece = bytes.subarray(at, at + MiB);
      const isSame = bulk(this.start + this.received, piece.length).equals(piece);
      assert.ok(isSame, `other bytes than were sent, within ${piece.length} from ${this.received} on`);
      this.received += piece.length;
    }
    this.changes.notify();
  }

  async until(count: number, ms: number): Promise<void> {
    await this.changes.until(() => this.received >= count, `${count} bytes`, ms);
  }
}

/** Reads only half of the time: 20 ms of each 40, until the socket is closed. */
export function readSlowly(socket: Socket): void {
  let isPaused = false;
  const timer = setInterval(() => {
    isPaused = !isPaused;
    if (isPaused) socket.pause();
    else socket.resume();
  }, 20);
  socket.on('close', () => clearInterval(timer));
}
