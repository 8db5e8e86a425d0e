import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Pieces, whole } from './pieces.ts';

/** One side of a connection to the sidecar: keeps every byte it receives, and notes how the connection ends. */
export class Peer {
  readonly socket: Socket;
  /** Everything received, latin1. */
  received = '';
  /** The sidecar has sent FIN or RST. */
  ended = false;
  /** It was RST, or another error. */
  failed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', chunk => {
      this.received += chunk.toString('latin1');
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.ended = true;
    });
    socket.on('error', () => {
      this.failed = true;
    });
  }

  /** Sends the bytes, each piece as a write of its own; stops once the sidecar has closed its side. */
  async send(bytes: string, pieces: Pieces = whole): Promise<void> {
    const wasOpen = !this.ended;
    for (const piece of pieces(bytes)) {
      if (!this.socket.writable) return;
      this.socket.write(piece, 'latin1');
      await nextTurn();
      if (wasOpen && this.ended) return;
    }
  }

  end(): void {
    if (this.socket.writable) this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends the connection and waits until both sides have, or kills it. */
  async close(): Promise<void> {
    this.end();
    for (let looks = 0; looks < 100 && !this.socket.destroyed; looks++) await sleep(2);
    this.socket.destroy();
  }
}

/** How often, and for how many milliseconds at least, a wait looks in vain before it is given up. */
const LOOKS = 300;
const LOOKING_MS = 1_500;

/**
 * Waits until `condition` holds, or nothing has happened for too long. Both are counted, time and looks, because on a busy
 * machine time passes in which none of us ran: client, sidecar and upstream live in one process.
 * @param progress a number that changes while things happen: bytes trickle slowly
 * @returns whether it came to hold
 */
export async function until(condition: () => boolean, progress = () => 0): Promise<boolean> {
  let looks = 0;
  let since = performance.now();
  let last = progress();
  for (;;) {
    if (condition()) return true;
    const current = progress();
    if (current !== last) {
      looks = 0;
      since = performance.now();
      last = current;
    } else if (++looks > LOOKS && performance.now() - since > LOOKING_MS) return false;
    await sleep(2);
  }
}
