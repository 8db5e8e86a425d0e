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

/** Writes so many bytes of the pattern, as fast as the other side takes them; stops where the socket is closed. */
export async function sendBulk(socket: Socket, count: number): Promise<void> {
  for (let sent = 0; sent < count && !socket.destroyed; ) {
    const length = Math.min(PIECE, count - sent);
    const from = sent % PERIOD;
    sent += length;
    if (socket.write(LONG_PATTERN.subarray(from, from + length))) continue;
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

/** Takes bytes of the pattern and compares each of them, in constant memory. */
export class BulkReceiver {
  received = 0;
  private readonly changes = new Changes();

  take(bytes: Buffer): void {
    const from = this.received % PERIOD;
    const isSame = LONG_PATTERN.compare(bytes, 0, bytes.length, from, from + bytes.length) === 0;
    assert.ok(isSame, `other bytes than were sent, within ${bytes.length} from ${this.received} on`);
    this.received += bytes.length;
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
