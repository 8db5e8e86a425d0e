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
    await until(() => this.socket.destroyed, 300);
    this.socket.destroy();
  }
}

/** Waits until `condition` holds. @returns whether it came to hold in time */
export async function until(condition: () => boolean, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; ; ) {
    if (condition()) return true;
    if (performance.now() >= deadline) return false;
    await sleep(2);
  }
}
